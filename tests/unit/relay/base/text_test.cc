#include "relay/base/text.h"

#include <gtest/gtest.h>

namespace causeway {
namespace {

TEST(Text, ComparesAsciiWithoutRegardToCase) {
  EXPECT_TRUE(equal_ignoring_case("OPUS", "opus"));
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_FALSE(equal_ignoring_case("opus", "opu"));
  EXPECT_FALSE(equal_ignoring_case("@", "`")) << "letters only";
  EXPECT_FALSE(equal_ignoring_case("\xc4", "\xe4")) << "no locale";
  EXPECT_EQ(to_lower("PCMU/8000 [{"), "pcmu/8000 [{");
}

}  // namespace
}  // namespace causeway
