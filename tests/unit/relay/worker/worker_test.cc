#include "relay/worker/worker.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/sim/world.h"
#include "tests/support/worker_driver.h"

namespace causeway::worker {
namespace {

using namespace std::chrono_literals;

/// A worker and, on the test's thread, its control plane.
class WorkerTest : public ::testing::Test, protected WorkerDriver {
 protected:
  void start(WorkerConfig config = make_config(), Hooks hooks = {}) {
    WorkerDriver::start(std::move(config), std::move(hooks));
  }
  template <typename T>
  std::unique_ptr<T> call(std::unique_ptr<T> command) {
    auto done = WorkerDriver::call(std::move(command));
    if (done == nullptr) throw std::runtime_error("a command did not come back");
    return done;
  }
  template <typename T>
  void post(std::uint64_t token) {
    ASSERT_TRUE(WorkerDriver::post(std::make_unique<T>(), token));
  }

  sim::LegParts leg(std::uint16_t number, const SocketAddress& remote) {
    sim::LegParts parts;
    parts.number = number;
    parts.spec.id = std::to_string(number);
    parts.spec.remote_rtp = remote;
    parts.spec.network = remote.ip.is_v6() ? "v6" : "";
    parts.spec.codecs = {sim::make_codec(0, "PCMU")};
    return parts;
  }
  std::unique_ptr<engine::OpenSession> open_bridge(const SocketAddress& a, const SocketAddress& b) {
    auto command = std::make_unique<engine::OpenSession>();
    command->session = sim::make_bridge(leg(1, a), leg(2, b), random_);
    auto done = call(std::move(command));
    EXPECT_EQ(done->status, engine::Status::Ok);
    return done;
  }
  static std::vector<std::byte> speech(std::uint16_t seq, std::size_t octets = 160) {
    return sim::rtp_packet(0, seq, seq * 160U, 77, std::vector<std::byte>(octets, std::byte{0x5a}));
  }

