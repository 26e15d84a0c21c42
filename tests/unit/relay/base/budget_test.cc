#include "relay/base/budget.h"

#include <gtest/gtest.h>

namespace causeway {
namespace {

using namespace std::chrono_literals;

TEST(Budget, GivesItsBurstAndThenOneEachInterval) {
  Instant now{1h};
  Budget budget(3, 10ms);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(now));
  EXPECT_FALSE(budget.take(now));
  EXPECT_FALSE(budget.take(now + 9ms));
  EXPECT_TRUE(budget.take(now + 10ms));
  EXPECT_FALSE(budget.take(now + 19ms));
  EXPECT_TRUE(budget.take(now + 20ms));
  now += 1h;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(now));
  EXPECT_FALSE(budget.take(now));
}

}  // namespace
}  // namespace causeway
