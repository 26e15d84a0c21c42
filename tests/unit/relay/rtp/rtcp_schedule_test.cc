#include "relay/rtp/rtcp_schedule.h"

#include <gtest/gtest.h>

#include <random>

namespace causeway::rtp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMiddle = 0x80000000'80000000;  // a factor of one, then of one again
constexpr double kCompensation = 2.71828182845904523536 - 1.5;
const Instant kStart{seconds(100)};

double seconds_of(Duration span) { return static_cast<double>(span.count()) / 1e9; }

TEST(RtcpSchedule, WaitsHalfTheMinimumAtFirstAndTheMinimumAfterwards) {
  RtcpSchedule schedule(kStart, 400, kMiddle);
  schedule.set_members(kStart, 2, 2, true);
  EXPECT_NEAR(seconds_of(schedule.next() - kStart), 2.5 / kCompensation, 1e-6);
  const Instant first = schedule.next();
  EXPECT_TRUE(schedule.handle_timeout(first, kMiddle));
  EXPECT_NEAR(seconds_of(schedule.next() - first), 5 / kCompensation, 1e-6);
}

TEST(RtcpSchedule, DoesNothingWhenAskedTooEarly) {
  RtcpSchedule schedule(kStart, 400, kMiddle);
  const RtcpSchedule before = schedule;
  EXPECT_FALSE(schedule.handle_timeout(schedule.next() - Duration(1), kMiddle));
  EXPECT_EQ(schedule, before);
}

TEST(RtcpSchedule, ReconsidersWithAFreshDraw) {
  RtcpSchedule schedule(kStart, 400, 0);  // the shortest first wait
  const Instant due = schedule.next();
  EXPECT_FALSE(schedule.handle_timeout(due, ~std::uint64_t{0})) << "the longest draw: not yet";
  EXPECT_GT(schedule.next(), due);
  EXPECT_TRUE(schedule.handle_timeout(schedule.next(), 0));
}

TEST(RtcpSchedule, KeepsToItsBandwidthWithManyMembers) {
  RtcpSchedule schedule(kStart, 100, kMiddle);
  schedule.set_members(kStart, 101, 1, false);
  // 100 receivers share three quarters of 100 octets a second: 120 octets each.
  EXPECT_NEAR(seconds_of(schedule.deterministic_interval()), 100 * 120 / 75.0, 1e-6);
  schedule.set_members(kStart, 101, 1, true);  // the one sender has a quarter for itself
  EXPECT_NEAR(seconds_of(schedule.deterministic_interval()), 120 / 25.0, 0.3);
  schedule.set_members(kStart, 4, 4, true);  // mostly senders: they share all
  EXPECT_NEAR(seconds_of(schedule.deterministic_interval()), 4 * 120 / 100.0, 1e-6);
}

TEST(RtcpSchedule, FollowsTheSizeOfCompounds) {
  RtcpSchedule schedule(kStart, 10, kMiddle);
  schedule.set_members(kStart, 2, 2, true);
  const Duration before = schedule.deterministic_interval();
  for (int i = 0; i < 200; ++i) schedule.on_compound(480);
  EXPECT_NEAR(seconds_of(schedule.deterministic_interval()) / seconds_of(before), 4, 0.1);
}

TEST(RtcpSchedule, ComesSoonerWhenMembersLeave) {
  RtcpSchedule schedule(kStart, 100, kMiddle);
  schedule.set_members(kStart, 101, 0, false);
  ASSERT_FALSE(schedule.handle_timeout(schedule.next(), kMiddle)) << "100 members wait longer";
  const Instant far = schedule.next();
  const Instant now = kStart + seconds(10);
  schedule.set_members(now, 2, 0, false);
  EXPECT_LT(schedule.next(), now + (far - now) / 40);
}

TEST(RtcpSchedule, LetsOneFeedbackGoEarlyBetweenRegularReports) {
  RtcpSchedule schedule(kStart, 400, kMiddle);
  const Instant regular = schedule.next();
  EXPECT_TRUE(schedule.request_early(kStart + milliseconds(100)));
  EXPECT_GT(schedule.next(), regular) << "paid for by the next regular report";
  EXPECT_FALSE(schedule.request_early(kStart + milliseconds(200)));
  // What it is reconsidered from was moved too, or a long draw would not count.
  RtcpSchedule unlucky = schedule;
  EXPECT_FALSE(unlucky.handle_timeout(unlucky.next(), ~std::uint64_t{0}));
  EXPECT_TRUE(schedule.handle_timeout(schedule.next(), kMiddle));
  EXPECT_TRUE(schedule.request_early(schedule.next() - milliseconds(1)));
}

TEST(RtcpSchedule, AveragesToItsIntervalAndNeverLeavesItsBounds) {
  std::mt19937_64 random(1);
  RtcpSchedule schedule(kStart, 400, random());
  schedule.set_members(kStart, 2, 2, true);
  Instant last = kStart;
  int sent = 0;
  Instant now = kStart;
  while (sent < 2000) {
    now = schedule.next();
    if (!schedule.handle_timeout(now, random())) continue;
    const double waited = seconds_of(now - last);
    EXPECT_GE(waited, (sent == 0 ? 1.25 : 2.5) / kCompensation - 1e-6);
    EXPECT_LE(waited, 7.5 / kCompensation + 1e-6);
    last = now;
    ++sent;
  }
  // RFC 3550 6.3.1: compensated reconsideration keeps the mean close to the interval.
  EXPECT_NEAR(seconds_of(now - kStart) / sent, 5, 0.35);
}

}  // namespace
}  // namespace causeway::rtp
