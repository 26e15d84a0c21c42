#include "relay/worker/mpsc_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <thread>
#include <vector>

namespace causeway::worker {
namespace {

TEST(MpscQueue, KeepsTheOrderOfOneWriter) {
  MpscQueue<int> queue;
  EXPECT_TRUE(queue.is_empty());
  EXPECT_EQ(queue.try_pop(), std::nullopt);
  queue.push(1);
  queue.push(2);
  EXPECT_EQ(queue.try_pop(), 1);
  queue.push(3);
  EXPECT_FALSE(queue.is_empty());
  EXPECT_EQ(queue.try_pop(), 2);
  EXPECT_EQ(queue.try_pop(), 3);
  EXPECT_TRUE(queue.is_empty());
}

/// Counts the living, so that what a queue forgets is seen.
struct Tracked {
  explicit Tracked(int& count) : living(count) { ++living; }
  Tracked(const Tracked&) = delete;
  Tracked& operator=(const Tracked&) = delete;
  ~Tracked() { --living; }
  int& living;
};

TEST(MpscQueue, FreesWhatWasNeverRead) {
  int living = 0;
  {
    MpscQueue<std::unique_ptr<Tracked>> queue;
    for (int i = 0; i < 5; ++i) queue.push(std::make_unique<Tracked>(living));
    EXPECT_NE(queue.try_pop(), std::nullopt);
    queue.push(std::make_unique<Tracked>(living));
    EXPECT_EQ(living, 5);
  }
  EXPECT_EQ(living, 0);
}

TEST(MpscQueue, LosesAndReordersNothingUnderContention) {
  constexpr std::size_t kWriters = 4;
  constexpr int kEach = 20'000;
  MpscQueue<std::unique_ptr<std::pair<std::size_t, int>>> queue;
  std::array<int, kWriters> next{};
  {
    std::vector<std::jthread> writers;
    for (std::size_t writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&queue, writer] {
        for (int i = 0; i < kEach; ++i) {
          queue.push(std::make_unique<std::pair<std::size_t, int>>(writer, i));
        }
      });
    }
    for (std::size_t read = 0; read < kWriters * kEach;) {
      const auto element = queue.try_pop();
      if (!element) {
        std::this_thread::yield();
        continue;
      }
      ++read;
      ASSERT_EQ((*element)->second, next[(*element)->first]++);
    }
  }
  EXPECT_TRUE(queue.is_empty());
}

}  // namespace
}  // namespace causeway::worker
