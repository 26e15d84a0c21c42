#include "relay/worker/worker.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <deque>
#include <future>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "relay/io/clock.h"
#include "relay/io/sockets_backend.h"
#include "tests/sim/world.h"

namespace causeway::worker {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPatience = 10s;

/// A range of ports that other runs of this test are unlikely to use; the engine tries others where
/// one is taken.
engine::NetworkConfig loopback(const char* ip) {
  engine::NetworkConfig network;
  network.bind = network.advertised = *IpAddress::parse(ip);
  network.first_port = UdpPort(static_cast<std::uint16_t>(10'000 + ::getpid() % 100 * 200));
  network.last_port = UdpPort(static_cast<std::uint16_t>(network.first_port.raw() + 199));
  return network;
}

WorkerConfig make_config() {
  WorkerConfig config;
  config.engine.worker = WorkerId(1);
  config.engine.networks = {loopback("127.0.0.1"), loopback("::1")};
  config.engine.max_sessions = 64;
  config.engine.wall = io::read_wall_clock();
  config.engine.random_key = {1, 2};
  config.pool_packets = 512;
  return config;
}

/// An endpoint on loopback, as a back-end of its own.
class Endpoint {
 public:
  explicit Endpoint(const char* bind) {
    address_ = *backend_->open(kId, *SocketAddress::parse(bind), 0);
  }
  [[nodiscard]] const SocketAddress& address() const { return address_; }
  void send(const SocketAddress& to, Bytes octets) {
    Transmit transmit{kId, to, pool_.take()};
    transmit.packet.resize(octets.size());
    std::ranges::copy(octets, transmit.packet.data().begin());
    backend_->send({&transmit, 1});
  }
  /// The next datagram; empty when none comes.
  std::vector<std::byte> receive(Duration patience = kPatience) {
    const Instant deadline = io::now() + patience;
    while (waiting_.empty() && io::now() < deadline) {
      for (const Datagram& datagram : backend_->wait(deadline)) {
        const Bytes data = datagram.packet.data();
        waiting_.emplace_back(data.begin(), data.end());
      }
    }
    if (waiting_.empty()) return {};
    auto first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
  }

 private:
  static constexpr SocketId kId{0, 1};
  PacketPool pool_{128};
  std::unique_ptr<io::SocketsBackend> backend_ =
      std::move(*io::SocketsBackend::create({.max_sockets = 1}, pool_));
  SocketAddress address_;
  std::deque<std::vector<std::byte>> waiting_;
};

/// A worker and, on the test's thread, its control plane.
class WorkerTest : public ::testing::Test {
 protected:
  void start(WorkerConfig config = make_config(), Hooks hooks = {}) {
    const auto sockets =
        [](PacketPool& pool,
           std::size_t max_sockets) -> Result<std::unique_ptr<io::IoBackend>, Error> {
      return io::SocketsBackend::create({.max_sockets = max_sockets}, pool);
    };
    worker_ = std::move(*Worker::create(std::move(config), sockets, *reader_, std::move(hooks)));
  }

  template <typename T>
  void post(std::unique_ptr<T> command, std::uint64_t token) {
    command->token = token;
    engine::Command wrapped(std::move(command));
    ASSERT_TRUE(worker_->post(wrapped));
  }
  /// The next report; nothing where none comes.
  std::optional<Report> next_report(Duration patience = kPatience) {
    const Instant deadline = io::now() + patience;
    while (io::now() < deadline) {
      if (auto report = worker_->outlet().try_pop()) return report;
      reader_->may_sleep();
      if (auto report = worker_->outlet().try_pop()) return report;
      reader_->wait(deadline - io::now());
    }
    return std::nullopt;
  }
  /// Posts a command and reads until it comes back; events on the way are kept.
  template <typename T>
  std::unique_ptr<T> call(std::unique_ptr<T> command) {
    const std::uint64_t token = ++last_token_;
    post(std::move(command), token);
    while (auto report = next_report()) {
      if (auto* event = std::get_if<engine::Event>(&*report)) {
        events_.push_back(std::move(*event));
      } else if (auto* body = std::get_if<std::unique_ptr<T>>(&std::get<engine::Command>(*report));
                 body != nullptr && (*body)->token == token) {
        return std::move(*body);
      }
    }
    ADD_FAILURE() << "a command did not come back";
    return nullptr;
  }
  template <typename T>
  std::optional<engine::Event> next_event() {
    while (true) {
      while (!events_.empty()) {
        engine::Event event = std::move(events_.front());
        events_.pop_front();
        if (std::holds_alternative<T>(event.body)) return event;
      }
      auto report = next_report();
      if (!report) return std::nullopt;
      if (auto* event = std::get_if<engine::Event>(&*report)) events_.push_back(std::move(*event));
    }
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
  std::unique_ptr<io::WakeSignal> reader_ = std::move(*io::WakeSignal::create());
  std::unique_ptr<Worker> worker_;
  std::deque<engine::Event> events_;
  std::uint64_t last_token_ = 0;
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
  EXPECT_EQ(worker_->io_stats().received.value(), 40U);
  EXPECT_EQ(worker_->io_stats().sent.value(), 40U);
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
  const WorkerStats stats = worker_->stats();
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
  EXPECT_TRUE(other->open({0, 1}, session->addresses[0].rtp, 0));
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
    ASSERT_TRUE(other->open({i, 1}, {network.bind, port}, 0));
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
  worker_->request_stop();
  for (int i = 0; i < 2; ++i) {
    const auto closed = next_event<engine::SessionClosed>();
    ASSERT_TRUE(closed);
    EXPECT_EQ(std::get<engine::SessionClosed>(closed->body).reason,
              engine::SessionClosed::Reason::NodeShutdown);
  }
  const Instant deadline = io::now() + kPatience;
  while (!worker_->is_stopped() && io::now() < deadline) reader_->wait(1ms);
  EXPECT_TRUE(worker_->is_stopped());
}

TEST_F(WorkerTest, AnswersWhatWasPostedBeforeTheStopAndRefusesTheRest) {
  start();
  constexpr int kPosted = 500;
  for (int i = 0; i < kPosted; ++i) {
    post(std::make_unique<engine::ReadCapacity>(), static_cast<std::uint64_t>(i));
  }
  worker_->request_stop();
  engine::Command late(std::make_unique<engine::CloseSession>());
  EXPECT_FALSE(worker_->post(late));
  EXPECT_EQ(worker_->stats().refused_commands, 1U);
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
  for (std::uint64_t i = 0; i < 100; ++i) post(std::make_unique<engine::ReadCapacity>(), i);
  worker_.reset();  // returns
}

TEST_F(WorkerTest, MediaFlowsAndStopsAreCarriedOutWhileTheControlPlaneIsStuck) {
  WorkerConfig config = make_config();
  config.outlet_reports = 2;
  start(std::move(config));
  Endpoint a("127.0.0.1:0");
  Endpoint b("127.0.0.1:0");
  const auto session = open_bridge(a.address(), b.address());
  // From here on nobody reads. The ring fills; normal commands stay in the mailbox.
  for (std::uint64_t i = 0; i < 200; ++i) post(std::make_unique<engine::ReadCapacity>(), i);
  for (std::uint16_t seq = 1; seq <= 50; ++seq) {
    a.send(session->addresses[0].rtp, speech(seq));
    ASSERT_EQ(b.receive().size(), 172U);
  }
  EXPECT_LT(worker_->stats().commands, 200U);
  // What stops something is done all the same: the port falls silent.
  auto close = std::make_unique<engine::CloseSession>();
  close->session = session->handle;
  post(std::move(close), 1'000);
  for (const Instant deadline = io::now() + kPatience;
       worker_->stats().sessions != 0 && io::now() < deadline;) {
    std::this_thread::yield();
  }
  EXPECT_EQ(worker_->stats().sessions, 0U);
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
  worker_.reset();
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
  const auto worker = Worker::create(make_config(), refuse, *reader_);
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
        while (!worker_->post(command)) std::this_thread::yield();
      }
    });
  }
  for (std::uint64_t i = 0; i < 3 * kEach; ++i) ASSERT_TRUE(next_report()) << i;
}

}  // namespace
}  // namespace causeway::worker