  Random random_{{7, 7}};
};

TEST_F(WorkerTest, BridgesTwoEndpointsBothWays) {
  start();
  Endpoint a("127.0.0.1:0");
  Endpoint b("127.0.0.1:0");
  const auto session = open_bridge(a.address(), b.address());
  for (std::uint16_t seq = 1; seq <= 20; ++seq) {
    a.send(session->addresses[0].rtp, speech(seq));
    const auto heard_by_b = b.receive();
    ASSERT_EQ(heard_by_b.size(), 172U);
    EXPECT_EQ(heard_by_b[12], std::byte{0x5a});
    b.send(session->addresses[1].rtp, speech(seq));
    ASSERT_EQ(a.receive().size(), 172U);
  }
  EXPECT_TRUE(next_event<engine::FirstPacket>());
  call(std::make_unique<engine::ReadCapacity>());  // a later turn: the numbers are in
  EXPECT_EQ(worker().io_stats().received.value(), 40U);
  EXPECT_EQ(worker().io_stats().sent.value(), 40U);
}

TEST_F(WorkerTest, BridgesIpv4AndIpv6) {
  start();
  Endpoint a("127.0.0.1:0");
  Endpoint b("[::1]:0");
  const auto session = open_bridge(a.address(), b.address());
  a.send(session->addresses[0].rtp, speech(1));
  EXPECT_EQ(b.receive().size(), 172U);
  b.send(session->addresses[1].rtp, speech(1));
  EXPECT_EQ(a.receive().size(), 172U);
}

TEST_F(WorkerTest, CountsTheDelayThatItAdds) {
  start();
  Endpoint a("127.0.0.1:0");
  Endpoint b("127.0.0.1:0");
  const auto session = open_bridge(a.address(), b.address());
  for (std::uint16_t seq = 1; seq <= 10; ++seq) a.send(session->addresses[0].rtp, speech(seq));
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(b.receive().empty());
  call(std::make_unique<engine::ReadCapacity>());  // a later turn: the numbers are in
  const WorkerStats stats = worker().stats();
  EXPECT_EQ(stats.added_delay.total, 10U);
  EXPECT_GT(stats.added_delay.max, 0ns);
  EXPECT_LT(stats.added_delay.max, kPatience);
  EXPECT_EQ(stats.sessions, 1U);
  EXPECT_GE(stats.commands, 2U);
  EXPECT_GT(stats.turns, 0U);
}

TEST_F(WorkerTest, ClosesASessionAndItsPorts) {
  start();
  Endpoint a("127.0.0.1:0");
  const auto session = open_bridge(a.address(), a.address());
  auto close = std::make_unique<engine::CloseSession>();
  close->session = session->handle;
  EXPECT_EQ(call(std::move(close))->status, engine::Status::Ok);
  const auto closed = next_event<engine::SessionClosed>();
  ASSERT_TRUE(closed);
  EXPECT_NE(std::get<engine::SessionClosed>(closed->body).session, nullptr);
  // Another program can have the port: the socket is closed.
  PacketPool pool(16);
  const auto other = std::move(*io::SocketsBackend::create({.max_sockets = 1}, pool));
  EXPECT_TRUE(other->open({0, 1}, session->addresses[0].rtp, {}));
}

TEST_F(WorkerTest, TriesOtherPortsWhereSomeAreTaken) {
  WorkerConfig config = make_config();
  config.engine.networks.resize(1);
  auto& network = config.engine.networks[0];
  network.last_port = UdpPort(static_cast<std::uint16_t>(network.first_port.raw() + 9));
  // Every second pair of the five is another's.
  PacketPool pool(16);
  const auto other = std::move(*io::SocketsBackend::create({.max_sockets = 2}, pool));
  for (std::uint16_t i = 0; i < 2; ++i) {
    const UdpPort port(static_cast<std::uint16_t>(network.first_port.raw() + 2 + 4 * i));
    ASSERT_TRUE(other->open({i, 1}, {network.bind, port}, {}));
  }
  start(std::move(config));
  Endpoint a("127.0.0.1:0");
  Endpoint b("127.0.0.1:0");
  const auto session = open_bridge(a.address(), b.address());
  a.send(session->addresses[0].rtp, speech(1));
  EXPECT_EQ(b.receive().size(), 172U);
}

TEST_F(WorkerTest, WakesForItsTimersWithoutTraffic) {
  start();
  auto command = std::make_unique<engine::OpenSession>();
  command->session = std::make_unique<engine::Session>(20ms, engine::LeaseExpiry::Close);
  ASSERT_EQ(call(std::move(command))->status, engine::Status::Ok);
  const auto closed = next_event<engine::SessionClosed>();
  ASSERT_TRUE(closed);
  EXPECT_EQ(std::get<engine::SessionClosed>(closed->body).reason,
            engine::SessionClosed::Reason::LeaseExpired);
}

TEST_F(WorkerTest, StopsWithAReportOfEverySession) {
  start();
  Endpoint a("127.0.0.1:0");
  open_bridge(a.address(), a.address());
  open_bridge(a.address(), a.address());
  worker().request_stop();
  for (int i = 0; i < 2; ++i) {
    const auto closed = next_event<engine::SessionClosed>();
    ASSERT_TRUE(closed);
    EXPECT_EQ(std::get<engine::SessionClosed>(closed->body).reason,
              engine::SessionClosed::Reason::NodeShutdown);
  }
  const Instant deadline = io::now() + kPatience;
  while (!worker().is_stopped() && io::now() < deadline) wait_for_signal(1ms);
  EXPECT_TRUE(worker().is_stopped());
}

TEST_F(WorkerTest, AnswersWhatWasPostedBeforeTheStopAndRefusesTheRest) {
  start();
  constexpr int kPosted = 500;
  for (int i = 0; i < kPosted; ++i) {
    post<engine::ReadCapacity>(static_cast<std::uint64_t>(i));
  }
  worker().request_stop();
  engine::Command late(std::make_unique<engine::CloseSession>());
  EXPECT_FALSE(worker().post(late));
  EXPECT_EQ(worker().stats().refused_commands, 1U);
  for (int i = 0; i < kPosted; ++i) {
    const auto report = next_report();
    ASSERT_TRUE(report) << i;
    EXPECT_TRUE(std::holds_alternative<engine::Command>(*report));
  }
}

TEST_F(WorkerTest, EndsEvenIfNobodyReadsItsReports) {
  WorkerConfig config = make_config();
  config.outlet_reports = 2;
  config.last_reports = 20ms;
  start(std::move(config));
  for (std::uint64_t i = 0; i < 100; ++i) post<engine::ReadCapacity>(i);
  stop();  // returns
}

TEST_F(WorkerTest, MediaFlowsAndStopsAreCarriedOutWhileTheControlPlaneIsStuck) {
  WorkerConfig config = make_config();
  config.outlet_reports = 2;
  start(std::move(config));
  Endpoint a("127.0.0.1:0");
  Endpoint b("127.0.0.1:0");
  const auto session = open_bridge(a.address(), b.address());
  // From here on nobody reads. The ring fills; normal commands stay in the mailbox.
  for (std::uint64_t i = 0; i < 200; ++i) post<engine::ReadCapacity>(i);
  for (std::uint16_t seq = 1; seq <= 50; ++seq) {
    a.send(session->addresses[0].rtp, speech(seq));
    ASSERT_EQ(b.receive().size(), 172U);
  }
  EXPECT_LT(worker().stats().commands, 200U);
  // What stops something is done all the same: the port falls silent.
  auto close = std::make_unique<engine::CloseSession>();
  close->session = session->handle;
  ASSERT_TRUE(WorkerDriver::post(std::move(close), 1'000));
  for (const Instant deadline = io::now() + kPatience;
       worker().stats().sessions != 0 && io::now() < deadline;) {
    std::this_thread::yield();
  }
  EXPECT_EQ(worker().stats().sessions, 0U);
  // The control plane comes back, and finds every answer.
  std::size_t answers = 0;
  bool is_closed = false;
  while (answers < 201) {
    const auto report = next_report();
    ASSERT_TRUE(report) << answers;
    if (std::holds_alternative<engine::Command>(*report)) {
      ++answers;
    } else {
      is_closed = is_closed || std::holds_alternative<engine::SessionClosed>(
                                   std::get<engine::Event>(*report).body);
    }
  }
  EXPECT_TRUE(is_closed);
}

TEST_F(WorkerTest, CallsItsHooksOnItsOwnThreadInOrder) {
  std::vector<std::pair<std::string, std::thread::id>> calls;
  const auto note = [&](const char* name) {
    return [&calls, name] { calls.emplace_back(name, std::this_thread::get_id()); };
  };
  start(make_config(), {note("start"), note("warm"), note("stopping")});
  stop();
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(calls[0].first, "start");
  EXPECT_EQ(calls[1].first, "warm");
  EXPECT_EQ(calls[2].first, "stopping");
  for (const auto& call : calls) {
    EXPECT_EQ(call.second, calls[0].second);
    EXPECT_NE(call.second, std::this_thread::get_id());
  }
}

TEST_F(WorkerTest, RunsOnTheProcessorThatItIsGivenUnderItsName) {
  const Cpu cpu = allowed_cpus().at(0);
  std::promise<std::pair<std::vector<Cpu>, std::string>> seen;
  WorkerConfig config = make_config();
  config.cpu = cpu;
  start(std::move(config), {[&] {
                              std::array<char, 16> name{};
                              ::pthread_getname_np(::pthread_self(), name.data(), name.size());
                              seen.set_value({allowed_cpus(), name.data()});
                            },
                            {},
                            {}});
  const auto [cpus, name] = seen.get_future().get();
  EXPECT_EQ(cpus, std::vector{cpu});
  EXPECT_EQ(name, "cw-worker-1");
}

TEST_F(WorkerTest, IsNotCreatedWithoutItsBackend) {
  const auto refuse = [](PacketPool&,
                         std::size_t) -> Result<std::unique_ptr<io::IoBackend>, Error> {
    return failure(Error{ErrorCode::Unavailable, "IO_UNAVAILABLE", "", "no such thing"});
  };
  const auto reader = std::move(*io::WakeSignal::create());
  const auto worker = Worker::create(make_config(), refuse, *reader);
  ASSERT_FALSE(worker);
  EXPECT_EQ(worker.error().reason, "IO_UNAVAILABLE");
}

TEST_F(WorkerTest, CarriesOutCommandsOfManyThreads) {
  start();
  constexpr std::uint64_t kEach = 500;
  std::vector<std::jthread> senders;
  for (int sender = 0; sender < 3; ++sender) {
    senders.emplace_back([this] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        engine::Command command(std::make_unique<engine::ReadCapacity>());
        while (!worker().post(command)) std::this_thread::yield();
      }
    });
  }
  for (std::uint64_t i = 0; i < 3 * kEach; ++i) ASSERT_TRUE(next_report()) << i;
}

}  // namespace
}  // namespace causeway::worker
