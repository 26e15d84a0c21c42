#include "control/cli/suggest.h"

#include <gtest/gtest.h>

namespace causeway::cli {
namespace {

TEST(Suggest, FindsTheNearestWord) {
  const std::vector<std::string> known = {"session", "describe", "report", "record", "leg"};
  EXPECT_EQ(nearest("sesion", known), "session");
  EXPECT_EQ(nearest("desribe", known), "describe");
  EXPECT_EQ(nearest("recrod", known), "record");
  EXPECT_EQ(nearest("lge", known), std::nullopt) << "two of three letters are no likeness";
  EXPECT_EQ(nearest("frobnicate", known), std::nullopt);
  EXPECT_EQ(nearest("", known), std::nullopt);
}

}  // namespace
}  // namespace causeway::cli
