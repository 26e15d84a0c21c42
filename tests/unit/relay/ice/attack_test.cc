#include <algorithm>

#include "tests/unit/relay/ice/rig.h"

// The attacks on ICE of the project's list: 10 false and too many requests, 11 credentials that
// have leaked, 12 answers to nothing.

namespace causeway::ice {
namespace {

using namespace test;

const SocketAddress kPeer = at("203.0.113.5:5000");
const SocketAddress kElsewhere = at("203.0.113.5:6000");
const SocketAddress kAttacker = at("198.51.100.66:666");

/// STANDARDS 6.3, 10.
struct Hostile {
  std::string_view what;
  Octets octets;
  std::uint64_t AgentCounters::*counter;
};

Octets with_length(Octets octets) {
  store_be16(&octets[2], static_cast<std::uint16_t>(octets.size() - wire::kStunHeaderOctets));
  return octets;
}

std::vector<Hostile> hostile_messages() {
  using Counters = AgentCounters;
  std::vector<Hostile> all;
  all.push_back({"no integrity", Check{.password = ""}.octets(), &Counters::bad_requests});
  all.push_back(
      {"wrong integrity", Check{.password = kTheirPassword}.octets(), &Counters::unauthenticated});
  all.push_back({"our password, another's fragment", Check{.username = "others:them"}.octets(),
                 &Counters::unauthenticated});
  all.push_back({"the first of two fragments is another's",
                 Check{.first_username = "others:them"}.octets(), &Counters::unauthenticated});
  all.push_back({"an attribute that has to be understood",
                 Check{.more = {wire::StunAttribute{0x7abc}}}.octets(), &Counters::not_understood});
  Octets behind = Check{}.octets();
  std::rotate(behind.end() - 32, behind.end() - 8, behind.end());
  all.push_back({"integrity behind the fingerprint", behind, &Counters::malformed});
  Octets uneven = Check{.password = ""}.octets();
  uneven.resize(uneven.size() - 2);
  all.push_back({"a length that is no multiple of 4", with_length(uneven), &Counters::malformed});
  Octets huge = Check{}.octets();
  store_be16(&huge[22], 0xffff);
  all.push_back({"an attribute of 64 KiB", huge, &Counters::malformed});
  return all;
}

TEST(IceAttack, Case10_WhatIsNoTrueCheckCountsAndChangesNothing) {
  for (const Hostile& each : hostile_messages()) {
    Rig rig(Rig::lite());
    rig.receive(kPeer, Check{});
    rig.receive(kAttacker, each.octets);
    EXPECT_EQ(rig.agent.counters().*each.counter, 1U) << each.what;
    EXPECT_EQ(rig.agent.counters().answered, 1U) << each.what;
    EXPECT_EQ(rig.agent.selected(), kPeer) << each.what;
    EXPECT_FALSE(rig.agent.is_valid_source(kAttacker)) << each.what;
    EXPECT_FALSE(rig.out.changed) << each.what;
    for (const auto& send : rig.out.sends) {
      EXPECT_EQ(send.to, kAttacker) << each.what;
      EXPECT_LE(send.packet.size(), each.octets.size()) << each.what;
    }
  }
}

/// A second of 10,000 requests, and what was answered. `port_of`: where the i-th comes from.
template <typename PortOf>
std::size_t flood(Rig& rig, const SocketAddress& base, const Octets& request, PortOf&& port_of) {
  std::size_t answers = 0;
  for (std::uint16_t i = 0; i < 10'000; ++i) {
    if (i % 10 == 0) rig.now += 1ms;
    rig.receive({base.ip, UdpPort(port_of(i))}, request);
    answers += rig.out.sends.size();
  }
  return answers;
}

constexpr auto kFromOnePort = [](std::uint16_t) { return std::uint16_t{5000}; };
constexpr auto kFromEverywhere = [](std::uint16_t i) { return static_cast<std::uint16_t>(i + 1); };

struct Flood : testing::Test {
  Rig rig{Rig::lite()};
  const Octets forged = Check{.password = kTheirPassword}.octets();
  const Octets copied = Check{.nominates = false, .transaction = 77}.octets();
  Flood() { rig.receive(kPeer, copied); }
  /// The endpoint, on its pair and on a new one, is answered and nominates.
  void expect_that_the_endpoint_is_heard() {
    rig.receive(kPeer, Check{});
    EXPECT_EQ(rig.sent().message_class(), wire::StunClass::Success);
    EXPECT_EQ(rig.agent.selected(), kPeer);
    rig.receive(kElsewhere, Check{});
    EXPECT_EQ(rig.sent().message_class(), wire::StunClass::Success);
    EXPECT_EQ(rig.agent.selected(), kElsewhere);
  }
};

TEST_F(Flood, Case10_OfForgedChecksFromOneSourceIsAnsweredWithinItsBudget) {
  EXPECT_LE(flood(rig, kAttacker, forged, kFromOnePort), 101U);
  EXPECT_GE(rig.agent.counters().over_budget, 9'800U);
  EXPECT_EQ(rig.out.dropped, DropReason::OverBudget);
  expect_that_the_endpoint_is_heard();
}

TEST_F(Flood, Case10_OfForgedChecksFromEverywhereIsAnsweredWithinTheBudgetOfStrangers) {
  EXPECT_LE(flood(rig, kAttacker, forged, kFromEverywhere), 201U);
  rig.receive(kPeer, copied);  // sent again, as when our answer is lost
  EXPECT_EQ(rig.sent().message_class(), wire::StunClass::Success);
  expect_that_the_endpoint_is_heard();
}

TEST_F(Flood, Case10_UnderTheEndpointsOwnAddressStarvesNobody) {
  EXPECT_LE(flood(rig, kPeer, forged, kFromOnePort), 101U);
  expect_that_the_endpoint_is_heard();
}

TEST_F(Flood, Case10_OfCopiesUnderWhateverAddressStarvesNobody) {
  EXPECT_LE(flood(rig, kAttacker, copied, kFromOnePort), 101U);
  EXPECT_LE(flood(rig, kAttacker, copied, kFromEverywhere), 201U);
  EXPECT_LE(flood(rig, kPeer, copied, kFromOnePort), 101U);
  EXPECT_FALSE(rig.agent.is_valid_source({kAttacker.ip, UdpPort(5000)}));
  expect_that_the_endpoint_is_heard();
}

TEST_F(Flood, Case10_OfBareRequestsIsNotAnswered) {
  EXPECT_EQ(flood(rig, kAttacker, bare_request(), kFromOnePort), 0U);
  expect_that_the_endpoint_is_heard();
}

TEST(IceAttack, Case10_GarbageChangesNothingButItsCounter) {
  Rig rig(Rig::lite());
  const Octets good = Check{}.octets();
  for (std::size_t size = 0; size < good.size(); ++size) {
    rig.receive(kPeer, Octets(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    ASSERT_TRUE(rig.is_silent());
  }
  EXPECT_EQ(rig.agent.counters().malformed, good.size());
  EXPECT_FALSE(rig.agent.is_valid_source(kPeer));
}

TEST(IceAttack, Case12_ResponsesThatNobodyAskedForAreIgnored) {
  Rig rig(Rig::lite());
  const Octets check = Check{}.octets();
  rig.receive(kAttacker, Rig::answer(*wire::StunView::parse(check), kOurPassword));
  EXPECT_TRUE(rig.is_silent());
  EXPECT_FALSE(rig.agent.is_valid_source(kAttacker));
  EXPECT_EQ(rig.agent.counters().strange_responses, 1U);
}

// Whoever has the password can nominate; it is said in an event, and the next check of the peer's
// takes the pair back.
TEST(IceAttack, Case11_LeakedCredentialsMoveThePairUntilThePeersNextCheck) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{});
  rig.receive(kAttacker, Check{});
  EXPECT_EQ(rig.out.changed, State::Connected);
  EXPECT_EQ(rig.agent.selected(), kAttacker);
  rig.receive(kPeer, Check{});
  EXPECT_EQ(rig.agent.selected(), kPeer);
}

}  // namespace
}  // namespace causeway::ice
