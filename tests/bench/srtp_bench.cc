// What SRTP costs per 172-octet packet (20 ms of G.711) and per report, for each suite and both
// transforms, index, window and tag included. Run it with
//   out/build/release/bin/bench_srtp --benchmark_counters_tabular=true
// The column `limit_ns` is what was measured for it before anything was built (LIMITS.md sections 2
// and 5, and its machine); 0 where nothing was.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "relay/srtp/srtp.h"

namespace causeway::srtp {
namespace {

using wire::SrtpSuite;

constexpr std::size_t kPayloadOctets = 160;
constexpr int kBatch = 4096;
constexpr Instant kNow{std::chrono::hours(1)};

wire::SrtpKeys make_keys(SrtpSuite suite) {
  const wire::SrtpSuiteFacts& facts = wire::facts_of(suite);
  std::array<std::byte, SecretKey::kMaxOctets> octets;
  octets.fill(std::byte{0x5a});
  wire::SrtpKeys keys;
  keys.suite = suite;
  keys.keys.resize(1);
  keys.keys[0].key = SecretKey(Bytes(octets).first(facts.key));
  keys.keys[0].salt = SecretKey(Bytes(octets).first(facts.salt));
  return keys;
}

SrtpOptions options_of(Transform transform) {
  SrtpOptions options;
  options.transform = transform;
  return options;
}

// Both ends of a stream, and packets between them.
class Stream {
 public:
  Stream(SrtpSuite suite, Transform transform)
      : sender_(std::move(*SrtpSender::create(make_keys(suite), options_of(transform)))),
        receiver_(std::move(*SrtpReceiver::create(make_keys(suite), options_of(transform)))) {
    payload_.fill(std::byte{0xd5});
  }

  wire::OpenRtp clear() {
    seq_ = seq_.plus(1);
    return wire::OpenRtp::make(pool_.take(), PayloadType(0), false, seq_, RtpTimestamp(0),
                               Ssrc(0x12345678), payload_);
  }
  Result<PacketBuf, DropReason> seal() { return sender_->seal(clear()); }
  Result<wire::OpenRtp, DropReason> open(PacketBuf packet) {
    return receiver_->open(std::move(*wire::SealedRtp::parse(std::move(packet))), kNow);
  }

 private:
  PacketPool pool_{kBatch + 8};
  std::unique_ptr<SrtpSender> sender_;
  std::unique_ptr<SrtpReceiver> receiver_;
  std::array<std::byte, kPayloadOctets> payload_;
  SeqNum seq_;
};

void seal(benchmark::State& state, SrtpSuite suite, Transform transform, double limit_ns) {
  Stream stream(suite, transform);
  for (auto _ : state) {
    auto sealed = stream.seal();
    if (!sealed) return state.SkipWithError("a packet was not sealed");
    benchmark::DoNotOptimize(sealed->data().data());
  }
  state.counters["limit_ns"] = limit_ns;
}

void open(benchmark::State& state, SrtpSuite suite, Transform transform, double limit_ns) {
  Stream stream(suite, transform);
  std::vector<PacketBuf> packets(kBatch);
  std::size_t left = 0;
  for (auto _ : state) {
    if (left == 0) {
      state.PauseTiming();
      left = kBatch;
      for (std::size_t i = kBatch; i-- > 0;) packets[i] = std::move(*stream.seal());
      state.ResumeTiming();
    }
    auto opened = stream.open(std::move(packets[--left]));
    if (!opened) return state.SkipWithError("a packet was not opened");
    benchmark::DoNotOptimize(opened->bytes().data());
  }
  state.counters["limit_ns"] = limit_ns;
}

// What an attacker's packet costs who has to refuse it.
void refuse(benchmark::State& state, SrtpSuite suite, Transform transform) {
  Stream stream(suite, transform);
  static_cast<void>(stream.open(std::move(*stream.seal())));
  PacketPool pool(2);
  PacketBuf forged = std::move(*stream.seal());
  forged.data().back() ^= std::byte{1};
  const std::vector<std::byte> bad(forged.data().begin(), forged.data().end());
  for (auto _ : state) {
    PacketBuf packet = pool.take();
    packet.resize(bad.size());
    std::ranges::copy(bad, packet.data().begin());
    if (stream.open(std::move(packet))) return state.SkipWithError("a forged packet was opened");
  }
  state.counters["limit_ns"] = 0;
}

// What the two loops above do apart from SRTP: fill a buffer with 172 octets and give it back.
void without_srtp(benchmark::State& state) {
  Stream stream(SrtpSuite::AeadAes128Gcm, Transform::Evp);
  for (auto _ : state) {
    wire::OpenRtp packet = stream.clear();
    benchmark::DoNotOptimize(packet.bytes().data());
  }
  state.counters["limit_ns"] = 0;
}

struct Limit {
  SrtpSuite suite;
  double evp_ns;
  double libsrtp_ns;
};
constexpr Limit kLimits[] = {
    {SrtpSuite::AesCm128HmacSha1_80, 198, 1770}, {SrtpSuite::AesCm128HmacSha1_32, 0, 0},
    {SrtpSuite::AesCm256HmacSha1_80, 0, 0},      {SrtpSuite::AesCm256HmacSha1_32, 0, 0},
    {SrtpSuite::AeadAes128Gcm, 178, 596},        {SrtpSuite::AeadAes256Gcm, 0, 0},
};

void register_all() {
  benchmark::RegisterBenchmark("without_srtp", without_srtp);
  for (const Limit& limit : kLimits) {
    const std::string suite(wire::facts_of(limit.suite).name);
    for (const Transform transform : {Transform::Evp, Transform::Libsrtp}) {
      const bool is_evp = transform == Transform::Evp;
      const std::string name = suite + (is_evp ? "/evp/" : "/libsrtp/");
      const double ns = is_evp ? limit.evp_ns : limit.libsrtp_ns;
      benchmark::RegisterBenchmark((name + "seal").c_str(), seal, limit.suite, transform, ns);
      benchmark::RegisterBenchmark((name + "open").c_str(), open, limit.suite, transform, ns);
      benchmark::RegisterBenchmark((name + "refuse").c_str(), refuse, limit.suite, transform);
    }
  }
}

}  // namespace
}  // namespace causeway::srtp

int main(int argc, char** argv) {
  causeway::srtp::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
