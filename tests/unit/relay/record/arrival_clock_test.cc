#include "relay/record/arrival_clock.h"

#include <gtest/gtest.h>

#include <chrono>

#include "relay/base/random.h"

namespace causeway::record {
namespace {

using namespace std::chrono_literals;

constexpr Instant kZero{std::chrono::hours(1)};

Duration error_at(const ArrivalClock& clock, std::int64_t ticks, Instant truth) {
  const Duration error = clock.at(ticks) - truth;
  return error < Duration{} ? -error : error;
}

TEST(ArrivalClock, TakesTheLeastDelayedPacketForItsZero) {
  ArrivalClock clock(RtpClockRate{8000});
  clock.add(0, kZero + 30ms);
  clock.add(160, kZero + 20ms);
  clock.add(320, kZero + 95ms);
  EXPECT_EQ(clock.at(0), kZero);
  EXPECT_EQ(clock.at(320), kZero + 40ms);
  EXPECT_EQ(clock.drift_ppb(), 0);
}

TEST(ArrivalClock, ForgetsWhatIsOlderThanHalfAMinute) {
  ArrivalClock clock(RtpClockRate{8000});
  clock.add(0, kZero);
  // From then on, every packet waits 50 ms longer: another way through the network.
  for (std::int64_t n = 1; n < 50 * 40; ++n) clock.add(n * 160, kZero + n * 20ms + 50ms);
  EXPECT_LE(error_at(clock, 50 * 40 * 160, kZero + 40s + 50ms), 100us);
}

TEST(ArrivalClock, KnowsADriftAndSaysWhereItLeads) {
  for (const std::int64_t ppm : {-200, -20, 50, 200}) {
    ArrivalClock clock(RtpClockRate{48'000});
    for (std::int64_t n = 0; n < 50 * 20; ++n) {
      clock.add(n * 960, kZero + n * (20ms + Duration(20 * ppm)));
    }
    EXPECT_NEAR(static_cast<double>(clock.drift_ppb()), static_cast<double>(ppm) * 1000, 500);
    EXPECT_LE(error_at(clock, 50 * 20 * 960, kZero + 20s + Duration(20'000 * ppm)), 20us);
  }
}

TEST(ArrivalClock, IsNotLedAstrayByJitter) {
  Random random({1, 1});
  ArrivalClock clock(RtpClockRate{8000});
  Duration worst{};
  for (std::int64_t n = 0; n < 50 * 120; ++n) {
    clock.add(n * 160, kZero + n * 20ms + Duration(random.below(60'000'000)));
    if (n > 50 * 10) worst = std::max(worst, error_at(clock, n * 160, kZero + n * 20ms));
  }
  EXPECT_LE(worst, 1ms);
}

TEST(ArrivalClock, BelievesNoCrystalThatBad) {
  // After a silence, the first packet waited 80 ms: that is no drift of 2 percent.
  ArrivalClock clock(RtpClockRate{8000});
  for (std::int64_t n = 0; n < 10; ++n) clock.add(n * 160, kZero + n * 20ms);
  clock.add(4 * 8000, kZero + 4s + 80ms);
  EXPECT_LE(error_at(clock, 4 * 8000, kZero + 4s), 1200us);
  EXPECT_EQ(clock.drift_ppb(), 300'000);
}

TEST(ArrivalClock, TakesReorderedAndVeryOldPacketsWithoutHarm) {
  ArrivalClock clock(RtpClockRate{8000});
  for (std::int64_t n = 0; n < 50 * 100; ++n) {
    if (n % 7 == 3) continue;
    clock.add(n * 160, kZero + n * 20ms);
    if (n % 7 == 6) clock.add((n - 3) * 160, kZero + n * 20ms + 1ms);
  }
  clock.add(160, kZero + 100s);
  clock.add(-8000 * 1000, kZero + 100s);
  EXPECT_LE(error_at(clock, 50 * 100 * 160, kZero + 100s), 1us);
}

TEST(ArrivalClock, WorksForDays) {
  ArrivalClock clock(RtpClockRate{48'000});
  for (std::int64_t hour = 0; hour < 24 * 10; ++hour) {
    clock.add(hour * 3600 * 48'000, kZero + std::chrono::hours(hour));
  }
  EXPECT_EQ(clock.at(24LL * 10 * 3600 * 48'000), kZero + std::chrono::hours(240));
}

}  // namespace
}  // namespace causeway::record
