// What is sent again, and that it helps: under virtual time, with timers such as the engine has.
#include "relay/dtls/association.h"
#include "relay/dtls/record.h"
#include "tests/unit/relay/dtls/rig.h"

namespace causeway::dtls {
namespace {

using namespace test;

struct Repetition : testing::Test {
  std::shared_ptr<const Identity> a = make_identity();
  std::shared_ptr<const Identity> b = make_identity();
  std::shared_ptr<Settings> of_active = settings_of(a, Role::Active, {b->fingerprint()});
  std::shared_ptr<Settings> of_passive = settings_of(b, Role::Passive, {a->fingerprint()});
  std::vector<Octets> to_passive;
  std::vector<Octets> to_active;

  [[nodiscard]] Link link() const { return Link(of_active, of_passive); }
  /// To where the client's last flight is in `to_passive`.
  void run_to_the_last_flight(Link& link) {
    link.active.start(to_passive);
    link.deliver(to_passive, link.passive, to_active);
    link.deliver(to_active, link.active, to_passive);
  }
};

TEST_F(Repetition, NothingIsRepeatedWhereNothingIsLost) {
  Link link = this->link();
  Network network(link, {.least_delay = 40ms}, 1);
  EXPECT_EQ(network.run(30s), 160ms);  // two round trips
  EXPECT_TRUE(link.have_same_keys());
  EXPECT_EQ(network.repeats(), 0);
}

TEST_F(Repetition, CompletesThroughLossDoublesAndReordering) {
  Duration longest{};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    of_active->mtu = of_passive->mtu = seed % 2 == 0 ? kMtu : kMinMtu;
    Link link = this->link();
    const Network::Faults faults{.loss = 300, .doubled = 100, .least_delay = 20ms, .jitter = 150ms};
    Network network(link, faults, seed);
    const Duration took = network.run(30s);
    longest = std::max(longest, took);
    ASSERT_TRUE(link.are_up()) << seed;
    ASSERT_TRUE(link.have_same_keys()) << seed;
  }
  RecordProperty("longest_ms", static_cast<int>(longest / 1ms));
}

TEST_F(Repetition, EachOfTheClientsLastFlightHasRecordNumbersOfItsOwn) {
  Link link = this->link();
  run_to_the_last_flight(link);
  ASSERT_TRUE(link.active.awaits_answer);
  std::vector<std::uint64_t> finished;  // record numbers in epoch 1
  const auto note = [&](const std::vector<Octets>& flight) {
    for (const Octets& datagram : flight) {
      Bytes rest = datagram;
      while (const auto record = take_record(rest)) {
        if (record->epoch == 1) finished.push_back(record->sequence);
      }
    }
  };
  note(to_passive);
  for (std::size_t i = 0; i < Association::kCopies; ++i) {
    std::vector<Octets> again;
    link.active.time_out(again);
    note(again);
  }
  ASSERT_EQ(finished.size(), Association::kCopies + 1);
  EXPECT_EQ(std::ranges::adjacent_find(finished, std::ranges::greater_equal()), finished.end());
}

TEST_F(Repetition, AnyOfTheClientsLastFlightsWillDo) {
  for (std::size_t lost = 0; lost <= Association::kCopies + 2; ++lost) {
    to_passive.clear();
    to_active.clear();
    Link link = this->link();
    run_to_the_last_flight(link);
    for (std::size_t i = 0; i < lost; ++i) {
      to_passive.clear();
      link.active.time_out(to_passive);
    }
    link.exchange(to_passive, to_active);
    EXPECT_TRUE(link.are_up()) << lost;
    EXPECT_TRUE(link.have_same_keys()) << lost;
  }
}

TEST_F(Repetition, TheServersLastFlightIsSaidAgainToWhoeverMissedIt) {
  Link link = this->link();
  run_to_the_last_flight(link);
  for (int lost = 0; lost < 8; ++lost) {
    to_active.clear();
    link.deliver(to_passive, link.passive, to_active);
    ASSERT_EQ(link.passive.outcome, Outcome::Up);
    EXPECT_FALSE(link.passive.awaits_answer);
    ASSERT_FALSE(to_active.empty()) << lost;
    EXPECT_TRUE(link.active.awaits_answer);
    link.active.time_out(to_passive);
  }
  link.exchange(to_passive, to_active);
  EXPECT_TRUE(link.are_up());
  EXPECT_TRUE(link.have_same_keys());
}

TEST_F(Repetition, AHelloThatComesAgainIsAnsweredAgainButNotForEver) {
  Link link = this->link();
  link.active.start(to_passive);
  const std::vector<Octets> hello = to_passive;
  link.deliver(to_passive, link.passive, to_active);
  const std::vector<Octets> answer = std::exchange(to_active, {});
  int answers = 0;
  for (int i = 0; i < 100; ++i) {
    std::vector<Octets> again = hello;
    link.deliver(again, link.passive, to_active);
    if (to_active.empty()) continue;
    EXPECT_EQ(std::exchange(to_active, {}), answer);
    ++answers;
  }
  EXPECT_EQ(answers, Association::kMaxEchoes);
  to_active = answer;
  link.exchange(to_passive, to_active);
  EXPECT_TRUE(link.are_up());
  std::vector<Octets> late = hello;
  link.deliver(late, link.passive, to_active);
  EXPECT_TRUE(to_active.empty());
}

TEST_F(Repetition, NothingIsAwaitedOnceItIsOver) {
  Link link = this->link();
  link.run();
  std::vector<Octets> out;
  link.active.time_out(out);
  link.passive.time_out(out);
  EXPECT_TRUE(out.empty());
  EXPECT_FALSE(link.active.awaits_answer);
  EXPECT_FALSE(link.passive.awaits_answer);
}

}  // namespace
}  // namespace causeway::dtls
