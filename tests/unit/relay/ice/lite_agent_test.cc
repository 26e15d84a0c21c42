#include "tests/unit/relay/ice/rig.h"

// What a lite agent with one host candidate must do, item by item of the project's list
// (tests/unit/relay/ice/items.txt); tests/arch/check_ice_items.py finds items without a test.

namespace causeway::ice {
namespace {

using namespace test;

const SocketAddress kPeer = at("203.0.113.5:5000");
const SocketAddress kElsewhere = at("203.0.113.5:6000");
const SocketAddress kAttacker = at("198.51.100.66:666");

wire::HmacSha1 our_key() { return wire::HmacSha1(as_octets(kOurPassword)); }

TEST(Ice, Item02_MakesCredentialsOfEnoughRandomBitsInTheRightAlphabet) {
  const Octets random(24, std::byte{0xff});
  const std::string text = to_ice_chars(random);
  EXPECT_EQ(text.size(), 24U);
  EXPECT_TRUE(is_ufrag(text));
  EXPECT_TRUE(is_password(text));
  EXPECT_FALSE(is_ufrag("abc"));
  EXPECT_FALSE(is_ufrag("ab:d"));
  EXPECT_FALSE(is_password("aaaaaaaaaaaaaaaaaaaaa"));
}

TEST(Ice, Item03_IsTheControlledOneTowardsAFullPeer) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{});
  EXPECT_EQ(rig.sent().message_class(), wire::StunClass::Success);
}

TEST(Ice, Item04_NeverSendsChecks) {
  Rig rig(Rig::lite());
  for (int i = 0; i < 100; ++i) {
    rig.wait(100ms);
    EXPECT_TRUE(rig.is_silent());
  }
  EXPECT_EQ(rig.agent.next_timeout(), std::nullopt);
}

TEST(Ice, Item04_AnswersBeforeTheRemoteDescriptionIsKnown) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{.username = "ours:notyetknown"});
  EXPECT_EQ(rig.sent().message_class(), wire::StunClass::Success);
  EXPECT_EQ(rig.agent.selected(), kPeer);
}

TEST(Ice, Item05_AnswersWithTheSourceItsIntegrityAndAFingerprint) {
  Rig rig(Rig::lite());
  const Octets check = Check{}.octets();
  rig.receive(kPeer, check);
  const auto answer = rig.sent();
  EXPECT_EQ(rig.out.sends[0].to, kPeer);
  EXPECT_EQ(answer.transaction(), wire::StunView::parse(check)->transaction());
  EXPECT_EQ(answer.xor_mapped_address(), kPeer);
  EXPECT_TRUE(answer.has_integrity(our_key()));
  EXPECT_TRUE(answer.has_fingerprint());
}

TEST(Ice, Item05_RefusesAnotherFragment) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{.username = "others:them"});
  EXPECT_EQ(rig.error(), 401);
  EXPECT_FALSE(rig.agent.selected());
  EXPECT_FALSE(rig.agent.is_valid_source(kPeer));
  EXPECT_EQ(rig.agent.counters().refused(), 1U);
}

TEST(Ice, Item05_RefusesAnotherPassword) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{.password = kTheirPassword});
  EXPECT_EQ(rig.error(), 401);
  EXPECT_FALSE(rig.agent.is_valid_source(kPeer));
}

TEST(Ice, Item05_RefusesARequestWithoutProof) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{.password = ""});
  EXPECT_EQ(rig.error(), 400);
  rig.receive(kPeer, Check{.username = ""});
  EXPECT_EQ(rig.error(), 400);
}

// A spoofed source must not be sent more than the spoofer spent.
TEST(Ice, Item05_IsSilentWhereAnErrorWouldBeLongerThanTheRequest) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, bare_request());
  EXPECT_TRUE(rig.is_silent());
  EXPECT_EQ(rig.agent.counters().refused(), 1U);
}

TEST(Ice, Item05_TellsAStunClientItsAddressOnlyWhereThatIsWanted) {
  Rig silent(Rig::lite());
  silent.receive(kPeer, bare_request());
  EXPECT_TRUE(silent.is_silent());
  EXPECT_EQ(silent.agent.counters().bad_requests, 1U);
  AgentSetup setup = Rig::lite();
  setup.answers_plain_binding = true;
  Rig rig(std::move(setup));
  rig.receive(kElsewhere, bare_request());
  EXPECT_EQ(rig.sent().xor_mapped_address(), kElsewhere);
  EXPECT_FALSE(rig.sent().has(wire::StunAttribute::MessageIntegrity));
  EXPECT_FALSE(rig.agent.is_valid_source(kElsewhere));
}

