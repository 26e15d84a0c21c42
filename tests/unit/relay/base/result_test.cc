#include "relay/base/result.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace causeway {
namespace {

TEST(DropReason, HasADistinctLowerSnakeCaseName) {
  std::set<std::string_view> names;
  for (unsigned i = 0; i < static_cast<unsigned>(DropReason::kCount); ++i) {
    const std::string_view name = name_of(static_cast<DropReason>(i));
    EXPECT_FALSE(name.empty()) << i;
    EXPECT_TRUE(std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || c == '_';
    })) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_EQ(name_of(DropReason::Truncated), "truncated");
  EXPECT_EQ(name_of(DropReason::Late), "late");
  EXPECT_EQ(name_of(DropReason::Unsupported), "unsupported");
}

TEST(Result, CarriesAValueOrItsError) {
  const Result<int, DropReason> good = 5;
  const Result<int, DropReason> bad = failure(DropReason::Late);
  EXPECT_EQ(*good, 5);
  EXPECT_EQ(bad.error(), DropReason::Late);
}

}  // namespace
}  // namespace causeway
