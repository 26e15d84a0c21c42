#include "relay/engine/source_filter.h"

#include <gtest/gtest.h>

#include <array>

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;
using Verdict = SourceFilter::Verdict;

constexpr Instant kStart{1s};

SocketAddress address(const char* text) { return *SocketAddress::parse(text); }

/// A filter refers to the rule of its leg: these live as long as any.
const AcceptFrom& rule(AcceptFrom::Rule which) {
  static const std::array<AcceptFrom, 4> kRules = [] {
    std::array<AcceptFrom, 4> rules;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      rules[i].rule = static_cast<AcceptFrom::Rule>(i);
    }
    return rules;
  }();
  return kRules[static_cast<std::size_t>(which)];
}

SourceFilter::Seen packet(const SocketAddress& from, std::uint16_t seq, std::uint32_t ssrc = 1) {
  return {from, Ssrc(ssrc), SeqNum(seq), true};
}

struct Latch : testing::Test {
  Latch() { filter.arm(rule(AcceptFrom::Rule::Latch), std::nullopt, false, kStart); }
  Verdict hear(const SocketAddress& from, std::uint16_t seq, Duration after = 0s,
               std::uint32_t ssrc = 1) {
    if (!filter.admits(from)) return Verdict::Reject;
    return filter.on_authentic(kStart + after, packet(from, seq, ssrc));
  }
  void latch_on(const SocketAddress& from) {
    for (std::uint16_t seq = 100; seq < 104; ++seq) EXPECT_EQ(hear(from, seq), Verdict::Reject);
    EXPECT_EQ(hear(from, 104), Verdict::AcceptAndLearned);
  }
  SourceFilter filter;
  const SocketAddress phone = address("192.0.2.10:4000");
  const SocketAddress rebound = address("192.0.2.10:5000");
  const SocketAddress stranger = address("198.51.100.1:4000");
};

TEST(SourceFilter, ExactWantsAddressAndPort) {
  SourceFilter filter;
  filter.arm(rule(AcceptFrom::Rule::Exact), address("192.0.2.1:4000"), false, kStart);
  EXPECT_TRUE(filter.admits(address("192.0.2.1:4000")));
  EXPECT_FALSE(filter.admits(address("192.0.2.1:4001")));
  EXPECT_FALSE(filter.admits(address("192.0.2.2:4000")));
}

TEST(SourceFilter, ExactWithoutAnAddressAdmitsNobody) {
  SourceFilter filter;
  filter.arm(rule(AcceptFrom::Rule::Exact), std::nullopt, false, kStart);
  EXPECT_FALSE(filter.admits(address("192.0.2.1:4000")));
}

TEST(SourceFilter, SameIpTakesAnyPort) {
  SourceFilter filter;
  filter.arm(rule(AcceptFrom::Rule::SameIp), address("192.0.2.1:4000"), false, kStart);
  EXPECT_TRUE(filter.admits(address("192.0.2.1:9")));
  EXPECT_FALSE(filter.admits(address("192.0.2.2:4000")));
}

TEST(SourceFilter, CidrsOfBothFamilies) {
  AcceptFrom accept = rule(AcceptFrom::Rule::Cidrs);
  accept.cidrs = {*Cidr::parse("192.0.2.0/24"), *Cidr::parse("2001:db8::/32")};
  SourceFilter filter;
  filter.arm(accept, std::nullopt, false, kStart);
  EXPECT_TRUE(filter.admits(address("192.0.2.200:1")));
  EXPECT_TRUE(filter.admits(address("[2001:db8::5]:1")));
  EXPECT_FALSE(filter.admits(address("192.0.3.1:1")));
  EXPECT_FALSE(filter.admits(address("[2001:db9::5]:1")));
}

TEST_F(Latch, NeedsFivePacketsInSequenceFromOneSource) {
  latch_on(phone);
  EXPECT_EQ(filter.learned(), phone);
}

TEST_F(Latch, AGapBeginsTheCountAnew) {
  for (const int seq : {1, 2, 3, 4, 6, 7, 8, 9}) {
    EXPECT_EQ(hear(phone, static_cast<std::uint16_t>(seq)), Verdict::Reject);
  }
  EXPECT_EQ(hear(phone, 10), Verdict::AcceptAndLearned);
}

