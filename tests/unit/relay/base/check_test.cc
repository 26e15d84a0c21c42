#include "relay/base/check.h"

#include <gtest/gtest.h>

namespace causeway {
namespace {

TEST(CheckDeathTest, EndsTheProcessAndSaysWhy) {
  EXPECT_DEATH(CAUSEWAY_CHECK(1 == 2, "one is not two"), "one is not two");
}

TEST(Check, EvaluatesItsConditionOnce) {
  int evaluated = 0;
  CAUSEWAY_CHECK(++evaluated == 1, "counted");
  EXPECT_EQ(evaluated, 1);
}

}  // namespace
}  // namespace causeway