TEST(Ice, Item05_TellsStunClientsNoMoreThanFiveASecond) {
  AgentSetup setup = Rig::lite();
  setup.answers_plain_binding = true;
  Rig rig(std::move(setup));
  std::size_t answers = 0;
  for (std::uint16_t i = 0; i < 10'000; ++i) {
    rig.now += 1ms;
    rig.receive({kAttacker.ip, UdpPort(i)}, bare_request());
    answers += rig.out.sends.size();
  }
  EXPECT_EQ(rig.agent.counters().answered_plain, answers);
  EXPECT_GE(answers, 50U);
  EXPECT_LE(answers, 56U);
  rig.receive(kPeer, Check{});
  EXPECT_EQ(rig.agent.selected(), kPeer);
}

TEST(Ice, Item05_AnswersACheckThatComesAgainWhereThereWasNoBuffer) {
  Rig rig(Rig::lite());
  const Octets check = Check{.transaction = 9}.octets();
  std::vector<PacketBuf> all;
  while (PacketBuf packet = rig.pool.take()) all.push_back(std::move(packet));
  rig.receive(kPeer, check);
  EXPECT_TRUE(rig.is_silent());
  EXPECT_FALSE(rig.agent.selected());
  all.clear();
  rig.receive(kPeer, check);
  EXPECT_EQ(rig.agent.selected(), kPeer);
}

TEST(Ice, Item05_SaysWhichAttributesItDoesNotUnderstand) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{.more = {wire::StunAttribute{0x7abc}}});
  EXPECT_EQ(rig.error(), 420);
  EXPECT_TRUE(rig.sent().has_integrity(our_key()));
  EXPECT_EQ(rig.sent().find(wire::StunAttribute::UnknownAttributes)->size(), 2U);
  EXPECT_FALSE(rig.agent.selected());
}

TEST(Ice, Item06_SelectsThePairThatIsNominated) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{});
  EXPECT_EQ(rig.out.changed, State::Connected);
  EXPECT_EQ(rig.agent.selected(), kPeer);
  EXPECT_EQ(rig.agent.state(), State::Connected);
}

TEST(Ice, Item07_SelectsNothingBeforeANomination) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{.nominates = false});
  EXPECT_EQ(rig.sent().message_class(), wire::StunClass::Success);
  EXPECT_FALSE(rig.agent.selected());
  EXPECT_EQ(rig.agent.state(), State::Checking);
  EXPECT_TRUE(rig.agent.is_valid_source(kPeer));
  EXPECT_FALSE(rig.agent.is_valid_source(kElsewhere));
}

// adr/0021.
TEST(Ice, Item07_SendsWhereTheFirstProvenCheckCameFrom) {
  Rig rig(Rig::lite());
  rig.receive(kElsewhere, Check{.password = kTheirPassword});
  EXPECT_FALSE(rig.agent.reachable());
  rig.receive(kPeer, Check{.nominates = false, .transaction = 1});
  EXPECT_EQ(rig.agent.reachable(), kPeer);
  EXPECT_TRUE(rig.out.is_reachable);
  rig.receive(kElsewhere, Check{.nominates = false, .transaction = 2});
  EXPECT_EQ(rig.agent.reachable(), kPeer) << "while that one is alive";
  rig.receive(kElsewhere, Check{.transaction = 3});
  EXPECT_EQ(rig.agent.reachable(), kElsewhere) << "a nomination counts more";
  EXPECT_EQ(rig.agent.selected(), kElsewhere);
}

TEST(Ice, Item07_LeavesASilentAddressThatNobodyNominated) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{.nominates = false, .transaction = 1});
  rig.now += std::chrono::seconds(3);
  rig.receive(kElsewhere, Check{.nominates = false, .transaction = 2});
  EXPECT_EQ(rig.agent.reachable(), kElsewhere);
  rig.wait(std::chrono::seconds(31));
  EXPECT_FALSE(rig.agent.reachable()) << "nor is it sent to for ever";
}

TEST(Ice, Item08_FollowsANewNominationToAnotherAddress) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{});
  rig.receive(kElsewhere, Check{});
  EXPECT_EQ(rig.agent.selected(), kElsewhere);
  EXPECT_EQ(rig.out.changed, State::Connected);
  EXPECT_TRUE(rig.agent.is_valid_source(kPeer));
}

