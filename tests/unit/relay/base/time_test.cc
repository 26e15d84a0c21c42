#include "relay/base/time.h"

#include <gtest/gtest.h>

#include <random>

namespace causeway {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr RtpClockRate k8k{8000};
constexpr RtpClockRate k48k{48000};
constexpr RtpClockRate k90k{90000};

template <typename Clock>
concept TellsTheTime = requires {
  Clock::now();
};
static_assert(!TellsTheTime<RelayClock>, "nothing in the core can ask for the time");

TEST(WallClock, GivesNtpTimeSince1900) {
  // 2000-01-01T00:00:00Z is Unix time 946684800.
  const WallClock wall(seconds(946'684'800));
  EXPECT_EQ(wall.ntp(Instant()), NtpTime(std::uint64_t{3'155'673'600} << 32));
  EXPECT_EQ(wall.ntp(Instant(milliseconds(1500))),
            NtpTime((std::uint64_t{3'155'673'601} << 32) | 0x80000000));
  EXPECT_EQ(wall.ntp(Instant(milliseconds(250))).raw() & 0xffffffff, 0x40000000U);
  EXPECT_EQ(wall.unix_time(Instant(seconds(5))), seconds(946'684'805));
}

TEST(WallClock, NeverRunsBackwardsAndKeepsFractionsBelowASecond) {
  const WallClock wall(seconds(1'700'000'000) + nanoseconds(999'999'990));
  std::uint64_t last = 0;
  for (int ns = 0; ns < 100; ++ns) {
    const std::uint64_t now = wall.ntp(Instant(nanoseconds(ns))).raw();
    EXPECT_GT(now, last);
    last = now;
  }
  EXPECT_EQ(wall.ntp(Instant(nanoseconds(10))).raw(),
            std::uint64_t{1'700'000'001 + 2'208'988'800} << 32);
}

TEST(Ticks, BecomeTimeAndBack) {
  EXPECT_EQ(ticks_to_duration(160, k8k), milliseconds(20));
  EXPECT_EQ(ticks_to_duration(960, k48k), milliseconds(20));
  EXPECT_EQ(ticks_to_duration(1, k48k), nanoseconds(20833));
  EXPECT_EQ(ticks_to_duration(-1, k48k), nanoseconds(-20833));
  EXPECT_EQ(duration_to_ticks(milliseconds(20), k48k), 960);
  EXPECT_EQ(duration_to_ticks(milliseconds(-20), k8k), -160);
}

TEST(Ticks, AreTheNearestOnes) {
  EXPECT_EQ(duration_to_ticks(nanoseconds(62'499), k8k), 0);
  EXPECT_EQ(duration_to_ticks(nanoseconds(62'500), k8k), 1);
  EXPECT_EQ(duration_to_ticks(nanoseconds(-62'499), k8k), 0);
  EXPECT_EQ(duration_to_ticks(nanoseconds(-62'500), k8k), -1);
}

TEST(Ticks, SurviveTheWholeRangeOfTimestampsAndLongCalls) {
  std::mt19937_64 random(8);
  for (const RtpClockRate rate : {k8k, k48k, k90k}) {
    for (int i = 0; i < 10'000; ++i) {
      const auto ticks = static_cast<std::int64_t>(static_cast<std::int32_t>(random()));
      EXPECT_EQ(duration_to_ticks(ticks_to_duration(ticks, rate), rate), ticks);
    }
    EXPECT_EQ(duration_to_ticks(hours(24 * 365), rate), std::int64_t{24 * 365 * 3600} * rate.raw());
    EXPECT_EQ(ticks_to_duration(std::int64_t{24 * 365 * 3600} * rate.raw(), rate), hours(24 * 365));
  }
}

}  // namespace
}  // namespace causeway
