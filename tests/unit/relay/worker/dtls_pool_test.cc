#include "relay/worker/dtls_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <condition_variable>
#include <future>
#include <mutex>

#include "relay/dtls/association.h"

namespace causeway::worker {
namespace {

using namespace std::chrono_literals;
using Octets = std::vector<std::byte>;

/// What the pool says, for a test that waits for it.
class Reports {
 public:
  struct Said {
    engine::LegHandle leg;
    std::uint32_t association;
    dtls::Report report;
  };
  DtlsPool::Sink sink() {
    return [this](const engine::DtlsComponent& component, std::uint32_t association,
                  dtls::Report&& report) {
      const std::lock_guard lock(mutex_);
      said_.push_back({component.leg, association, std::move(report)});
      is_there_.notify_all();
    };
  }
  /// The next one; fails the test if none comes.
  Said next() {
    std::unique_lock lock(mutex_);
    if (!is_there_.wait_for(lock, 20s, [&] { return !said_.empty(); })) {
      ADD_FAILURE() << "the pool says nothing";
      return {};
    }
    Said first = std::move(said_.front());
    said_.erase(said_.begin());
    return first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable is_there_;
  std::vector<Said> said_;
};

struct Pool : testing::Test {
  std::shared_ptr<const dtls::Identity> ours = *dtls::Identity::create();
  std::shared_ptr<const dtls::Identity> theirs = *dtls::Identity::create();
  PacketPool packets{64};
  Reports reports;
  std::unique_ptr<DtlsPool> pool;

  void open(DtlsPoolConfig config = {}) {
    pool = std::move(*DtlsPool::create(config, reports.sink()));
  }
  [[nodiscard]] std::shared_ptr<const dtls::Settings> settings() const {
    auto made = std::make_shared<dtls::Settings>();
    made->identity = ours;
    made->remote_fingerprints = {theirs->fingerprint()};
    return made;
  }
  [[nodiscard]] std::unique_ptr<dtls::Association> client() const {
    auto made = std::make_shared<dtls::Settings>();
    made->identity = theirs;
    made->role = dtls::Role::Active;
    made->remote_fingerprints = {ours->fingerprint()};
    return std::move(*dtls::Association::create(made));
  }
  engine::DtlsWish wish(std::uint32_t slot, dtls::JobKind kind, const Octets& datagram = {}) {
    engine::DtlsWish out;
    out.component.leg.session.slot = slot;
    out.association = 1;
    out.kind = kind;
    out.settings = settings();
    if (!datagram.empty()) {
      out.packet = packets.take();
      out.packet.resize(datagram.size());
      std::ranges::copy(datagram, out.packet.data().begin());
    }
    return out;
  }
  bool tell(std::uint32_t slot, dtls::JobKind kind, const Octets& datagram = {}) {
    auto job = wish(slot, kind, datagram);
    return pool->post(WorkerId(0), job);
  }
  /// A handshake of `end` with the leg of `slot`.
  void shake_hands(dtls::Association& end, std::uint32_t slot) {
    dtls::Report hello;
    end.start(hello);
    std::vector<Octets> to_pool = hello.flight;
    for (;;) {
      for (const Octets& datagram : std::exchange(to_pool, {})) {
        EXPECT_TRUE(tell(slot, dtls::JobKind::Datagram, datagram));
      }
      const auto said = reports.next();
      EXPECT_EQ(said.leg.session.slot, slot);
      EXPECT_EQ(said.association, 1U);
      for (const Octets& datagram : said.report.flight) {
        dtls::Report answer;
        end.handle_datagram(datagram, answer);
        to_pool.insert(to_pool.end(), answer.flight.begin(), answer.flight.end());
      }
      if (said.report.outcome == dtls::Outcome::Up) return;
      ASSERT_EQ(said.report.outcome, dtls::Outcome::Going);
      ASSERT_FALSE(said.report.flight.empty());
    }
  }
};

TEST_F(Pool, ShakesHandsForALegOnAThreadOfItsOwn) {
  open();
  const auto end = client();
  shake_hands(*end, 3);
  EXPECT_TRUE(end->is_up());
  EXPECT_EQ(pool->stats().up, 1U);
  EXPECT_EQ(pool->stats().associations, 1U);
}

TEST_F(Pool, ItsThreadsHaveTheLowestPriorityAndAnyOtherInterruptsThem) {
  struct Scheduling {
    int nice = 0;
    std::uint64_t slice_ns = 0;  // 0: the kernel does not say
  };
  std::promise<Scheduling> said;
  pool = std::move(*DtlsPool::create({}, [&](const auto&, std::uint32_t, dtls::Report&&) {
    // The kernel's `struct sched_attr`: the slice is its fourth word of 64 bits.
    std::array<std::uint64_t, 6> attributes{};
    ::syscall(SYS_sched_getattr, 0, attributes.data(), sizeof attributes, 0);
    said.set_value({.nice = ::getpriority(PRIO_PROCESS, 0), .slice_ns = attributes[3]});
  }));
  dtls::Report hello;
  client()->start(hello);
  EXPECT_TRUE(tell(1, dtls::JobKind::Datagram, hello.flight.front()));
  const Scheduling is = said.get_future().get();
  EXPECT_EQ(is.nice, 19);
  EXPECT_TRUE(is.slice_ns == 0 || is.slice_ns == 10'000'000U) << is.slice_ns;
  pool.reset();
}

TEST_F(Pool, BoundsTheHandshakesUnderWayAndForgetsTheQuietest) {
  DtlsPoolConfig config;
  config.max_handshakes = 4;
  open(config);
  for (std::uint32_t slot = 0; slot < 20; ++slot) {
    const auto end = client();
    dtls::Report hello;
    end->start(hello);
    EXPECT_TRUE(tell(slot, dtls::JobKind::Datagram, hello.flight[0]));
    EXPECT_EQ(reports.next().leg.session.slot, slot);
  }
  EXPECT_EQ(pool->stats().associations, 4U);
  EXPECT_EQ(pool->stats().forgotten, 16U);
}

TEST_F(Pool, KeepsNothingOfALegThatIsClosed) {
  open();
  const auto end = client();
  dtls::Report hello;
  end->start(hello);
  EXPECT_TRUE(tell(1, dtls::JobKind::Datagram, hello.flight[0]));
  (void)reports.next();
  EXPECT_TRUE(tell(1, dtls::JobKind::Close));
  // In order: this one's answer comes behind the Close.
  EXPECT_TRUE(tell(2, dtls::JobKind::Datagram, hello.flight[0]));
  EXPECT_EQ(reports.next().leg.session.slot, 2U);
  EXPECT_EQ(pool->stats().associations, 1U);
}

/// A pool whose thread is busy: with a sink that does not come back before it may.
struct StuckPool : Pool {
  std::mutex gate;
  std::atomic<bool> is_stuck{false};
  std::unique_ptr<dtls::Association> end = client();
  Octets hello;

