// What a handshake of DTLS-SRTP costs one thread, and an association that is up. Both ends are ours
// and on the same thread: a relay does one of them, so the column `server_us` or `client_us` is
// what it pays, and `handshakes_per_s` what a thread of the pool can do of that side. Run it with
//   out/build/release/bin/bench_dtls --benchmark_counters_tabular=true
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "relay/dtls/associations.h"

namespace causeway::dtls {
namespace {

using Clock = std::chrono::steady_clock;

std::shared_ptr<Settings> settings_of(const std::shared_ptr<const Identity>& own, Role role,
                                      const std::shared_ptr<const Identity>& other) {
  auto settings = std::make_shared<Settings>();
  settings->identity = own;
  settings->role = role;
  settings->remote_fingerprints = {other->fingerprint()};
  return settings;
}

// A handshake between two ends, and the time that each took.
struct Handshake {
  std::shared_ptr<const Identity> a = *Identity::create();
  std::shared_ptr<const Identity> b = *Identity::create();
  std::shared_ptr<Settings> of_client = settings_of(a, Role::Active, b);
  std::shared_ptr<Settings> of_server = settings_of(b, Role::Passive, a);
  std::unique_ptr<Association> client;
  std::unique_ptr<Association> server;
  Clock::duration client_time{};
  Clock::duration server_time{};

  template <typename F>
  static void timed(Clock::duration& sum, F&& f) {
    const auto begin = Clock::now();
    std::forward<F>(f)();
    sum += Clock::now() - begin;
  }
  bool run() {
    Flight to_server;
    timed(client_time, [&] {
      client = std::move(*Association::create(of_client));
      Report report;
      client->start(report);
      to_server = std::move(report.flight);
    });
    timed(server_time, [&] { server = std::move(*Association::create(of_server)); });
    while (!to_server.empty()) {
      Flight to_client;
      timed(server_time, [&] { exchange(*server, to_server, to_client); });
      timed(client_time, [&] { exchange(*client, to_client, to_server); });
    }
    return client->is_up() && server->is_up();
  }
  static void exchange(Association& end, Flight& in, Flight& out) {
    for (const auto& datagram : std::exchange(in, {})) {
      Report report;
      end.handle_datagram(datagram, report);
      for (auto& answer : report.flight) out.push_back(std::move(answer));
    }
  }
};

double per_handshake(Clock::duration sum, const benchmark::State& state) {
  return std::chrono::duration<double>(sum).count() / static_cast<double>(state.iterations());
}

void BM_Handshake(benchmark::State& state) {
  Handshake handshake;
  for (auto _ : state) {
    if (!handshake.run()) return state.SkipWithError("the handshake has failed");
  }
  const double server = per_handshake(handshake.server_time, state);
  const double client = per_handshake(handshake.client_time, state);
  state.counters["server_us"] = server * 1e6;
  state.counters["client_us"] = client * 1e6;
  state.counters["server_handshakes_per_s"] = 1 / server;
  state.counters["client_handshakes_per_s"] = 1 / client;
}
BENCHMARK(BM_Handshake)->Unit(benchmark::kMicrosecond);

// What a stranger's hello costs before he has returned a cookie.
void BM_HelloWithoutCookie(benchmark::State& state) {
  const Handshake ends;
  auto client = std::move(*Association::create(ends.of_client));
  Report hello;
  client->start(hello);
  ends.of_server->needs_cookie = true;
  Associations leg(ends.of_server);
  const SocketAddress from{IpAddress::v4(0xc0000201), UdpPort(1)};
  for (auto _ : state) {
    Report report;
    leg.handle_datagram(hello.flight[0], from, report);
    benchmark::DoNotOptimize(report.flight.data());
  }
}
BENCHMARK(BM_HelloWithoutCookie);

// What a leg keeps for as long as its call lasts, and what one keeps that has gone half way.
void BM_Memory(benchmark::State& state) {
  constexpr int kEnds = 100;
  Handshake handshake;
  (void)handshake.run();
  double octets = 0;
  for (auto _ : state) {
    std::vector<std::unique_ptr<Association>> servers;
    const auto before = mallinfo2().uordblks;
    for (int i = 0; i < kEnds; ++i) {
      (void)handshake.run();
      servers.push_back(std::move(handshake.server));
      handshake.client.reset();
    }
    octets = static_cast<double>(mallinfo2().uordblks - before) / kEnds;
  }
  state.counters["octets_an_association"] = octets;
}
BENCHMARK(BM_Memory)->Iterations(1);

void BM_Identity(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Identity::create());
}
BENCHMARK(BM_Identity)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace causeway::dtls

BENCHMARK_MAIN();
