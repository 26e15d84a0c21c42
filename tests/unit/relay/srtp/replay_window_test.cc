#include "relay/srtp/replay_window.h"

#include <gtest/gtest.h>

#include <set>

#include "relay/base/random.h"

namespace causeway::srtp {
namespace {

TEST(ReplayWindow, TakesAnyFirstIndex) {
  const ReplayWindow<> window(64);
  EXPECT_TRUE(window.check(0));
  EXPECT_TRUE(window.check(std::uint64_t{1} << 47));
}

TEST(ReplayWindow, RefusesWhatItHasSeen) {
  ReplayWindow<> window(64);
  window.commit(1000);
  EXPECT_FALSE(window.check(1000));
  EXPECT_TRUE(window.check(999));
  window.commit(999);
  EXPECT_FALSE(window.check(999));
}

TEST(ReplayWindow, ReachesBackExactlyItsSize) {
  ReplayWindow<> window(1024);
  window.commit(5000);
  EXPECT_TRUE(window.check(5000 - 1023));
  EXPECT_FALSE(window.check(5000 - 1024));
}

TEST(ReplayWindow, CheckingChangesNothing) {
  ReplayWindow<> window(64);
  window.commit(10);
  EXPECT_TRUE(window.check(500));
  EXPECT_TRUE(window.check(9));
  EXPECT_EQ(window.newest(), 10U);
  EXPECT_TRUE(window.check(9));
}

TEST(ReplayWindow, ForgetsNothingInsideAndEverythingOutsideAfterAJump) {
  ReplayWindow<> window(64);
  window.commit(100);
  window.commit(163);
  EXPECT_FALSE(window.check(100));
  EXPECT_TRUE(window.check(101));
  window.commit(100 + 64 * 5);  // the same bits, several windows on
  EXPECT_TRUE(window.check(100 + 64 * 5 - 1));
  EXPECT_TRUE(window.check(100 + 64 * 5 - 63));
}

TEST(ReplayWindow, RestoredItHasSeenAllBefore) {
  ReplayWindow<> window(64);
  window.restore(1000);
  EXPECT_FALSE(window.check(1000));
  EXPECT_FALSE(window.check(940));
  EXPECT_TRUE(window.check(1001));
}

// The plain twin: a set of all indices ever seen.
TEST(ReplayWindow, AgreesWithASetOfAllIndices) {
  Random random({1, 2});
  ReplayWindow<> window(128);
  std::set<std::uint64_t> seen;
  std::uint64_t newest = 0;
  for (int i = 0; i < 200000; ++i) {
    const std::uint64_t base = newest > 200 ? newest - 200 : 0;
    const std::uint64_t index = base + random.below(random.below(50) == 0 ? 600 : 210);
    const bool expected =
        seen.empty() || index > newest || (newest - index < 128 && !seen.contains(index));
    ASSERT_EQ(window.check(index), expected) << index << " after " << newest;
    if (!expected || random.below(4) == 0) continue;
    window.commit(index);
    seen.insert(index);
    newest = std::max(newest, index);
  }
}

}  // namespace
}  // namespace causeway::srtp
