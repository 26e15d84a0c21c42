#include "relay/base/payload_type_map.h"

#include <gtest/gtest.h>

namespace causeway {
namespace {

TEST(PayloadTypeMap, ATypeThatWasNotSetHasTheDefault) {
  PayloadTypeMap<int> map;
  map.set(PayloadType(8), 80);
  EXPECT_EQ(map[PayloadType(0)], 0);
  EXPECT_EQ(map[PayloadType(8)], 80);
  EXPECT_EQ(map[PayloadType(127)], 0);
}

TEST(PayloadTypeMap, HoldsADifferentValueForEveryType) {
  PayloadTypeMap<int> map;
  for (std::uint8_t type = 0; type < 128; ++type) map.set(PayloadType(type), 1000 + type);
  for (std::uint8_t type = 0; type < 128; ++type) EXPECT_EQ(map[PayloadType(type)], 1000 + type);
}

TEST(PayloadTypeMap, SettingOneTypeAnewLeavesThoseThatSharedItsValue) {
  PayloadTypeMap<int> map;
  map.set(PayloadType(96), 7);
  map.set(PayloadType(97), 7);
  map.set(PayloadType(96), 9);
  EXPECT_EQ(map[PayloadType(96)], 9);
  EXPECT_EQ(map[PayloadType(97)], 7);
}

TEST(PayloadTypeMap, AsksOnlyForValuesThatATypeHasNow) {
  PayloadTypeMap<int> map;
  const auto is_seven = [](int value) { return value == 7; };
  EXPECT_FALSE(map.any_of(is_seven));
  map.set(PayloadType(96), 7);
  EXPECT_TRUE(map.any_of(is_seven));
  map.set(PayloadType(96), 9);
  EXPECT_FALSE(map.any_of(is_seven));
}

}  // namespace
}  // namespace causeway
