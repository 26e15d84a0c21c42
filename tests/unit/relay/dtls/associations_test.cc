#include "relay/dtls/associations.h"

#include <map>

#include "relay/dtls/record.h"
#include "tests/unit/relay/dtls/rig.h"

namespace causeway::dtls {
namespace {

using namespace test;

SocketAddress at(std::uint16_t port) { return {IpAddress::v4(0xc0000201), UdpPort(port)}; }

/// A leg without ICE and endpoints that try it from addresses of their own.
struct WithoutIce : testing::Test {
  std::shared_ptr<const Identity> ours = make_identity();
  std::shared_ptr<const Identity> theirs = make_identity();
  std::shared_ptr<const Identity> strangers = make_identity();
  std::shared_ptr<Settings> settings = settings_of(ours, Role::Passive, {theirs->fingerprint()});
  std::optional<Associations> leg;
  std::map<std::uint16_t, End> ends;
  Report last;

  WithoutIce() {
    settings->needs_cookie = true;
    leg.emplace(settings);
  }
  End& client(std::uint16_t port, const std::shared_ptr<const Identity>& identity) {
    return ends.try_emplace(port, settings_of(identity, Role::Active, {ours->fingerprint()}))
        .first->second;
  }
  /// Gives the leg datagrams from `port`; its answers come back.
  std::vector<Octets> tell(std::uint16_t port, const std::vector<Octets>& datagrams) {
    std::vector<Octets> answers;
    for (const Octets& datagram : datagrams) {
      Report report;
      leg->handle_datagram(datagram, at(port), report);
      answers.insert(answers.end(), report.flight.begin(), report.flight.end());
      if (report.outcome != Outcome::Going || last.outcome == Outcome::Going) {
        last = std::move(report);
      }
    }
    return answers;
  }
  std::vector<Octets> hello(End& end) {
    Report report;
    std::vector<Octets> out;
    end.association->start(report);
    end.take(std::move(report), out);
    return out;
  }
  void converse(std::uint16_t port, End& end, std::vector<Octets> from_end) {
    while (!from_end.empty()) {
      std::vector<Octets> next;
      for (const Octets& datagram : tell(port, from_end)) end.receive(datagram, next);
      from_end = std::move(next);
    }
  }
};

TEST_F(WithoutIce, AsksForACookieAndThenShakesHands) {
  End& end = client(1, theirs);
  const auto first = hello(end);
  const auto verify = tell(1, first);
  ASSERT_EQ(verify.size(), 1U);
  EXPECT_TRUE(last.is_aside);
  EXPECT_FALSE(last.awaits_answer);
  EXPECT_LT(verify[0].size(), first[0].size());  // no amplification
  std::vector<Octets> second;
  end.receive(verify[0], second);
  converse(1, end, second);
  EXPECT_EQ(last.outcome, Outcome::Up);
  EXPECT_EQ(last.to, at(1));
  EXPECT_EQ(end.outcome, Outcome::Up);
}

TEST_F(WithoutIce, ACookieOfAnotherAddressIsNoCookie) {
  End& end = client(1, theirs);
  std::vector<Octets> second;
  for (const Octets& datagram : tell(1, hello(end))) end.receive(datagram, second);
  const auto answers = tell(2, second);
  ASSERT_EQ(answers.size(), 1U);  // asked again
  EXPECT_LT(answers[0].size(), 100U);
}

// STANDARDS 6.3 case 8: strangers before, during and after the right one.
TEST_F(WithoutIce, TheFirstWithTheRightCertificateWins) {
  for (std::uint16_t port = 10; port < 20; ++port) {
    End& stranger = client(port, strangers);
    converse(port, stranger, hello(stranger));
    EXPECT_NE(stranger.outcome, Outcome::Up) << port;
    EXPECT_NE(last.outcome, Outcome::Up) << port;
  }
  last = {};
  End& end = client(1, theirs);
  converse(1, end, hello(end));
  EXPECT_EQ(last.outcome, Outcome::Up);
  End& late = client(30, strangers);
  last = {};
  converse(30, late, hello(late));
  EXPECT_EQ(last.outcome, Outcome::Going);
  EXPECT_TRUE(leg->is_up());
}

TEST_F(WithoutIce, StrangersInTheMiddleOfAHandshakeDoNotDisturbIt) {
  End& end = client(1, theirs);
  std::vector<Octets> to_leg = hello(end);
  for (std::uint16_t turn = 0; !to_leg.empty(); ++turn) {
    std::vector<Octets> next;
    for (const Octets& datagram : tell(1, to_leg)) end.receive(datagram, next);
    End& stranger = client(static_cast<std::uint16_t>(100 + turn), strangers);
    converse(static_cast<std::uint16_t>(100 + turn), stranger, hello(stranger));
    to_leg = std::move(next);
  }
  EXPECT_EQ(end.outcome, Outcome::Up);
  EXPECT_TRUE(leg->is_up());
}

TEST_F(WithoutIce, TenThousandHellosLeaveNothingBehind) {
  End& end = client(1, strangers);
  const auto first = hello(end);
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_LE(tell(static_cast<std::uint16_t>(1000 + i), first).size(), 1U);
  }
  End& right = client(2, theirs);
  converse(2, right, hello(right));
  EXPECT_TRUE(leg->is_up());
}

TEST_F(WithoutIce, TheRightOneIsFoundAmongThoseWhoCameBeforeTheFingerprints) {
  const auto without = std::make_shared<Settings>(*settings);
  without->remote_fingerprints.clear();
  for (const std::uint16_t right : {std::uint16_t{1}, std::uint16_t{2}, std::uint16_t{3}}) {
    ends.clear();
    leg.emplace(without);
    for (const std::uint16_t port : {std::uint16_t{1}, std::uint16_t{2}, std::uint16_t{3}}) {
      End& end = client(port, port == right ? theirs : strangers);
      converse(port, end, hello(end));
      ASSERT_EQ(end.outcome, Outcome::Up);
      ASSERT_FALSE(leg->is_up());
    }
    Report report;
    leg->set_settings(settings, report);
    EXPECT_EQ(report.outcome, Outcome::Up) << right;
    EXPECT_EQ(report.to, at(right));
    EXPECT_TRUE(report.send_key.equals(ends.at(right).last.receive_key));
  }
}

TEST_F(WithoutIce, OneFailureIsSaidWhereNobodyIsLeft) {
  const auto without = std::make_shared<Settings>(*settings);
  without->remote_fingerprints.clear();
  leg.emplace(without);
  for (const std::uint16_t port : {std::uint16_t{1}, std::uint16_t{2}}) {
    End& end = client(port, strangers);
    converse(port, end, hello(end));
  }
  Report report;
  leg->set_settings(settings, report);
  EXPECT_EQ(report.outcome, Outcome::Failed);
  EXPECT_EQ(report.failure, Failure::Fingerprint);
}

/// Brings a client so far that the leg has its cookie and awaits its last flight, which is given.
struct HalfWay : WithoutIce {
  std::vector<Octets> half_way(std::uint16_t port, const std::shared_ptr<const Identity>& who) {
    End& end = client(port, who);
    std::vector<Octets> second;
    for (const Octets& datagram : tell(port, hello(end))) end.receive(datagram, second);
    std::vector<Octets> last_flight;
    for (const Octets& datagram : tell(port, second)) end.receive(datagram, last_flight);
    return last_flight;
  }
};

TEST_F(HalfWay, WhoComesFromManyPortsTakesThePlacesOfNobodyElse) {
  const IpAddress flood = IpAddress::v4(0xc6336401);
  const std::vector<Octets> last_flight = half_way(1, theirs);
  for (std::uint16_t port = 0; port < 50; ++port) {
    End end(settings_of(strangers, Role::Active, {ours->fingerprint()}));
    std::vector<Octets> to_leg = hello(end);
    for (int turn = 0; turn < 2; ++turn) {
      for (const Octets& datagram : std::exchange(to_leg, {})) {
        Report report;
        leg->handle_datagram(datagram, {flood, UdpPort(port)}, report);
        for (const Octets& answer : report.flight) end.receive(answer, to_leg);
      }
    }
  }
  converse(1, ends.at(1), last_flight);
  EXPECT_TRUE(leg->is_up());
}

TEST_F(HalfWay, StrangersLeaveTheTimersOfTheLegAlone) {
  (void)half_way(1, theirs);
  ASSERT_TRUE(last.awaits_answer);
  ASSERT_FALSE(last.is_aside);
  // One who has no cookie, and one whose certificate is another.
  End& first = client(2, strangers);
  Report report;
  leg->handle_datagram(hello(first)[0], at(2), report);
  EXPECT_FALSE(report.flight.empty());
  EXPECT_TRUE(report.is_aside);
  EXPECT_TRUE(report.awaits_answer);
  const std::vector<Octets> wrong = half_way(3, strangers);
  for (const Octets& datagram : wrong) {
    Report each;
    leg->handle_datagram(datagram, at(3), each);
    EXPECT_EQ(each.outcome, Outcome::Going);
    EXPECT_TRUE(each.awaits_answer);
    if (!each.is_empty()) {
      EXPECT_TRUE(each.is_aside);
    }
  }
}

TEST_F(HalfWay, EachOfThoseAwaitedIsToldAgainInTurn) {
  (void)half_way(1, theirs);
  (void)half_way(2, strangers);
  std::map<std::uint16_t, int> told;
  for (int i = 0; i < 6; ++i) {
    Report report;
    leg->handle_timeout(report);
    EXPECT_FALSE(report.flight.empty());
    ++told[report.to.port.raw()];
  }
  EXPECT_EQ(told[1], 3);
  EXPECT_EQ(told[2], 3);
}

TEST_F(WithoutIce, AWinnerThatHasClosedMayComeAgain) {
  for (int life = 0; life < 3; ++life) {
    ends.clear();
    // It does not know our fingerprint yet, and then it does not like it: it says good-bye.
    End& end = ends.try_emplace(1, settings_of(theirs, Role::Active, {})).first->second;
    last = {};
    converse(1, end, hello(end));
    ASSERT_EQ(last.outcome, Outcome::Up) << life;
    Report bye;
    end.association->set_settings(settings_of(theirs, Role::Active, {strangers->fingerprint()}),
                                  bye);
    last = {};
    (void)tell(1, bye.flight);
    EXPECT_EQ(last.outcome, Outcome::Closed);
    EXPECT_FALSE(leg->is_up());
  }
}

TEST_F(WithoutIce, WhatIsNoHelloFromNobodyIsPassedOver) {
  End& end = client(1, theirs);
  std::vector<Octets> to_leg = hello(end);
  while (!to_leg.empty()) {
    std::vector<Octets> next;
    for (const Octets& datagram : tell(1, to_leg)) end.receive(datagram, next);
    for (const Octets& datagram : to_leg) {
      if (!is_client_hello(datagram)) {
        EXPECT_TRUE(tell(9, {datagram}).empty());
      }
    }
    to_leg = std::move(next);
  }
  EXPECT_TRUE(leg->is_up());
}

struct OverIce : testing::Test {
  std::shared_ptr<const Identity> ours = make_identity();
  std::shared_ptr<const Identity> theirs = make_identity();
};

TEST_F(OverIce, OneHandshakeGoesOnWhereverTheEndpointMoves) {
  Associations leg(settings_of(ours, Role::Passive, {theirs->fingerprint()}));
  End end(settings_of(theirs, Role::Active, {ours->fingerprint()}));
  std::vector<Octets> to_leg;
  Report hello;
  end.association->start(hello);
  end.take(std::move(hello), to_leg);
  Outcome outcome = Outcome::Going;
  for (std::uint16_t port = 1; !to_leg.empty(); ++port) {
    std::vector<Octets> next;
    for (const Octets& datagram : to_leg) {
      Report report;
      leg.handle_datagram(datagram, at(port), report);
      for (const Octets& answer : report.flight) end.receive(answer, next);
      if (report.outcome != Outcome::Going) outcome = report.outcome;
    }
    to_leg = std::move(next);
  }
  EXPECT_EQ(outcome, Outcome::Up);
  EXPECT_EQ(end.outcome, Outcome::Up);
}

TEST_F(OverIce, AFailedHandshakeMakesRoomForAnother) {
  Associations leg(settings_of(ours, Role::Passive, {theirs->fingerprint()}));
  for (const auto& identity : {make_identity(), theirs}) {
    End end(settings_of(identity, Role::Active, {ours->fingerprint()}));
    std::vector<Octets> to_leg;
    Report hello;
    end.association->start(hello);
    end.take(std::move(hello), to_leg);
    Outcome outcome = Outcome::Going;
    while (!to_leg.empty()) {
      std::vector<Octets> next;
      for (const Octets& datagram : to_leg) {
        Report report;
        leg.handle_datagram(datagram, at(1), report);
        for (const Octets& answer : report.flight) end.receive(answer, next);
        if (report.outcome != Outcome::Going) outcome = report.outcome;
      }
      to_leg = std::move(next);
    }
    EXPECT_EQ(outcome, identity == theirs ? Outcome::Up : Outcome::Failed);
  }
}

TEST_F(OverIce, TheActiveSideStartsOnceAndTakesTheAnswerFromWhereItComes) {
  Associations leg(settings_of(ours, Role::Active, {theirs->fingerprint()}));
  End end(settings_of(theirs, Role::Passive, {ours->fingerprint()}));
  Report report;
  leg.start(report);
  Report again;
  leg.start(again);
  EXPECT_TRUE(again.is_empty());
  std::vector<Octets> to_end = report.flight;
  Outcome outcome = Outcome::Going;
  while (!to_end.empty()) {
    std::vector<Octets> to_leg;
    for (const Octets& datagram : to_end) end.receive(datagram, to_leg);
    to_end.clear();
    for (const Octets& datagram : to_leg) {
      Report each;
      leg.handle_datagram(datagram, at(5), each);
      to_end.insert(to_end.end(), each.flight.begin(), each.flight.end());
      if (each.outcome != Outcome::Going) outcome = each.outcome;
    }
  }
  EXPECT_EQ(outcome, Outcome::Up);
  EXPECT_TRUE(leg.is_up());
}

TEST(OnOurInitiative, ALostStartIsMadeUpForAtTheTimeout) {
  const auto identity = make_identity();
  Associations leg(settings_of(identity, Role::Active, {identity->fingerprint()}));
  Report report;
  leg.handle_timeout(report);
  EXPECT_FALSE(report.flight.empty());
  EXPECT_TRUE(report.awaits_answer);
  Associations waits(settings_of(identity, Role::Passive, {identity->fingerprint()}));
  Report nothing;
  waits.handle_timeout(nothing);
  EXPECT_TRUE(nothing.is_empty());
}

// An answer proves nothing before it is complete, so nothing goes where it came from.
TEST(OnOurInitiative, FlightsGoToTheLegsEndpointWhoeverAnswers) {
  const auto ours = make_identity();
  const auto theirs = make_identity();
  for (const bool needs_cookie : {false, true}) {
    const auto settings = settings_of(ours, Role::Active, {theirs->fingerprint()});
    settings->needs_cookie = needs_cookie;
    Associations leg(settings);
    End end(settings_of(theirs, Role::Passive, {ours->fingerprint()}));
    Report report;
    leg.start(report);
    EXPECT_TRUE(report.to.is_none());
    std::vector<Octets> to_end = report.flight;
    std::uint16_t port = 1;
    while (!to_end.empty()) {
      std::vector<Octets> to_leg;
      for (const Octets& datagram : std::exchange(to_end, {})) end.receive(datagram, to_leg);
      for (const Octets& datagram : to_leg) {
        Report each;
        leg.handle_datagram(datagram, at(port++), each);
        EXPECT_TRUE(each.to.is_none());
        to_end.insert(to_end.end(), each.flight.begin(), each.flight.end());
        Report again;
        leg.handle_timeout(again);
        EXPECT_TRUE(again.to.is_none());
      }
    }
    EXPECT_TRUE(leg.is_up());
  }
}

}  // namespace
}  // namespace causeway::dtls