TEST(Ice, Item08_IsNotFlippedByADelayedCheck) {
  Rig rig(Rig::lite());
  const Octets late = Check{.transaction = 5}.octets();
  rig.receive(kPeer, late);
  rig.receive(kElsewhere, Check{});
  rig.receive(kPeer, late);
  EXPECT_FALSE(rig.is_silent());
  EXPECT_EQ(rig.agent.selected(), kElsewhere);
}

TEST(Ice, Item08_IsNotFlippedByAReplayFromElsewhere) {
  Rig rig(Rig::lite());
  const Octets heard = Check{.transaction = 6}.octets();
  rig.receive(kPeer, heard);
  for (int i = 0; i < 100; ++i) {
    rig.wait(1s);
    rig.receive(kPeer, Check{});
    rig.receive(kAttacker, heard);
    ASSERT_EQ(rig.agent.selected(), kPeer);
    ASSERT_FALSE(rig.agent.is_valid_source(kAttacker));
  }
}

TEST(Ice, Item08_KeepsABetterPairThatIsAlive) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{.priority = 100});
  rig.wait(1s);
  rig.receive(kElsewhere, Check{.priority = 99});
  EXPECT_EQ(rig.agent.selected(), kPeer);
  rig.wait(2s);
  rig.receive(kElsewhere, Check{.priority = 99});
  EXPECT_EQ(rig.agent.selected(), kElsewhere);
}

TEST(Ice, Item09_AnswersAControlledPeerWithARoleConflict) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{.role = wire::StunAttribute::IceControlled, .tie_breaker = 0});
  EXPECT_EQ(rig.error(), 487);
  EXPECT_TRUE(rig.sent().has_integrity(our_key()));
  EXPECT_FALSE(rig.agent.selected());
}

// The role is not left for a copy either, and the copy is paid for by who sends it.
TEST(Ice, Item09_AnswersACopyOfAConflictAsItDidTheFirst) {
  Rig rig(Rig::lite());
  const Octets conflict =
      Check{.role = wire::StunAttribute::IceControlled, .transaction = 3}.octets();
  int answers = 0;
  for (int i = 0; i < 1000; ++i) {
    rig.receive(kAttacker, conflict);
    if (rig.error() == 487) ++answers;
  }
  EXPECT_EQ(answers, 51);  // the true one and the copies' 50
  rig.receive(kPeer, Check{});
  EXPECT_EQ(rig.agent.selected(), kPeer);
}

struct Restarted : testing::Test {
  Rig rig{Rig::lite()};
  Restarted() {
    rig.receive(kPeer, Check{});
    AgentUpdate update;
    update.local = Credentials("new", kNewPassword);
    rig.agent.update(update, rig.now);
  }
  static Check fresh() { return {.username = "new:them", .password = kNewPassword}; }
};

TEST_F(Restarted, Item10_KeepsSendingOverTheOldPair) {
  EXPECT_EQ(rig.agent.selected(), kPeer);
  EXPECT_EQ(rig.agent.state(), State::Connected);
}

TEST_F(Restarted, Item10_TakesBothCredentialsUntilTheNewNominates) {
  rig.receive(kPeer, Check{});
  EXPECT_TRUE(rig.sent().has_integrity(our_key()));
  rig.receive(kElsewhere, [] {
    Check c = fresh();
    c.nominates = false;
    return c;
  }());
  EXPECT_TRUE(rig.sent().has_integrity(wire::HmacSha1(as_octets(kNewPassword))));
  rig.receive(kPeer, Check{});
  EXPECT_EQ(rig.sent().message_class(), wire::StunClass::Success);
  rig.receive(kElsewhere, fresh());
  EXPECT_EQ(rig.agent.selected(), kElsewhere);
  rig.receive(kPeer, Check{});
  EXPECT_EQ(rig.error(), 401);
}

TEST_F(Restarted, Item10_IsNotMovedByTheOldGeneration) {
  rig.receive(kElsewhere, Check{});
  EXPECT_EQ(rig.agent.selected(), kPeer);
}

TEST_F(Restarted, Item10_TakesAWorsePairOfTheNewGeneration) {
  Check check = fresh();
  check.priority = 1;
  rig.receive(kElsewhere, check);
  EXPECT_EQ(rig.agent.selected(), kElsewhere);
}