  ~StuckPool() override { pool.reset(); }  // before the gate that its thread waits at
  void open_stuck(const DtlsPoolConfig& config) {
    dtls::Report report;
    end->start(report);
    hello = report.flight[0];
    gate.lock();
    auto inner = reports.sink();
    pool = std::move(
        *DtlsPool::create(config, [this, inner](const engine::DtlsComponent& component,
                                                std::uint32_t association, dtls::Report&& said) {
          is_stuck = true;
          is_stuck.notify_all();
          const std::lock_guard wait(gate);
          inner(component, association, std::move(said));
        }));
    EXPECT_TRUE(tell(0, dtls::JobKind::Datagram, hello));
    is_stuck.wait(false);
  }
};

TEST_F(StuckPool, RefusesDatagramsThatThereIsNoRoomFor) {
  DtlsPoolConfig config;
  config.datagrams = 16;
  open_stuck(config);
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += tell(0, dtls::JobKind::Datagram, hello) ? 1 : 0;
  EXPECT_EQ(taken, 16);
  EXPECT_TRUE(tell(0, dtls::JobKind::Close));
  EXPECT_EQ(pool->stats().refused_jobs, 84U);
  EXPECT_EQ(pool->stats().refused_closes, 0U);
  gate.unlock();
}

// Else their associations stay for ever: a thousand calls may end at once, however busy the pool.
TEST_F(StuckPool, TakesEveryCloseWhateverElseWaits) {
  DtlsPoolConfig config;
  config.datagrams = 2'048;
  open_stuck(config);
  for (std::uint32_t slot = 1; slot <= 1'000; ++slot) {
    EXPECT_TRUE(tell(slot, dtls::JobKind::Datagram, hello));
  }
  for (std::uint32_t slot = 0; slot <= 1'000; ++slot) {
    EXPECT_TRUE(tell(slot, dtls::JobKind::Close)) << slot;
  }
  EXPECT_TRUE(tell(2'000, dtls::JobKind::Datagram, hello));
  gate.unlock();
  while (reports.next().leg.session.slot != 2'000) {
  }
  EXPECT_EQ(pool->stats().associations, 1U);
}

TEST_F(StuckPool, KeepsTheLastQuarterForWhatMustArrive) {
  DtlsPoolConfig config;
  config.orders = 16;
  open_stuck(config);
  int taken = 0;
  for (int i = 0; i < 20; ++i) taken += tell(0, dtls::JobKind::Timeout) ? 1 : 0;
  EXPECT_EQ(taken, 12);
  EXPECT_FALSE(tell(0, dtls::JobKind::Start));
  EXPECT_TRUE(tell(0, dtls::JobKind::Settings));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(tell(0, dtls::JobKind::Close));
  EXPECT_FALSE(tell(0, dtls::JobKind::Close));
  EXPECT_EQ(pool->stats().refused_closes, 1U);
  gate.unlock();
}

TEST_F(StuckPool, AJobThatIsRefusedLeavesItsSettingsWithTheLeg) {
  DtlsPoolConfig config;
  config.orders = 1;
  config.datagrams = 1;
  open_stuck(config);
  auto close = wish(0, dtls::JobKind::Close);
  EXPECT_TRUE(pool->post(WorkerId(0), close));
  EXPECT_TRUE(close.settings == nullptr);
  close = wish(0, dtls::JobKind::Close);
  EXPECT_FALSE(pool->post(WorkerId(0), close));
  EXPECT_TRUE(close.settings != nullptr);
  gate.unlock();
}

// Two rings, one order: each life of a leg is ended by the Close that was posted behind it.
TEST_F(StuckPool, CarriesOutJobsInTheOrderInWhichTheyWerePosted) {
  open_stuck({});
  for (std::uint32_t association = 2; association < 100; ++association) {
    auto datagram = wish(5, dtls::JobKind::Datagram, hello);
    auto close = wish(5, dtls::JobKind::Close);
    datagram.association = close.association = association;
    EXPECT_TRUE(pool->post(WorkerId(0), datagram));
    EXPECT_TRUE(pool->post(WorkerId(0), close));
  }
  gate.unlock();
  EXPECT_EQ(reports.next().leg.session.slot, 0U);
  for (std::uint32_t association = 2; association < 100; ++association) {
    EXPECT_EQ(reports.next().association, association);
  }
  EXPECT_TRUE(tell(6, dtls::JobKind::Datagram, hello));
  EXPECT_EQ(reports.next().leg.session.slot, 6U);
  EXPECT_EQ(pool->stats().associations, 2U);  // of slots 0 and 6
}

TEST_F(Pool, CarriesOutJobsInOrderWhileTheyArePosted) {
  open();
  const auto end = client();
  dtls::Report hello;
  end->start(hello);
  for (std::uint32_t association = 1; association <= 300; ++association) {
    auto datagram = wish(5, dtls::JobKind::Datagram, hello.flight[0]);
    auto close = wish(5, dtls::JobKind::Close);
    datagram.association = close.association = association;
    EXPECT_TRUE(pool->post(WorkerId(0), datagram));
    EXPECT_TRUE(pool->post(WorkerId(0), close));
  }
  for (std::uint32_t association = 1; association <= 300; ++association) {
    EXPECT_EQ(reports.next().association, association);
  }
}

TEST_F(Pool, ForgetsWhoeverIsQuietForTooLongButNobodyWhoIsUp) {
  DtlsPoolConfig config;
  config.longest_silence = Duration(0);
  open(config);
  const auto up = client();
  shake_hands(*up, 1);
  const auto end = client();
  dtls::Report hello;
  end->start(hello);
  for (std::uint32_t slot = 2; slot < 6; ++slot) {
    EXPECT_TRUE(tell(slot, dtls::JobKind::Datagram, hello.flight[0]));
    EXPECT_EQ(reports.next().leg.session.slot, slot);
  }
  EXPECT_EQ(pool->stats().associations, 2U);  // the one that is up, and the last
  EXPECT_EQ(pool->stats().forgotten, 3U);
}

TEST_F(Pool, ATimeoutBeginsWhatALostStartWasToBegin) {
  open();
  auto active = std::make_shared<dtls::Settings>(*settings());
  active->role = dtls::Role::Active;
  auto timeout = wish(1, dtls::JobKind::Timeout);
  timeout.settings = active;
  EXPECT_TRUE(pool->post(WorkerId(0), timeout));
  const auto said = reports.next();
  EXPECT_FALSE(said.report.flight.empty());
  EXPECT_TRUE(said.report.awaits_answer);
}

TEST_F(Pool, GivesEachLegToOneOfItsThreads) {
  DtlsPoolConfig config;
  config.threads = 3;
  open(config);
  for (std::uint32_t slot = 0; slot < 12; ++slot) {
    const auto end = client();
    shake_hands(*end, slot);
    EXPECT_TRUE(end->is_up());
  }
  EXPECT_EQ(pool->stats().up, 12U);
  EXPECT_EQ(pool->stats().associations, 12U);
}

}  // namespace
}  // namespace causeway::worker