TEST_F(Latch, TheSignalledAddressLatchesAtOnce) {
  filter.arm(rule(AcceptFrom::Rule::Latch), phone, false, kStart);
  EXPECT_EQ(hear(stranger, 1), Verdict::Reject);
  EXPECT_EQ(hear(phone, 1), Verdict::AcceptAndLearned);
}

TEST_F(Latch, AStormOfSourcesNeitherLatchesNorStopsTheCaller) {
  std::uint32_t ssrc = 1000;
  for (std::uint16_t seq = 1; seq <= 4; ++seq) {
    EXPECT_EQ(hear(phone, seq), Verdict::Reject);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(hear(stranger, 7, 0s, ssrc++), Verdict::Reject);
  }
  // Three strangers between two packets fill the table but for one place; the oldest goes first.
  EXPECT_FALSE(filter.learned());
  latch_on(phone);
}

TEST_F(Latch, OnceLockedNobodyElseIsHeard) {
  latch_on(phone);
  for (std::uint16_t seq = 105; seq < 200; ++seq) EXPECT_EQ(hear(stranger, seq), Verdict::Reject);
  EXPECT_EQ(hear(phone, 105), Verdict::Accept);
  EXPECT_EQ(filter.learned(), phone);
}

TEST_F(Latch, TheSameStreamMayMoveItsPortAfterTwoSecondsOfSilence) {
  latch_on(phone);
  EXPECT_EQ(hear(rebound, 105, 1999ms), Verdict::Reject);
  EXPECT_EQ(hear(rebound, 106, 2s, 2), Verdict::Reject) << "another SSRC is another stream";
  EXPECT_EQ(hear(rebound, 104, 2s), Verdict::Reject) << "the sequence does not go on";
  EXPECT_EQ(hear(rebound, 106, 2s), Verdict::AcceptAndLearned);
  EXPECT_EQ(filter.learned(), rebound);
}

TEST_F(Latch, TheWindowCloses) {
  for (std::uint16_t seq = 1; seq < 20; ++seq) EXPECT_EQ(hear(phone, seq, 61s), Verdict::Reject);
  filter.arm(rule(AcceptFrom::Rule::Latch), std::nullopt, false, kStart + 61s);
  for (std::uint16_t seq = 20; seq < 24; ++seq) EXPECT_EQ(hear(phone, seq, 62s), Verdict::Reject);
  EXPECT_EQ(hear(phone, 24, 62s), Verdict::AcceptAndLearned) << "an API call opens it again";
}

TEST_F(Latch, OnlyTheNewestAuthenticatedIndexMovesASecureLeg) {
  filter.arm(rule(AcceptFrom::Rule::Latch), std::nullopt, true, kStart);
  EXPECT_EQ(hear(phone, 1), Verdict::AcceptAndLearned);
  SourceFilter::Seen replayed_late = packet(stranger, 1);
  replayed_late.is_newest = false;
  ASSERT_TRUE(filter.admits(stranger));
  EXPECT_EQ(filter.on_authentic(kStart, replayed_late), Verdict::Reject);
  EXPECT_EQ(hear(stranger, 2), Verdict::AcceptAndLearned) << "the peer roamed";
}

TEST_F(Latch, CidrsBoundWhoMayBeLearned) {
  AcceptFrom accept = rule(AcceptFrom::Rule::Latch);
  accept.cidrs = {*Cidr::parse("192.0.2.0/24")};
  filter.arm(accept, std::nullopt, false, kStart);
  EXPECT_FALSE(filter.admits(stranger));
  latch_on(phone);
}

TEST_F(Latch, RtcpFollowsTheAddressThatRtpFound) {
  SourceFilter rtcp;
  rtcp.arm(rule(AcceptFrom::Rule::Latch), std::nullopt, false, kStart);
  EXPECT_EQ(rtcp.on_authentic_rtcp(kStart, phone, filter), Verdict::Reject);
  latch_on(phone);
  EXPECT_EQ(rtcp.on_authentic_rtcp(kStart, stranger, filter), Verdict::Reject);
  EXPECT_EQ(rtcp.on_authentic_rtcp(kStart, rebound, filter), Verdict::AcceptAndLearned);
  EXPECT_EQ(rtcp.on_authentic_rtcp(kStart, phone, filter), Verdict::Reject) << "locked";
}

}  // namespace
}  // namespace causeway::engine
