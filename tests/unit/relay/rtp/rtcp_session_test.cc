#include "relay/rtp/rtcp_session.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "tests/unit/relay/rtp/compounds.h"

namespace causeway::rtp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::RtcpType;

constexpr RtpClockRate k8k{8000};
constexpr std::uint64_t kMiddle = 0x80000000'80000000;
constexpr Ssrc kOurs{0x0047};
constexpr Ssrc kTheirs{0x7e7e};

/// A session of ours, one source that it receives, and room for what it writes.
struct Endpoint {
  explicit Endpoint(Ssrc ours = kOurs, Ssrc theirs = kTheirs, Duration clock_ahead = {})
      : session(
            {ours, Cname("leg@causeway.invalid"), WallClock(seconds(1'700'000'000) + clock_ahead)},
            Instant(seconds(100)), kMiddle),
        reception(theirs) {}

  Bytes due(Instant now) {
    std::array<Reception*, 1> receptions = {&reception};
    return Bytes(out).first(session.handle_timeout(now, kMiddle, receptions, out));
  }
  RtcpNews take(Instant now, CompoundUnderTest& compound) {
    std::array<Reception*, 1> receptions = {&reception};
    return session.on_rtcp(compound.open(), now, receptions);
  }
  void receive(int n, Instant now) {
    reception.on_packet(SeqNum(static_cast<std::uint16_t>(n)),
                        RtpTimestamp(static_cast<std::uint32_t>(n) * 160U), now, k8k, 172);
  }

  RtcpSession session;
  Reception reception;
  std::array<std::byte, 1200> out{};
};

TEST(RtcpSession, SendsAReceiverReportAndItsCnameWhileItSendsNothing) {
  Endpoint e;
  e.receive(1, e.session.next_timeout());
  const Bytes out = e.due(e.session.next_timeout());
  EXPECT_EQ(types_of(out), (std::vector{RtcpType::Rr, RtcpType::Sdes}));
  const auto report = wire::ReceiverReport::parse(packets_of(out)[0]);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->ssrc, kOurs);
  ASSERT_EQ(report->blocks.size(), 1U);
  EXPECT_EQ(report->blocks[0].ssrc, kTheirs);
  const auto chunk = wire::Sdes::parse(packets_of(out)[1])->next();
  EXPECT_EQ(chunk->ssrc, kOurs);
  EXPECT_TRUE(std::ranges::equal(*chunk->find(wire::SdesItemType::Cname),
                                 as_octets("leg@causeway.invalid")));
}

TEST(RtcpSession, SendsASenderReportOnceItSends) {
  Endpoint e;
  const Instant due = e.session.next_timeout();
  e.session.on_sent(RtpTimestamp(1600), due - milliseconds(10), k8k, 160);
  const Bytes out = e.due(due);
  const auto report = wire::SenderReport::parse(packets_of(out)[0]);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sender.ssrc, kOurs);
  EXPECT_EQ(report->sender.packets, 1U);
  EXPECT_EQ(report->sender.rtp_timestamp, RtpTimestamp(1680));
  EXPECT_EQ(report->blocks.size(), 0U) << "nothing was received";
}

TEST(RtcpSession, WritesNothingWhenNothingIsDue) {
  Endpoint e;
  EXPECT_TRUE(e.due(e.session.next_timeout() - Duration(1)).empty());
}

TEST(RtcpSession, ReportsOnlyWhoSentSinceTheLastReport) {
  Endpoint e;
  e.receive(1, e.session.next_timeout());
  (void)e.due(e.session.next_timeout());
  Bytes out;
  while (out.empty()) out = e.due(e.session.next_timeout());
  EXPECT_EQ(wire::ReceiverReport::parse(packets_of(out)[0])->blocks.size(), 0U);
}

TEST(RtcpSession, HandsSenderReportsToTheirReceptionAndBlocksToItsSender) {
  Endpoint e;
  const Instant now{seconds(101)};
  e.session.on_sent(RtpTimestamp(0), now, k8k, 160);
  CompoundUnderTest compound;
  const std::array blocks = {wire::ReportBlock{kOurs, 64, 9, 1, 2},
                             wire::ReportBlock{Ssrc(99), 255}};
  ASSERT_TRUE(
      compound.writer.sender_report({kTheirs, NtpTime(std::uint64_t{5} << 32), {}, 1, 2}, blocks));
  ASSERT_TRUE(compound.writer.sdes_cname(kTheirs, "them"));
  const RtcpNews news = e.take(now, compound);
  EXPECT_TRUE(news.has_sender_report);
  EXPECT_TRUE(news.has_report);
  EXPECT_EQ(news.malformed + news.ignored, 0U);
  ASSERT_TRUE(e.reception.last_sender_report());
  EXPECT_EQ(e.reception.last_sender_report()->arrival, now);
  ASSERT_TRUE(e.session.summary().far);
  EXPECT_EQ(e.session.summary().far->fraction_lost, 64);
}

TEST(RtcpSession, TellsOfAByeOfAKnownSourceOnly) {
  Endpoint e;
  CompoundUnderTest known, stranger;
  const std::array theirs = {kTheirs};
  const std::array other = {Ssrc(99)};
  ASSERT_TRUE(known.writer.receiver_report(kTheirs, {}) && known.writer.bye(theirs));
  ASSERT_TRUE(stranger.writer.receiver_report(kTheirs, {}) && stranger.writer.bye(other));
  EXPECT_FALSE(e.take(Instant(seconds(101)), stranger).has_bye);
  EXPECT_TRUE(e.take(Instant(seconds(101)), known).has_bye);
}

TEST(RtcpSession, HearsRequestsForAPictureOfItsOwnStream) {
  Endpoint e;
  CompoundUnderTest pli, fir, other;
  const std::array entries = {wire::FirEntry{kOurs, 1}};
  ASSERT_TRUE(pli.writer.pli(kTheirs, kOurs) && fir.writer.fir(kTheirs, entries) &&
              other.writer.pli(kTheirs, Ssrc(99)));
  EXPECT_TRUE(e.take(Instant(seconds(101)), pli).wants_picture);
  EXPECT_TRUE(e.take(Instant(seconds(101)), fir).wants_picture);
  EXPECT_FALSE(e.take(Instant(seconds(101)), other).wants_picture);
}

TEST(RtcpSession, CountsWhatLiesAndWhatItHasNoUseFor) {
  Endpoint e;
  CompoundUnderTest compound;
  const std::array lying = {std::byte{0x81}, std::byte{200}, std::byte{0}, std::byte{1},
                            std::byte{0},    std::byte{0},   std::byte{0}, std::byte{1}};
  const std::array app = {std::byte{0x80}, std::byte{204}, std::byte{0},   std::byte{2},
                          std::byte{0},    std::byte{0},   std::byte{0},   std::byte{1},
                          std::byte{'a'},  std::byte{'b'}, std::byte{'c'}, std::byte{'d'}};
  ASSERT_TRUE(compound.writer.packet(lying) && compound.writer.packet(app));
  const RtcpNews news = e.take(Instant(seconds(101)), compound);
  EXPECT_EQ(news.malformed, 1U);
  EXPECT_EQ(news.ignored, 1U);
}

TEST(RtcpSession, SendsAnUrgentPliAtOnceAndALaterOneWithTheNextReport) {
  Endpoint e;
  const Instant now{seconds(101)};
  const std::size_t octets = e.session.request_picture(now, kTheirs, e.out);
  EXPECT_EQ(types_of(Bytes(e.out).first(octets)),
            (std::vector{RtcpType::Rr, RtcpType::Sdes, RtcpType::Psfb}));
  EXPECT_EQ(e.session.request_picture(now + milliseconds(1), kTheirs, e.out), 0U);
  Bytes out;
  while (out.empty()) out = e.due(e.session.next_timeout());
  EXPECT_TRUE(first_of(out, RtcpType::Psfb));
  out = {};
  while (out.empty()) out = e.due(e.session.next_timeout());
  EXPECT_FALSE(first_of(out, RtcpType::Psfb)) << "asked once";
}

TEST(RtcpSession, SaysByeAfterItsLastReport) {
  Endpoint e;
  const std::size_t octets = e.session.write_bye(Instant(seconds(101)), {}, e.out);
  const Bytes out = Bytes(e.out).first(octets);
  EXPECT_EQ(types_of(out), (std::vector{RtcpType::Rr, RtcpType::Sdes, RtcpType::Bye}));
  EXPECT_EQ(wire::Bye::parse(packets_of(out)[2])->ssrc(0), kOurs);
}

TEST(RtcpSession, NeverOverrunsASmallBuffer) {
  for (std::size_t size = 0; size < 200; ++size) {
    Endpoint e;
    e.receive(1, e.session.next_timeout());
    e.session.on_sent(RtpTimestamp(0), e.session.next_timeout(), k8k, 160);
    std::vector<std::byte> out(size);
    std::array<Reception*, 1> receptions = {&e.reception};
    const std::size_t octets =
        e.session.handle_timeout(e.session.next_timeout(), kMiddle, receptions, out);
    EXPECT_LE(octets, size);
    EXPECT_TRUE(octets == 0 || wire::check_rtcp_compound(Bytes(out).first(octets)));
  }
}

// Two sessions with clocks an hour apart over a link with delay and loss: each learns the truth.
TEST(RtcpSession, LearnsLossAndRoundTripOverALossyLink) {
  std::mt19937_64 random(3);
  Endpoint a(kOurs, kTheirs);
  Endpoint b(kTheirs, kOurs, seconds(3600));
  const Duration delay = milliseconds(70);
  std::int64_t lost = 0;
  int sent = 0;
  struct InFlight {
    Instant arrival;
    std::vector<std::byte> octets;
    bool to_a;
  };
  std::vector<InFlight> flying;
  for (Instant now{seconds(100)}; now < Instant(seconds(160)); now += milliseconds(20)) {
    a.session.on_sent(RtpTimestamp(static_cast<std::uint32_t>(sent) * 160U), now, k8k, 160);
    if (random() % 10 != 0 || sent == 0) {
      b.receive(sent, now + delay);
    } else {
      ++lost;
    }
    ++sent;
    for (Endpoint* e : {&a, &b}) {
      const Bytes out = e->due(now);
      if (!out.empty()) flying.push_back({now + delay, {out.begin(), out.end()}, e == &b});
    }
    while (!flying.empty() && flying.front().arrival <= now) {
      CompoundUnderTest compound;
      ASSERT_TRUE(compound.writer.packet(flying.front().octets));
      (void)(flying.front().to_a ? a : b).take(now, compound);
      flying.erase(flying.begin());
    }
  }
  const auto far = a.session.summary().far;
  ASSERT_TRUE(far && far->round_trips.count != 0);
  EXPECT_NEAR(static_cast<double>(far->cumulative_lost), static_cast<double>(lost), 40);
  EXPECT_GT(far->cumulative_lost, 150);
  // Deliveries happen on a grid of 20 ms here.
  EXPECT_GE(far->round_trips.last, 2 * delay);
  EXPECT_LE(far->round_trips.last, 2 * delay + milliseconds(40));
}

}  // namespace
}  // namespace causeway::rtp
