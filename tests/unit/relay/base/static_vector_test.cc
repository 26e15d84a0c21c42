#include "relay/base/static_vector.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace causeway {
namespace {

TEST(StaticVector, GrowsToItsCapacityAndNoFurther) {
  StaticVector<int, 3> vector;
  EXPECT_TRUE(vector.empty());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(vector.push_back(i), i);
  EXPECT_TRUE(vector.full());
  EXPECT_EQ(vector.size(), vector.capacity());
  EXPECT_EQ(std::vector<int>(vector.begin(), vector.end()), (std::vector{0, 1, 2}));
  EXPECT_DEATH(vector.push_back(4), "full");
}

TEST(StaticVector, TakesTheLastElementIntoAGap) {
  StaticVector<int, 4> vector{1, 2, 3, 4};
  vector.erase_unordered(1);
  EXPECT_EQ(std::vector<int>(vector.begin(), vector.end()), (std::vector{1, 4, 3}));
  vector.erase_unordered(2);
  EXPECT_EQ(std::vector<int>(vector.begin(), vector.end()), (std::vector{1, 4}));
}

TEST(StaticVector, LetsGoOfWhatItRemoves) {
  auto counted = std::make_shared<int>(0);
  StaticVector<std::shared_ptr<int>, 4> vector;
  for (int i = 0; i < 3; ++i) vector.push_back(counted);
  vector.erase_unordered(2);
  EXPECT_EQ(counted.use_count(), 3);
  vector.erase_unordered(0);
  EXPECT_EQ(counted.use_count(), 2);
  vector.clear();
  EXPECT_EQ(counted.use_count(), 1);
}

}  // namespace
}  // namespace causeway
