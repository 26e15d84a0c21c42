#include "relay/rtp/rate_meter.h"

#include <gtest/gtest.h>

namespace causeway::rtp {
namespace {

using namespace std::chrono_literals;

TEST(RateMeter, SaysWhatTheLastWholeWindowHeld) {
  RateMeter meter;
  const Instant start{100s};
  for (int i = 0; i < 100; ++i) meter.add(125, start + i * 10ms);
  EXPECT_EQ(meter.bits_per_second(start + 999ms), 100'000U) << "no less than that already";
  EXPECT_EQ(meter.bits_per_second(start + 1s), 100'000U);
  for (int i = 0; i < 50; ++i) meter.add(125, start + 1s + i * 20ms);
  EXPECT_EQ(meter.bits_per_second(start + 1999ms), 100'000U);
  EXPECT_EQ(meter.bits_per_second(start + 2s), 50'000U);
}

TEST(RateMeter, ForgetsWhatIsOver) {
  RateMeter meter;
  const Instant start{100s};
  meter.add(1000, start);
  EXPECT_EQ(meter.bits_per_second(start + 1s), 8'000U);
  EXPECT_EQ(meter.bits_per_second(start + 10s), 0U);
  meter.add(10, start + 10s);
  EXPECT_EQ(meter.bits_per_second(start + 10s), 80U);
}

}  // namespace
}  // namespace causeway::rtp
