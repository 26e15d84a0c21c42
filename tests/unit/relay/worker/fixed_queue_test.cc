#include "relay/worker/fixed_queue.h"

#include <gtest/gtest.h>

#include <memory>

namespace causeway::worker {
namespace {

TEST(FixedQueue, KeepsItsOrderPastTheEndOfItsRoom) {
  FixedQueue<int> queue(3);
  int next_in = 0;
  int next_out = 0;
  for (int round = 0; round < 5; ++round) {
    while (!queue.full()) queue.push(next_in++);
    EXPECT_EQ(queue.back(), next_in - 1);
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(queue.front(), next_out++);
      queue.pop();
    }
    EXPECT_EQ(queue.size(), 1U);
  }
}

TEST(FixedQueue, LetsGoOfWhatIsPopped) {
  FixedQueue<std::shared_ptr<int>> queue(2);
  const auto element = std::make_shared<int>(1);
  queue.push(element);
  queue.pop();
  EXPECT_EQ(element.use_count(), 1);
  EXPECT_TRUE(queue.empty());
}

TEST(FixedQueueDeathTest, RefusesMoreThanItsRoom) {
  FixedQueue<int> queue(1);
  queue.push(1);
  EXPECT_DEATH(queue.push(2), "a fixed queue is full");
}

}  // namespace
}  // namespace causeway::worker
