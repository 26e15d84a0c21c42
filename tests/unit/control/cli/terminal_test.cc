#include "control/cli/terminal.h"

#include <gtest/gtest.h>

namespace causeway::cli {
namespace {

TEST(Visible, LeavesTextAloneAndDisarmsWhatATerminalWouldObey) {
  EXPECT_EQ(visible("caf\u00e9 \u4e2d"), "caf\u00e9 \u4e2d");
  EXPECT_EQ(visible("\x1b[2Jx\r\n"), "\\x1b[2Jx\\x0d\\x0a");
  EXPECT_EQ(visible("\x7f\xc2\x9b"), "\\x7f\\x9b") << "DEL, and CSI as one C1 character";
  EXPECT_EQ(visible("a\u202eb"), "a\\u202eb") << "right-to-left override";
  EXPECT_EQ(visible_lines("a\n\x07"), "a\n\\x07");
}

TEST(Visible, OctetsThatAreNoUtf8AreNumbers) {
  EXPECT_EQ(visible("\xff"), "\\xff");
  EXPECT_EQ(visible("\xc3"), "\\xc3") << "cut off";
  EXPECT_EQ(visible("\xe2\x28\xa1"), "\\xe2(\\xa1");
  EXPECT_EQ(visible("\xc0\x9b"), "\\xc0\\x9b") << "overlong";
  EXPECT_EQ(visible("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
}

TEST(Columns, CountsWhatATerminalTakes) {
  EXPECT_EQ(columns("abc"), 3U);
  EXPECT_EQ(columns("e\u0301"), 1U) << "a mark that combines";
  EXPECT_EQ(columns("\u4e2d\u6587"), 4U);
  EXPECT_EQ(fit("abcdef", 6), "abcdef");
  EXPECT_EQ(fit("abcdef", 4), "abc~");
  EXPECT_EQ(fit("\u4e2d\u6587\u4e2d", 4), "\u4e2d~") << "half a letter is none";
  EXPECT_EQ(fit("abc", 0), "");
  EXPECT_EQ(pad_left("\u4e2d", 4), "  \u4e2d");
  EXPECT_EQ(pad_right("ab", 4), "ab  ");
  EXPECT_EQ(pad_right("abcdef", 4), "abcdef");
}

TEST(Color, FollowsTheOptionThenNoColorThenTheTerminal) {
  EXPECT_TRUE(uses_color(ColorChoice::Auto, true, nullptr));
  EXPECT_TRUE(uses_color(ColorChoice::Auto, true, "")) << "empty is not set";
  EXPECT_FALSE(uses_color(ColorChoice::Auto, true, "1"));
  EXPECT_FALSE(uses_color(ColorChoice::Auto, false, nullptr));
  EXPECT_TRUE(uses_color(ColorChoice::Always, false, "1"));
  EXPECT_FALSE(uses_color(ColorChoice::Never, true, nullptr));
  EXPECT_EQ(marked("x", Mark::Red, false), "x");
  EXPECT_EQ(marked("x", Mark::Red, true), "\x1b[31mx\x1b[0m");
}

}  // namespace
}  // namespace causeway::cli
