#include "relay/rtp/sender.h"

#include <gtest/gtest.h>

#include <random>

#include "relay/rtp/ntp.h"

namespace causeway::rtp {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr RtpClockRate k48k{48000};
const WallClock kWall{seconds(1'700'000'000)};

Instant at(Duration since_zero) { return Instant(since_zero); }

TEST(NtpPlus, AddsAndTakesAwaySecondsAndFractions) {
  const NtpTime base(0x0000000a'80000000);
  EXPECT_EQ(ntp_plus(base, milliseconds(750)), NtpTime(0x0000000b'40000000));
  EXPECT_EQ(ntp_plus(base, milliseconds(-750)), NtpTime(0x00000009'c0000000));
  EXPECT_EQ(ntp_plus(base, seconds(-10)), NtpTime(0x00000000'80000000));
  for (int i = -100; i < 100; ++i) {
    const auto there = ntp_plus(base, i * nanoseconds(12'345'679));
    const auto back =
        static_cast<std::int64_t>(ntp_plus(there, -i * nanoseconds(12'345'679)).raw());
    EXPECT_NEAR(static_cast<double>(back - static_cast<std::int64_t>(base.raw())), 0, 2);
  }
}

TEST(Sender, TiesTheWallClockToTheTimestampOfNow) {
  Sender sender(Ssrc(1), kWall);
  EXPECT_FALSE(sender.has_sent());
  sender.on_sent(RtpTimestamp(1000), at(seconds(5)), k48k, 80);
  sender.on_sent(RtpTimestamp(1960), at(seconds(5) + milliseconds(20)), k48k, 70);
  const wire::SenderInfo info = sender.make_report(at(seconds(5) + milliseconds(30)));
  EXPECT_EQ(info.ssrc, Ssrc(1));
  EXPECT_EQ(info.packets, 2U);
  EXPECT_EQ(info.octets, 150U);
  EXPECT_EQ(info.rtp_timestamp, RtpTimestamp(1960 + 480));
  const auto expected = static_cast<double>(kWall.ntp(at(seconds(5) + milliseconds(30))).raw());
  EXPECT_NEAR(static_cast<double>(info.ntp.raw()), expected, 4096);
}

TEST(Sender, AnchorsAnEventAtItsBeginning) {
  Sender sender(Ssrc(1), kWall);
  for (int i = 0; i < 10; ++i) {
    sender.on_sent(RtpTimestamp(9600), at(i * milliseconds(20)), k48k, 4);
  }
  EXPECT_EQ(sender.make_report(at(milliseconds(200))).rtp_timestamp, RtpTimestamp(9600 + 9600));
}

TEST(Sender, FollowsTheOriginalSendersTimeline) {
  Sender sender(Ssrc(1), kWall);
  sender.on_sent(RtpTimestamp(0), at(seconds(9)), k48k, 80);
  sender.set_timeline(NtpTime(0x00000100'00000000), RtpTimestamp(48000), at(seconds(10)));
  const wire::SenderInfo info = sender.make_report(at(seconds(12)));
  EXPECT_EQ(info.ntp, NtpTime(0x00000102'00000000));
  EXPECT_EQ(info.rtp_timestamp, RtpTimestamp(3 * 48000));
  // What lies before the anchor is reached as well.
  EXPECT_EQ(sender.make_report(at(seconds(9))).rtp_timestamp, RtpTimestamp(0));
}

TEST(Sender, LeavesATimelineWhoseTimestampsWereOfAnotherClock) {
  Sender sender(Ssrc(1), kWall);
  sender.on_sent(RtpTimestamp(0), at(seconds(9)), k48k, 80);
  sender.set_timeline(NtpTime(0x00000100'00000000), RtpTimestamp(48000), at(seconds(10)));
  sender.on_sent(RtpTimestamp(8000), at(seconds(11)), RtpClockRate(8000), 160);
  EXPECT_EQ(sender.make_report(at(seconds(12))).rtp_timestamp, RtpTimestamp(16000));
}

TEST(Sender, MeasuresTheRoundTripOfItsOwnReports) {
  Sender sender(Ssrc(1), kWall);
  sender.on_sent(RtpTimestamp(0), at({}), k48k, 80);
  const wire::SenderInfo info = sender.make_report(at(seconds(1)));
  wire::ReportBlock block{Ssrc(1), 26, 12, 345, 67, wire::compact_ntp(info.ntp), 65536 / 2};
  sender.on_report_block(block, at(seconds(1) + milliseconds(580)));
  ASSERT_TRUE(sender.far_report());
  EXPECT_EQ(sender.far_report()->round_trips.last, milliseconds(80));
  EXPECT_EQ(sender.far_report()->fraction_lost, 26);
  EXPECT_EQ(sender.far_report()->cumulative_lost, 12);
  EXPECT_EQ(sender.far_report()->jitter_ticks, 67U);
  block.last_sr = 0;
  sender.on_report_block(block, at(seconds(3)));
  EXPECT_EQ(sender.far_report()->round_trips.last, milliseconds(80))
      << "the last one measured stays";
}

TEST(RoundTrips, KeepTheLastTheLeastTheMeanAndTheGreatest) {
  RoundTrips measured;
  for (const int each : {80, 20, 200}) measured.add(milliseconds(each));
  EXPECT_EQ(measured.count, 3U);
  EXPECT_EQ(measured.last, milliseconds(200));
  EXPECT_EQ(measured.least, milliseconds(20));
  EXPECT_EQ(measured.mean(), milliseconds(100));
  EXPECT_EQ(measured.greatest, milliseconds(200));
}

TEST(Sender, IsActiveForTwoIntervalsAfterItsLastPacket) {
  Sender sender(Ssrc(1), kWall);
  EXPECT_FALSE(sender.is_active(at({}), seconds(5)));
  sender.on_sent(RtpTimestamp(0), at(seconds(1)), k48k, 80);
  EXPECT_TRUE(sender.is_active(at(seconds(10)), seconds(5)));
  EXPECT_FALSE(sender.is_active(at(seconds(11)), seconds(5)));
}

TEST(Sender, CountsAnewUnderAnotherSsrcOnTheSameTimeline) {
  Sender sender(Ssrc(1), kWall);
  sender.on_sent(RtpTimestamp(960), at(seconds(9)), k48k, 160);
  sender.set_timeline(NtpTime(std::uint64_t{5} << 32), RtpTimestamp(960), at(seconds(9)));
  const wire::SenderInfo before = sender.make_report(at(seconds(10)));
  wire::ReportBlock block;
  block.fraction_lost = 9;
  sender.on_report_block(block, at(seconds(10)));
  sender.renew(Ssrc(1));
  EXPECT_TRUE(sender.has_sent()) << "the same again changes nothing";

  sender.renew(Ssrc(2));
  EXPECT_FALSE(sender.has_sent());
  EXPECT_FALSE(sender.far_report());
  sender.on_sent(RtpTimestamp(48960), at(seconds(10)), k48k, 80);
  const wire::SenderInfo after = sender.make_report(at(seconds(10)));
  EXPECT_EQ(after.ssrc, Ssrc(2));
  EXPECT_EQ(after.packets, 1U);
  EXPECT_EQ(after.octets, 80U);
  EXPECT_EQ(after.ntp, before.ntp);
  EXPECT_EQ(after.rtp_timestamp, before.rtp_timestamp);
}

TEST(SentReports, ForgetsAllButTheLastEight) {
  SentReports sent;
  for (unsigned i = 1; i <= 12; ++i) {
    sent.on_sent(NtpTime(std::uint64_t{i} << 16), at(seconds(i)));
  }
  EXPECT_FALSE(sent.sent_at(4));
  for (unsigned i = 5; i <= 12; ++i) EXPECT_EQ(sent.sent_at(i), at(seconds(i)));
  EXPECT_FALSE(sent.sent_at(0));
  EXPECT_FALSE(sent.sent_at(13));
}

TEST(SentReports, DoesNotBelieveAnImpossibleDelay) {
  SentReports sent;
  sent.on_sent(NtpTime(std::uint64_t{77} << 16), at(seconds(10)));
  const auto round_trip = [&](std::uint32_t delay) {
    return sent.round_trip({Ssrc(1), 0, 0, 0, 0, 77, delay}, at(seconds(11)));
  };
  EXPECT_EQ(round_trip(65536), Duration(0));
  EXPECT_EQ(round_trip(65536 + 100), Duration(0)) << "clocks differ a little";
  EXPECT_FALSE(round_trip(3 * 65536));
  EXPECT_FALSE(round_trip(0xffffffff));
}

// Two endpoints with clocks of their own: what LSR and DLSR give is the true round trip.
TEST(SentReports, FindsTheTrueRoundTripWhateverTheClocks) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 1000; ++i) {
    const Duration there = nanoseconds(random() % 300'000'000);
    const Duration held = nanoseconds(random() % 9'000'000'000);
    const Duration back = nanoseconds(random() % 300'000'000);
    const Instant sent_at = at(nanoseconds(random() % 1'000'000'000'000));
    SentReports sent;
    const NtpTime ntp(random() | (std::uint64_t{1} << 20));
    sent.on_sent(ntp, sent_at);
    const auto delay = static_cast<std::uint32_t>(held.count() * 65536 / 1'000'000'000);
    const auto measured = sent.round_trip({Ssrc(1), 0, 0, 0, 0, wire::compact_ntp(ntp), delay},
                                          sent_at + there + held + back);
    ASSERT_TRUE(measured);
    EXPECT_LE(std::abs((*measured - there - back).count()), 16'000) << "one unit of 1/65536 s";
  }
}

}  // namespace
}  // namespace causeway::rtp
