#include "relay/io/clock.h"

#include <gtest/gtest.h>

namespace causeway::io {
namespace {

using namespace std::chrono_literals;

constexpr Duration kOffset = 1'700'000'000s;
const Instant kStart{100s};

/// A clock in its second batch at `kStart`, both with the same offset.
ArrivalClock settled_clock() {
  ArrivalClock clock;
  clock.begin_batch(kStart - 20ms, kOffset);
  clock.begin_batch(kStart, kOffset);
  return clock;
}

TEST(Clock, NeverGoesBack) {
  Instant last = now();
  for (int i = 0; i < 1000; ++i) {
    const Instant next = now();
    EXPECT_LE(last, next);
    last = next;
  }
}

TEST(Clock, WallClockAgreesWithTheSystems) {
  const WallClock wall = read_wall_clock();
  const Duration system = std::chrono::system_clock::now().time_since_epoch();
  EXPECT_LT(std::chrono::abs(wall.unix_time(now()) - system), 1s);
}

TEST(ArrivalClock, MovesAKernelStampToTheRelaysClock) {
  EXPECT_EQ(settled_clock().arrival(kOffset + kStart.time_since_epoch() - 3ms), kStart - 3ms);
}

TEST(ArrivalClock, TrustsItsVeryFirstBatch) {
  ArrivalClock clock;
  clock.begin_batch(kStart, kOffset);
  EXPECT_EQ(clock.arrival(kOffset + kStart.time_since_epoch() - 3ms), kStart - 3ms);
}

TEST(ArrivalClock, NeverSaysThatAPacketArrivesLater) {
  EXPECT_EQ(settled_clock().arrival(kOffset + kStart.time_since_epoch() + 1ns), kStart);
}

TEST(ArrivalClock, FallsBackForStampsOlderThanASecond) {
  const Duration stamp = kOffset + kStart.time_since_epoch();
  EXPECT_EQ(settled_clock().arrival(stamp - 1s), kStart - 1s);
  EXPECT_EQ(settled_clock().arrival(stamp - 1s - 1ns), kStart);
}

TEST(ArrivalClock, FallsBackForTheBatchThatSeesTheWallClockStep) {
  ArrivalClock clock = settled_clock();
  clock.begin_batch(kStart + 20ms, kOffset + 500ms);
  // Stamped before the step; by the new offset it would seem to be half a second old.
  EXPECT_EQ(clock.arrival(kOffset + kStart.time_since_epoch() + 15ms), kStart + 20ms);
}

TEST(ArrivalClock, FollowsTheSteppedWallClockFromTheNextBatch) {
  ArrivalClock clock = settled_clock();
  clock.begin_batch(kStart + 20ms, kOffset - 1h);
  clock.begin_batch(kStart + 40ms, kOffset - 1h);
  EXPECT_EQ(clock.arrival(kOffset - 1h + kStart.time_since_epoch() + 35ms), kStart + 35ms);
}

TEST(ArrivalClock, TakesSmallDifferencesOfTheOffsetForNoise) {
  ArrivalClock clock = settled_clock();
  clock.begin_batch(kStart + 20ms, kOffset + 200us);
  EXPECT_EQ(clock.arrival(kOffset + 200us + kStart.time_since_epoch()), kStart);
}

}  // namespace
}  // namespace causeway::io
