#include "relay/io/wake_signal.h"

#include <gtest/gtest.h>

#include <thread>

#include "relay/base/spsc_ring.h"
#include "relay/io/clock.h"

namespace causeway::io {
namespace {

using namespace std::chrono_literals;

TEST(SleepFlag, AsksForAWakeUpOnlyOfASleeperAndOnlyOnce) {
  SleepFlag flag;
  EXPECT_FALSE(flag.must_wake());
  flag.may_sleep();
  EXPECT_TRUE(flag.must_wake());
  EXPECT_FALSE(flag.must_wake());
  flag.may_sleep();
  flag.is_awake();
  EXPECT_FALSE(flag.must_wake());
}

TEST(WakeSignal, ReturnsAtOnceWhenNotifiedBeforeTheWait) {
  const auto signal = std::move(*WakeSignal::create());
  signal->may_sleep();
  signal->notify();
  const Instant before = now();
  signal->wait(10s);
  EXPECT_LT(now() - before, 5s);
}

TEST(WakeSignal, WaitsNoLongerThanItsTimeout) {
  const auto signal = std::move(*WakeSignal::create());
  signal->may_sleep();
  const Instant before = now();
  signal->wait(2ms);
  EXPECT_GE(now() - before, 2ms);
}

TEST(WakeSignal, LosesNoWakeUpBetweenTwoThreads) {
  // The reader never has a timeout: a lost wake-up would hang it, and the test's limit would end
  // it.
  constexpr int kElements = 20'000;
  const auto signal = std::move(*WakeSignal::create());
  SpscRing<int> ring(8);
  std::jthread writer([&] {
    for (int i = 0; i < kElements; ++i) {
      while (!ring.try_push(i)) std::this_thread::yield();
      signal->notify();
    }
  });
  int next = 0;
  const auto drain = [&] {
    const int before = next;
    while (const auto element = ring.try_pop()) EXPECT_EQ(*element, next++);
    return next != before;
  };
  while (next < kElements) {
    if (drain()) continue;
    signal->may_sleep();
    if (drain()) {
      signal->is_awake();
    } else {
      signal->wait(std::nullopt);
    }
  }
  EXPECT_EQ(next, kElements);
}

}  // namespace
}  // namespace causeway::io
