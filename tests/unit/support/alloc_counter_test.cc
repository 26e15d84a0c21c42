#include "tests/unit/support/alloc_counter.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

namespace causeway::test_support {
namespace {

// Keeps the compiler from leaving an allocation out.
void* volatile kept;

class AllocCounter : public testing::Test {
 protected:
  void SetUp() override {
    if (!can_count_allocations()) GTEST_SKIP() << "this build's malloc cannot be counted";
  }
};

TEST_F(AllocCounter, SeesMallocAndItsRelatives) {
  const AllocationScope scope;
  kept = std::malloc(10);
  kept = std::realloc(kept, 10'000);
  std::free(kept);
  EXPECT_EQ(scope.allocations(), 2U);
  kept = std::calloc(3, 7);
  std::free(kept);
  EXPECT_EQ(scope.allocations(), 3U);
  EXPECT_GE(scope.frees(), 2U);
}

TEST_F(AllocCounter, SeesAlignedForms) {
  if (!can_count_aligned_allocations()) GTEST_SKIP() << "this sanitizer's hooks pass them over";
  const AllocationScope scope;
  kept = std::aligned_alloc(64, 128);
  std::free(kept);
  void* block = nullptr;
  ASSERT_EQ(posix_memalign(&block, 64, 128), 0);
  std::free(block);
  EXPECT_EQ(scope.allocations(), 2U);
}

TEST_F(AllocCounter, SeesOperatorNewAndContainers) {
  const AllocationScope scope;
  auto one = std::make_unique<int>(1);
  kept = one.get();
  EXPECT_EQ(scope.allocations(), 1U);
  std::vector<int> many(100);
  kept = many.data();
  EXPECT_EQ(scope.allocations(), 2U);
}

TEST_F(AllocCounter, CountsEachThreadApart) {
  std::uint64_t there = 0;
  const AllocationScope scope;
  std::thread thread([&there] {
    const AllocationScope inner;
    for (int i = 0; i < 50; ++i) {
      kept = std::malloc(8);
      std::free(kept);
    }
    there = inner.allocations();
  });
  thread.join();
  EXPECT_EQ(there, 50U);
  EXPECT_LT(scope.allocations(), 50U);  // Those of making a thread.
}

TEST_F(AllocCounter, StaysStillWhereNothingAllocates) {
  const AllocationScope scope;
  int sum = 0;
  for (int i = 0; i < 1000; ++i) sum += i;
  EXPECT_EQ(scope.allocations(), 0U);
  EXPECT_EQ(sum, 499'500);
}

}  // namespace
}  // namespace causeway::test_support
