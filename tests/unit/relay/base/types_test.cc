#include "relay/base/types.h"

#include <gtest/gtest.h>

namespace causeway {
namespace {

template <typename T>
concept Ordered = requires(T a, T b) {
  a < b;
};
static_assert(!Ordered<SeqNum>, "what wraps has no order");
static_assert(!Ordered<RtpTimestamp>);

TEST(SeqNum, HasADistanceAcrossItsWrap) {
  EXPECT_EQ(SeqNum(0).distance_from(SeqNum(65535)), 1);
  EXPECT_EQ(SeqNum(65535).distance_from(SeqNum(0)), -1);
  EXPECT_EQ(SeqNum(32767).distance_from(SeqNum(0)), 32767);
  EXPECT_EQ(SeqNum(32768).distance_from(SeqNum(0)), -32768);
  EXPECT_EQ(SeqNum(5).distance_from(SeqNum(5)), 0);
}

TEST(SeqNum, StepsForthAndBackAcrossItsWrap) {
  EXPECT_EQ(SeqNum(65535).plus(1), SeqNum(0));
  EXPECT_EQ(SeqNum(0).plus(-1), SeqNum(65535));
  for (int raw = 0; raw < 65536; raw += 97) {
    for (const int step : {-32768, -3000, -1, 0, 1, 100, 32767}) {
      const SeqNum from(static_cast<std::uint16_t>(raw));
      EXPECT_EQ(from.plus(step).distance_from(from), step);
    }
  }
}

TEST(RtpTimestamp, HasADistanceAcrossItsWrap) {
  EXPECT_EQ(RtpTimestamp(100).distance_from(RtpTimestamp(0xffffffff)), 101);
  EXPECT_EQ(RtpTimestamp(0xffffffff).distance_from(RtpTimestamp(100)), -101);
  EXPECT_EQ(RtpTimestamp(0xfffffff0).plus(160), RtpTimestamp(0x90));
  EXPECT_EQ(RtpTimestamp(0x90).plus(-160), RtpTimestamp(0xfffffff0));
  EXPECT_EQ(RtpTimestamp(7).plus(std::int64_t{1} << 32), RtpTimestamp(7));
}

}  // namespace
}  // namespace causeway
