#include "relay/media/arrival_clock.h"

#include <gtest/gtest.h>

namespace causeway::media {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr RtpClockRate kClock{8000};

Instant at(Duration since) { return Instant(seconds(50)) + since; }
RtpTimestamp stamp(int packet) { return RtpTimestamp(0xffffff00).plus(160 * packet); }

TEST(ArrivalClock, ExpectsTheNextPacketOnePacketAfterTheLast) {
  ArrivalClock clock;
  clock.restart(stamp(0), at(milliseconds(0)), kClock);
  for (int i = 0; i < 100; ++i) clock.observe(stamp(i), at(milliseconds(20 * i)));
  EXPECT_EQ(clock.expected(stamp(100)), at(milliseconds(2000)));
}

TEST(ArrivalClock, GoesByTheFastestPacketNotByTheLast) {
  ArrivalClock clock;
  clock.restart(stamp(0), at(milliseconds(7)), kClock);
  clock.observe(stamp(1), at(milliseconds(20)));
  clock.observe(stamp(2), at(milliseconds(55)));
  EXPECT_EQ(clock.expected(stamp(3)), at(milliseconds(60)));
}

TEST(ArrivalClock, AllowsForTheJitterThatIsSeenAndForgetsIt) {
  ArrivalClock clock;
  clock.restart(stamp(0), at(milliseconds(0)), kClock);
  EXPECT_EQ(clock.allowance(), ArrivalClock::kFirstAllowance);
  for (int i = 1; i < 400; ++i) clock.observe(stamp(i), at(milliseconds(20 * i)));
  EXPECT_EQ(clock.allowance(), ArrivalClock::kLeastAllowance);
  clock.observe(stamp(400), at(milliseconds(20 * 400 + 45)));
  for (int i = 401; i < 500; ++i) {
    clock.observe(stamp(i), at(milliseconds(20 * i)));
    EXPECT_EQ(clock.allowance(), milliseconds(45)) << "for 2 s at least";
  }
  for (int i = 500; i < 610; ++i) clock.observe(stamp(i), at(milliseconds(20 * i)));
  EXPECT_EQ(clock.allowance(), ArrivalClock::kLeastAllowance) << "for 4 s at most";
}

TEST(ArrivalClock, LearnsFromTheFirstBurstHowLateTheNextWillBe) {
  ArrivalClock clock;
  clock.restart(stamp(0), at(milliseconds(0)), kClock);
  for (int i = 1; i < 12; ++i) clock.observe(stamp(i), at(milliseconds(0)));
  EXPECT_EQ(clock.expected(stamp(12)) + clock.allowance(), at(milliseconds(240)));
}

TEST(ArrivalClock, TakesNoSpikeForJitter) {
  ArrivalClock clock;
  clock.restart(stamp(0), at(milliseconds(0)), kClock);
  clock.observe(stamp(1), at(milliseconds(900)));
  EXPECT_EQ(clock.allowance(), ArrivalClock::kMostAllowance);
}

TEST(ArrivalClock, FollowsAWayThatBecameLongerWithinFourSeconds) {
  ArrivalClock clock;
  clock.restart(stamp(0), at(milliseconds(0)), kClock);
  for (int i = 0; i < 100; ++i) clock.observe(stamp(i), at(milliseconds(20 * i)));
  for (int i = 100; i < 310; ++i) clock.observe(stamp(i), at(milliseconds(20 * i + 150)));
  EXPECT_EQ(clock.expected(stamp(310)), at(milliseconds(20 * 310 + 150)));
}

TEST(ArrivalClock, FollowsASlowSenderForHoursAcrossWraps) {
  ArrivalClock clock;
  clock.restart(stamp(0), at(milliseconds(0)), kClock);
  // 100 ppm slow, 20 ms packets, 8 h: 2.88 s of drift, and the timestamp does not wrap the sum.
  Duration now{};
  for (int i = 0; i < 8 * 3600 * 50; ++i) {
    now = Duration(20'002'000LL * i);
    clock.observe(stamp(i), at(now));
  }
  const Duration error = at(now) - clock.expected(stamp(8 * 3600 * 50 - 1));
  EXPECT_LT(error, milliseconds(1));
}

}  // namespace
}  // namespace causeway::media