// What the pair in use was nominated with outlasts restarts that come to nothing.
TEST_F(Restarted, Item10_TakesTheOldCredentialsThroughSeveralRestarts) {
  AgentUpdate again;
  again.local = Credentials("newer", "newernewernewernewerne");
  rig.agent.update(again, rig.now);
  rig.receive(kPeer, Check{});
  EXPECT_EQ(rig.sent().message_class(), wire::StunClass::Success);
  rig.receive(kPeer, fresh());
  EXPECT_EQ(rig.error(), 401);
  rig.receive(kPeer, Check{.username = "newer:them", .password = "newernewernewernewerne"});
  EXPECT_EQ(rig.sent().message_class(), wire::StunClass::Success);
  rig.receive(kPeer, Check{});
  EXPECT_EQ(rig.error(), 401);
}

TEST_F(Restarted, Item10_MayBeTakenBack) {
  AgentUpdate back;
  back.local = Credentials("ours", kOurPassword);
  rig.agent.update(back, rig.now);
  rig.receive(kElsewhere, Check{});
  EXPECT_EQ(rig.sent().message_class(), wire::StunClass::Success);
  EXPECT_EQ(rig.agent.selected(), kElsewhere);
}

// What is replaced is freed by whoever made the update.
TEST_F(Restarted, Item10_HandsBackWhatIsReplaced) {
  AgentUpdate again;
  again.local = Credentials("newer", "newernewernewernewerne");
  rig.agent.update(again, rig.now);
  EXPECT_EQ(again.local->ufrag, "new");
}

TEST(Ice, Item11_AcceptsIndicationsSilently) {
  Rig rig(Rig::lite());
  Octets indication(64);
  wire::StunWriter writer(indication, wire::StunMethod::Binding, wire::StunClass::Indication, {});
  indication.resize(writer.finish(nullptr));
  rig.receive(kPeer, indication);
  EXPECT_TRUE(rig.is_silent());
  EXPECT_EQ(rig.agent.counters().indications, 1U);
  EXPECT_FALSE(rig.agent.is_valid_source(kPeer));
}

TEST(Ice, Item12_GivesThePairUpAfterThirtySecondsWithoutASign) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{});
  EXPECT_EQ(rig.agent.next_timeout(), rig.now + 30s);
  rig.wait(29999ms);
  EXPECT_EQ(rig.agent.selected(), kPeer);
  rig.wait(1ms);
  EXPECT_EQ(rig.out.changed, State::Disconnected);
  EXPECT_FALSE(rig.agent.selected());
  EXPECT_FALSE(rig.agent.is_valid_source(kPeer));
  rig.receive(kPeer, Check{});
  EXPECT_EQ(rig.out.changed, State::Connected);
}

TEST(Ice, Item12_TakesChecksAndAuthenticMediaForConsent) {
  Rig rig(Rig::lite());
  rig.receive(kPeer, Check{});
  rig.wait(20s);
  rig.agent.note_authentic(rig.now, kPeer);
  rig.wait(20s);
  rig.receive(kPeer, Check{.nominates = false});
  rig.wait(20s);
  EXPECT_EQ(rig.agent.selected(), kPeer);
  rig.agent.note_authentic(rig.now, kAttacker);
  rig.wait(10s);
  EXPECT_FALSE(rig.agent.selected());
}

TEST(Ice, Item12_ACopyOfACheckIsNoSignOfLife) {
  Rig rig(Rig::lite());
  const Octets check = Check{.transaction = 8}.octets();
  rig.receive(kPeer, check);
  for (int i = 0; i < 29; ++i) {
    rig.wait(1s);
    rig.receive(kPeer, check);
    EXPECT_FALSE(rig.is_silent());
  }
  rig.wait(1s);
  EXPECT_EQ(rig.out.changed, State::Disconnected);
}

TEST(Ice, Item12_NeverExpiresWhereThePeerSendsNoChecks) {
  AgentSetup setup = Rig::lite();
  setup.consent = Duration::zero();
  Rig rig(std::move(setup));
  rig.receive(kPeer, Check{});
  rig.wait(1h);
  EXPECT_EQ(rig.agent.selected(), kPeer);
  EXPECT_EQ(rig.agent.next_timeout(), std::nullopt);
}

TEST(Ice, GoesOnFromASnapshot) {
  Rig before(Rig::lite());
  before.receive(kPeer, Check{});
  Rig after(Rig::lite());
  after.agent.restore(before.agent.snapshot(), after.now);
  EXPECT_EQ(after.agent.selected(), kPeer);
  EXPECT_TRUE(after.agent.is_valid_source(kPeer));
  EXPECT_EQ(after.agent.state(), State::Connected);
}

}  // namespace
}  // namespace causeway::ice
