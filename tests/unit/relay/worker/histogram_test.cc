#include "relay/worker/histogram.h"

#include <gtest/gtest.h>

#include <thread>

namespace causeway::worker {
namespace {

using namespace std::chrono_literals;

TEST(DurationHistogram, PutsEachValueInABucketThatEndsAtMostAnEighthAbove) {
  for (std::uint64_t ns = 0; ns < 1U << 20; ns = ns < 64 ? ns + 1 : ns + ns / 50) {
    const unsigned bucket = DurationHistogram::bucket_of(ns);
    const auto bound = static_cast<std::uint64_t>(DurationHistogram::upper_bound(bucket).count());
    EXPECT_GE(bound, ns);
    EXPECT_LE(bound, ns + ns / 8);
    if (bucket > 0) {
      EXPECT_LT(DurationHistogram::upper_bound(bucket - 1).count(), static_cast<std::int64_t>(ns));
    }
  }
}

TEST(DurationHistogram, TellsQuantiles) {
  DurationHistogram histogram;
  for (int i = 0; i < 990; ++i) histogram.add(10us);
  for (int i = 0; i < 10; ++i) histogram.add(5ms);
  const auto seen = histogram.snapshot();
  EXPECT_EQ(seen.total, 1000U);
  EXPECT_GE(seen.quantile(0.5), 10us);
  EXPECT_LE(seen.quantile(0.99), 10us * 9 / 8);
  EXPECT_GE(seen.quantile(0.995), 5ms);
  EXPECT_EQ(seen.quantile(1), 5ms);
  EXPECT_EQ(seen.max, 5ms);
}

TEST(DurationHistogram, IsZeroWithoutReadings) {
  EXPECT_EQ(DurationHistogram().snapshot().quantile(0.99), 0ns);
}

TEST(DurationHistogram, TakesExtremes) {
  DurationHistogram histogram;
  histogram.add(-5ns);
  histogram.add(24h);
  const auto seen = histogram.snapshot();
  EXPECT_EQ(seen.quantile(0.5), 0ns);
  EXPECT_EQ(seen.max, 24h);
  EXPECT_EQ(seen.total, 2U);
}

TEST(DurationHistogram, IsReadWhileItIsWritten) {
  DurationHistogram histogram;
  std::jthread writer([&] {
    for (int i = 0; i < 50'000; ++i) histogram.add(Duration(i));
  });
  std::uint64_t last = 0;
  while (last < 50'000) {
    const auto seen = histogram.snapshot();
    ASSERT_GE(seen.total, last);
    last = seen.total;
  }
}

}  // namespace
}  // namespace causeway::worker
