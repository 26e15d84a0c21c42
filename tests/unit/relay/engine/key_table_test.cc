#include "relay/engine/key_table.h"

#include <gtest/gtest.h>

#include <map>

#include "relay/base/random.h"

namespace causeway::engine {
namespace {

TEST(KeyTable, FindsWhatWasPutAndNothingElse) {
  KeyTable table(4);
  EXPECT_FALSE(table.find(0));
  table.put(0, 7);
  table.put(1, 8);
  EXPECT_EQ(table.find(0), 7U);
  EXPECT_EQ(table.find(1), 8U);
  EXPECT_FALSE(table.find(2));
  table.put(0, 9);
  EXPECT_EQ(table.find(0), 9U);
  EXPECT_EQ(table.size(), 2U);
  table.remove(0);
  table.remove(5);
  EXPECT_FALSE(table.find(0));
  EXPECT_EQ(table.size(), 1U);
}

TEST(KeyTable, AHoleHidesNobodyBehindIt) {
  // 16 places: these all want the same one, and one of them runs over the end.
  KeyTable table(7);
  for (const std::uint64_t key : {14U, 30U, 46U, 15U, 62U}) {
    table.put(key, static_cast<std::uint32_t>(key));
  }
  table.remove(30);
  for (const std::uint64_t key : {14U, 46U, 15U, 62U}) EXPECT_EQ(table.find(key), key);
  table.remove(14);
  for (const std::uint64_t key : {46U, 15U, 62U}) EXPECT_EQ(table.find(key), key);
}

TEST(KeyTable, TakesAsManyAsItWasMadeFor) {
  KeyTable table(3);
  for (std::uint64_t key = 0; key < 3; ++key) table.put(key << 32, 1);
  table.put(0, 2);  // a known one needs no room
  EXPECT_DEATH(table.put(99, 1), "room");
}

TEST(KeyTable, IsAMap) {
  KeyTable table(100);
  std::map<std::uint64_t, std::uint32_t> truth;
  Random random({1, 2});
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const std::uint64_t key = random.below(150);  // unhashed: long runs
    if (random.below(2) == 0) {
      table.remove(key);
      truth.erase(key);
    } else if (truth.size() < 100 || truth.contains(key)) {
      table.put(key, i);
      truth[key] = i;
    }
    ASSERT_EQ(table.size(), truth.size());
    for (std::uint64_t each = 0; each < 150; each += 7) {
      const auto found = truth.find(each);
      ASSERT_EQ(table.find(each),
                found == truth.end() ? std::nullopt : std::optional(found->second));
    }
  }
}

}  // namespace
}  // namespace causeway::engine
