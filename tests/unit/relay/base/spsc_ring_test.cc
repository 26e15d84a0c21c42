#include "relay/base/spsc_ring.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>
#include <thread>

namespace causeway {
namespace {

TEST(SpscRing, HandsElementsOverInOrder) {
  SpscRing<int> ring(4);
  EXPECT_FALSE(ring.try_pop());
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(ring.try_push(i));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ring.try_pop(), i);
  EXPECT_FALSE(ring.try_pop());
}

TEST(SpscRing, RoundsItsSizeUp) {
  EXPECT_EQ(SpscRing<int>(1).capacity(), 1U);
  EXPECT_EQ(SpscRing<int>(5).capacity(), 8U);
}

TEST(SpscRing, LeavesAnElementAloneThatItHasNoRoomFor) {
  SpscRing<std::unique_ptr<int>> ring(1);
  EXPECT_TRUE(ring.try_push(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  EXPECT_FALSE(ring.try_push(second));
  ASSERT_TRUE(second);
  EXPECT_EQ(**ring.try_pop(), 1);
  EXPECT_TRUE(ring.try_push(second));
  EXPECT_FALSE(second);
}

TEST(SpscRing, FreesWhatIsStillInsideWhenItEnds) {
  auto counted = std::make_shared<int>(0);
  {
    SpscRing<std::shared_ptr<int>> ring(4);
    EXPECT_TRUE(ring.try_push(std::shared_ptr<int>(counted)));
    EXPECT_EQ(counted.use_count(), 2);
  }
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(SpscRing, KeepsNoElementThatWasPopped) {
  auto counted = std::make_shared<int>(0);
  SpscRing<std::shared_ptr<int>> ring(4);
  EXPECT_TRUE(ring.try_push(std::shared_ptr<int>(counted)));
  (void)ring.try_pop();
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(SpscRing, TellsTheProducerItsRoom) {
  SpscRing<int> ring(4);
  EXPECT_EQ(ring.free_for_producer(), 4U);
  (void)ring.try_push(1);
  (void)ring.try_push(2);
  EXPECT_EQ(ring.free_for_producer(), 2U);
  (void)ring.try_pop();
  EXPECT_EQ(ring.free_for_producer(), 3U);
}

TEST(SpscRing, AgreesWithAPlainQueue) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    SpscRing<int> ring(8);
    std::deque<int> model;
    for (int i = 0; i < 10'000; ++i) {
      if (random() % 2 == 0) {
        const bool is_pushed = ring.try_push(i);
        ASSERT_EQ(is_pushed, model.size() < 8);
        if (is_pushed) model.push_back(i);
      } else {
        const auto popped = ring.try_pop();
        ASSERT_EQ(popped.has_value(), !model.empty());
        if (!popped) continue;
        ASSERT_EQ(*popped, model.front());
        model.pop_front();
      }
    }
  }
}

TEST(SpscRing, CarriesEveryElementBetweenTwoThreads) {
  constexpr int kElements = 500'000;
  SpscRing<std::unique_ptr<int>> ring(64);
  std::thread producer([&ring] {
    for (int i = 0; i < kElements; ++i) {
      auto element = std::make_unique<int>(i);
      while (!ring.try_push(element)) std::this_thread::yield();
    }
  });
  int wrong = 0;
  for (int i = 0; i < kElements;) {
    const auto element = ring.try_pop();
    if (!element) {
      std::this_thread::yield();
      continue;
    }
    wrong += **element == i ? 0 : 1;
    ++i;
  }
  producer.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_FALSE(ring.try_pop());
}

}  // namespace
}  // namespace causeway
