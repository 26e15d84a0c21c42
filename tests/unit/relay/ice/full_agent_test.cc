#include "tests/unit/relay/ice/rig.h"

namespace causeway::ice {
namespace {

using namespace test;

const SocketAddress kLite = at("192.0.2.9:9000");
const SocketAddress kOther = at("192.0.2.10:9001");

AgentSetup two_candidates() {
  AgentSetup setup = Rig::full();
  setup.candidates.push_back({kOther, 2130706430});
  return setup;
}

TEST(FullAgent, Item01_ChecksTheOneCandidateOfALitePeerAndNominatesIt) {
  Rig rig(Rig::full());
  EXPECT_LE(*rig.agent.next_timeout(), rig.now);
  rig.wait(0ms);
  const auto request = rig.sent();
  EXPECT_EQ(rig.out.sends[0].to, kLite);
  EXPECT_EQ(request.username(), "them:ours");
  EXPECT_TRUE(request.has(wire::StunAttribute::UseCandidate));
  EXPECT_EQ(request.tie_breaker(wire::StunAttribute::IceControlling), 100U);
  EXPECT_TRUE(request.priority().has_value());
  EXPECT_TRUE(request.has_integrity(wire::HmacSha1(as_octets(kTheirPassword))));
  rig.receive(kLite, Rig::answer(request));
  EXPECT_EQ(rig.out.changed, State::Connected);
  EXPECT_EQ(rig.agent.selected(), kLite);
}

TEST(FullAgent, RepeatsARequestSixTimesThenFails) {
  Rig rig(Rig::full());
  std::vector<Duration> sent_at;
  const Instant start = rig.now;
  wire::StunTransaction transaction{};
  for (int i = 0; i < 1000 && rig.agent.state() == State::Checking; ++i) {
    if (const auto next = rig.agent.next_timeout(); next && *next > rig.now) {
      rig.wait(*next - rig.now);
    } else {
      rig.wait(0ms);
    }
    if (rig.is_silent()) continue;
    if (!sent_at.empty()) {
      EXPECT_EQ(rig.sent().transaction(), transaction);
    }
    transaction = rig.sent().transaction();
    sent_at.push_back(rig.now - start);
  }
  EXPECT_EQ(sent_at, (std::vector<Duration>{0ms, 500ms, 1500ms, 3500ms, 7500ms, 15500ms, 31500ms}));
  EXPECT_EQ(rig.agent.state(), State::Failed);
  EXPECT_EQ(rig.now - start, 39500ms);
  EXPECT_EQ(rig.agent.next_timeout(), std::nullopt);
}

TEST(FullAgent, PacesChecksOfSeveralCandidates) {
  Rig rig(two_candidates());
  rig.wait(0ms);
  EXPECT_EQ(rig.out.sends[0].to, kLite);
  rig.wait(49ms);
  EXPECT_TRUE(rig.is_silent());
  rig.wait(1ms);
  EXPECT_EQ(rig.out.sends[0].to, kOther);
}

// RFC 8445 8.1.1: one pair is nominated, and no other in the same generation.
TEST(FullAgent, Item06_NominatesOneOfSeveralAndForgetsTheOthers) {
  Rig rig(two_candidates());
  rig.wait(0ms);
  EXPECT_FALSE(rig.sent().has(wire::StunAttribute::UseCandidate));
  const Octets late = Rig::answer(rig.sent());
  rig.wait(50ms);
  EXPECT_FALSE(rig.sent().has(wire::StunAttribute::UseCandidate));
  rig.receive(kOther, Rig::answer(rig.sent()));
  EXPECT_FALSE(rig.agent.selected());
  EXPECT_TRUE(rig.agent.is_valid_source(kOther));
  rig.receive(kLite, late);
  EXPECT_FALSE(rig.agent.selected());
  rig.wait(50ms);
  EXPECT_EQ(rig.out.sends[0].to, kOther);
  EXPECT_TRUE(rig.sent().has(wire::StunAttribute::UseCandidate));
  rig.receive(kOther, Rig::answer(rig.sent()));
  EXPECT_EQ(rig.agent.selected(), kOther);
  AgentUpdate trickled;
  trickled.candidates.push_back({at("192.0.2.11:9002"), 2130706431});
  rig.agent.update(trickled, rig.now);
  for (const Instant until = rig.now + 20s; rig.now < until;) {
    rig.wait_for_request();
    EXPECT_EQ(rig.out.sends[0].to, kOther);
    rig.receive(kOther, Rig::answer(rig.sent()));
  }
  EXPECT_EQ(rig.agent.selected(), kOther);
}

TEST(FullAgent, ANominationThatIsRefusedIsAFailure) {
  Rig rig(two_candidates());
  rig.wait(0ms);
  rig.receive(kLite, Rig::answer(rig.sent()));
  rig.wait(50ms);
  ASSERT_TRUE(rig.sent().has(wire::StunAttribute::UseCandidate));
  rig.receive(kLite, Rig::answer(rig.sent(), kTheirPassword, 400));
  EXPECT_LE(*rig.agent.next_timeout(), rig.now);
  rig.wait(0ms);
  EXPECT_EQ(rig.out.changed, State::Failed);
}

TEST(FullAgent, AnAnswerIsTakenOnce) {
  Rig rig(Rig::full());
  rig.wait(0ms);
  const Octets answer = Rig::answer(rig.sent());
  rig.receive(kLite, answer);
  rig.receive(kLite, answer);
  EXPECT_EQ(rig.agent.counters().strange_responses, 1U);
  EXPECT_EQ(rig.agent.state(), State::Connected);
}

// RFC 8489 6.3.3.
TEST(FullAgent, AnAnswerThatIsNotUnderstoodIsAFailure) {
  Rig rig(Rig::full());
  rig.wait(0ms);
  rig.receive(kLite, Rig::answer(rig.sent(), kTheirPassword, 0, wire::StunAttribute{0x7abc}));
  EXPECT_FALSE(rig.agent.selected());
  rig.wait(0ms);
  EXPECT_EQ(rig.out.changed, State::Failed);
}

// RFC 8838: more may come.
TEST(FullAgent, DoesNotFailBeforeAllCandidatesAreKnown) {
  AgentSetup setup = Rig::full();
  setup.has_all_candidates = false;
  Rig rig(std::move(setup));
  for (int i = 0; i < 100; ++i) rig.wait(1s);
  EXPECT_EQ(rig.agent.state(), State::Checking);
  EXPECT_EQ(rig.agent.next_timeout(), std::nullopt);
  AgentUpdate last;
  last.has_all_candidates = true;
  rig.agent.update(last, rig.now);
  ASSERT_TRUE(rig.agent.next_timeout());
  rig.wait(0ms);
  EXPECT_EQ(rig.out.changed, State::Failed);
  EXPECT_EQ(rig.agent.next_timeout(), std::nullopt);
}

TEST(FullAgent, ChecksAgainAfterAFailureWhenThereIsAFurtherCandidate) {
  Rig rig(Rig::full());
  for (int i = 0; i < 100; ++i) rig.wait(1s);
  ASSERT_EQ(rig.agent.state(), State::Failed);
  AgentUpdate trickled;
  trickled.candidates.push_back({kOther, 1});
  rig.agent.update(trickled, rig.now);
  EXPECT_EQ(rig.agent.state(), State::Checking);
  rig.wait(0ms);
  EXPECT_EQ(rig.out.sends[0].to, kOther);
  for (int i = 0; i < 100; ++i) rig.wait(1s);
  EXPECT_EQ(rig.agent.state(), State::Failed);
}

TEST(FullAgent, AnAnswerFromElsewhereIsNoSuccess) {
  Rig rig(Rig::full());
  rig.wait(0ms);
  rig.receive(kOther, Rig::answer(rig.sent()));
  EXPECT_FALSE(rig.agent.selected());
  EXPECT_EQ(rig.agent.counters().strange_responses, 1U);
}

TEST(FullAgent, AnAnswerWithAnotherPasswordIsNoSuccess) {
  Rig rig(Rig::full());
  rig.wait(0ms);
  rig.receive(kLite, Rig::answer(rig.sent(), kOurPassword));
  EXPECT_FALSE(rig.agent.selected());
}

TEST(FullAgent, WaitsForTheDescriptionAndTakesTrickledCandidates) {
  AgentSetup setup = Rig::full();
  setup.remote.reset();
  setup.candidates.clear();
  Rig rig(std::move(setup));
  EXPECT_EQ(rig.agent.next_timeout(), std::nullopt);
  AgentUpdate update;
  update.remote = Remote{Credentials("them", kTheirPassword), true};
  rig.agent.update(update, rig.now);
  EXPECT_EQ(rig.agent.next_timeout(), std::nullopt);
  AgentUpdate trickled;
  trickled.candidates.push_back({kOther, 1});
  rig.agent.update(trickled, rig.now);
  rig.wait(0ms);
  EXPECT_EQ(rig.out.sends[0].to, kOther);
}

struct Connected : testing::Test {
  Rig rig{Rig::full()};
  Connected() {
    rig.wait(0ms);
    rig.receive(kLite, Rig::answer(rig.sent()));
  }
};

TEST_F(Connected, Item12_AsksForConsentEveryFourToSixSecondsAndNominates) {
  Instant last = rig.now;
  for (int i = 0; i < 50; ++i) {
    const Instant next = *rig.agent.next_timeout();
    EXPECT_GE(next - last, 4s);
    EXPECT_LE(next - last, 6s);
    rig.wait(next - rig.now);
    last = rig.now;
    const auto request = rig.sent();
    EXPECT_TRUE(request.has(wire::StunAttribute::UseCandidate));
    rig.receive(kLite, Rig::answer(request));
  }
  EXPECT_EQ(rig.agent.selected(), kLite);
}

TEST_F(Connected, Item12_ConsentRunsOutAfterThirtySecondsWithoutAnAnswer) {
  const Instant start = rig.now;
  while (rig.agent.selected() && rig.now - start < 60s) {
    rig.agent.note_authentic(rig.now, kLite);  // media is no consent here
    rig.wait(*rig.agent.next_timeout() - rig.now);
  }
  EXPECT_EQ(rig.now - start, 30s);
  EXPECT_EQ(rig.agent.state(), State::Disconnected);
}

// RFC 7675 5.1: only answers are consent.
TEST_F(Connected, Item12_TheEndpointsOwnChecksAreNoConsent) {
  const Instant start = rig.now;
  while (rig.agent.selected() && rig.now - start < 60s) {
    rig.receive(kLite, Check{.role = wire::StunAttribute::IceControlled, .tie_breaker = 1});
    rig.wait(*rig.agent.next_timeout() - rig.now);
  }
  EXPECT_EQ(rig.now - start, 30s);
}

// RFC 7675 5.2.
TEST_F(Connected, Item12_ForbiddenRevokesConsentAtOnce) {
  rig.wait_for_request();
  const Octets forged = Rig::answer(rig.sent(), kOurPassword, 403);
  const Octets true_one = Rig::answer(rig.sent(), kTheirPassword, 403);
  rig.receive(kLite, forged);
  EXPECT_EQ(rig.agent.selected(), kLite);
  rig.receive(kLite, true_one);
  EXPECT_EQ(rig.out.changed, State::Disconnected);
  EXPECT_FALSE(rig.agent.selected());
}

// RFC 7675 5.1: the pair goes on with the credentials it was validated with, and its consent says
// nothing of the new generation.
TEST_F(Connected, Item10_ConsentOverTheOldPairIsOfTheOldGeneration) {
  AgentUpdate offered;
  offered.local = Credentials("new", kNewPassword);
  rig.agent.update(offered, rig.now);
  rig.wait_for_request();
  EXPECT_EQ(rig.sent().username(), "them:ours");
  rig.receive(kLite, Rig::answer(rig.sent()));
  AgentUpdate answered;
  answered.remote = Remote{Credentials("newthem", kNewPassword), true};
  rig.agent.update(answered, rig.now);
  rig.wait_for_request();
  EXPECT_EQ(rig.sent().username(), "them:ours");
  EXPECT_TRUE(rig.sent().has_integrity(wire::HmacSha1(as_octets(kTheirPassword))));
  rig.receive(kLite, Rig::answer(rig.sent()));
  EXPECT_EQ(rig.agent.selected(), kLite);
  AgentUpdate candidate;
  candidate.candidates.push_back({kOther, 5});
  rig.agent.update(candidate, rig.now);
  rig.wait(50ms);
  EXPECT_EQ(rig.sent().username(), "newthem:new");
  rig.receive(kOther, Rig::answer(rig.sent(), kNewPassword));
  EXPECT_EQ(rig.agent.selected(), kOther);
  rig.wait_for_request();
  EXPECT_EQ(rig.sent().username(), "newthem:new");
}

TEST_F(Connected, Item10_ConsentOutlastsSeveralRestartsOfTheirs) {
  for (const std::string_view ufrag : {"second", "third"}) {
    AgentUpdate update;
    update.local = Credentials(std::string(ufrag) + "ours", kNewPassword);
    update.remote = Remote{Credentials(ufrag, kNewPassword), true};
    rig.agent.update(update, rig.now);
  }
  rig.wait_for_request();
  EXPECT_EQ(rig.sent().username(), "them:ours");
  EXPECT_TRUE(rig.sent().has_integrity(wire::HmacSha1(as_octets(kTheirPassword))));
}

TEST(FullAgent, Item10_ARestartBeforeThereIsAPairLeavesTheOldChecksGoing) {
  Rig rig(Rig::full());
  rig.wait(0ms);
  AgentUpdate offered;
  offered.local = Credentials("new", kNewPassword);
  rig.agent.update(offered, rig.now);
  rig.wait(500ms);
  EXPECT_EQ(rig.sent().username(), "them:ours");
  rig.receive(kLite, Rig::answer(rig.sent()));
  EXPECT_EQ(rig.agent.selected(), kLite);
  rig.wait_for_request();  // consent
  EXPECT_EQ(rig.sent().username(), "them:ours");
}

TEST_F(Connected, Item10_ARestartMayChooseAPairOfLessPriority) {
  AgentUpdate update;
  update.remote = Remote{Credentials("newthem", kNewPassword), true};
  update.candidates.push_back({kOther, 1});
  rig.agent.update(update, rig.now);
  rig.wait(50ms);
  rig.receive(kOther, Rig::answer(rig.sent(), kNewPassword));
  EXPECT_EQ(rig.agent.selected(), kOther);
}

TEST_F(Connected, Item10_ARestartOfTheirsIsCheckedAnewWhileTheOldPairGoesOn) {
  AgentUpdate update;
  update.local = Credentials("new", kNewPassword);
  update.remote = Remote{Credentials("newthem", kNewPassword), true};
  update.candidates.push_back({kOther, 5});
  rig.agent.update(update, rig.now);
  EXPECT_EQ(rig.agent.selected(), kLite);
  rig.wait(50ms);
  EXPECT_EQ(rig.sent().username(), "newthem:new");
  rig.receive(kOther, Rig::answer(rig.sent(), kNewPassword));
  EXPECT_EQ(rig.agent.selected(), kOther);
}

TEST(FullAgent, Item09_GivesWayToAControllingPeerWithTheGreaterTieBreaker) {
  Rig rig(Rig::full());
  rig.receive(kLite, Check{.tie_breaker = 50});
  EXPECT_EQ(rig.error(), 487);
  rig.receive(kLite, Check{.tie_breaker = 500});
  EXPECT_EQ(rig.sent().message_class(), wire::StunClass::Success);
  EXPECT_EQ(rig.agent.selected(), kLite);  // its check nominates
}

TEST(FullAgent, Item09_TriesTheOtherRoleWhereItIsToldTo) {
  Rig rig(Rig::full());
  rig.wait(0ms);
  const auto transaction = rig.sent().transaction();
  rig.receive(kLite, Rig::answer(rig.sent(), kTheirPassword, 487));
  rig.wait(50ms);
  EXPECT_NE(rig.sent().transaction(), transaction);
  const auto tie_breaker = rig.sent().tie_breaker(wire::StunAttribute::IceControlled);
  ASSERT_TRUE(tie_breaker);
  EXPECT_NE(tie_breaker, 100U);  // RFC 8445 7.2.5.1
  EXPECT_FALSE(rig.sent().has(wire::StunAttribute::UseCandidate));
}

TEST(FullAgent, Item09_LeavesNoRoleForACopy) {
  Rig rig(Rig::full());
  const Octets greater = Check{.nominates = false, .tie_breaker = 500, .transaction = 4}.octets();
  rig.receive(kLite, greater);
  rig.receive(
      kLite,
      Check{.nominates = false, .role = wire::StunAttribute::IceControlled, .tie_breaker = 50});
  EXPECT_EQ(rig.sent().message_class(), wire::StunClass::Success);
  rig.receive(kLite, greater);
  rig.wait(0ms);
  EXPECT_TRUE(rig.sent().has(wire::StunAttribute::IceControlling));
}

// Two checks made in one role, both refused: the role changes once, not there and back.
TEST(FullAgent, Item09_LeavesARoleOnceHoweverOftenItIsToldTo) {
  Rig rig(two_candidates());
  rig.wait(0ms);
  const Octets first = Rig::answer(rig.sent(), kTheirPassword, 487);
  rig.wait(50ms);
  const Octets second = Rig::answer(rig.sent(), kTheirPassword, 487);
  rig.receive(kLite, first);
  rig.receive(kOther, second);
  rig.wait(50ms);
  EXPECT_TRUE(rig.sent().has(wire::StunAttribute::IceControlled));
  rig.wait(50ms);
  EXPECT_TRUE(rig.sent().has(wire::StunAttribute::IceControlled));
}

TEST(FullAgent, ChecksBackWhereAFullPeerComesFrom) {
  Rig rig(Rig::full());
  rig.wait(0ms);
  rig.receive(kOther, Check{.nominates = false, .role = wire::StunAttribute::IceControlled});
  EXPECT_EQ(rig.sent().message_class(), wire::StunClass::Success);
  rig.wait(50ms);
  EXPECT_EQ(rig.out.sends[0].to, kOther);
}

}  // namespace
}  // namespace causeway::ice
