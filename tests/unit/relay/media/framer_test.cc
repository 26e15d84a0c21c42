#include "relay/media/framer.h"

#include <gtest/gtest.h>

#include <numeric>

namespace causeway::media {
namespace {

std::vector<std::int16_t> ramp(int from, std::size_t count) {
  std::vector<std::int16_t> values(count);
  std::iota(values.begin(), values.end(), static_cast<std::int16_t>(from));
  return values;
}

TEST(Framer, CarriesTenMillisecondsOverFromThirtyToTwenty) {
  Framer framer(160, 3200);
  framer.push(ramp(0, 240));
  ASSERT_TRUE(framer.has_frame());
  EXPECT_EQ(framer.front().front(), 0);
  framer.pop_frame();
  EXPECT_FALSE(framer.has_frame());
  EXPECT_EQ(framer.size(), 80U);
  framer.push(ramp(240, 240));
  EXPECT_EQ(framer.front().front(), 160);
}

TEST(Framer, KeepsOrderAndLosesNothingOverManyLengths) {
  Framer framer(160, 700);
  int pushed = 0;
  int taken = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto count = static_cast<std::size_t>(1 + (i * 37) % 250);
    framer.push(ramp(pushed, count));
    pushed = static_cast<std::int16_t>(pushed + static_cast<int>(count));
    while (framer.has_frame()) {
      for (const std::int16_t value : framer.front()) {
        ASSERT_EQ(value, static_cast<std::int16_t>(taken));
        taken = static_cast<std::int16_t>(taken + 1);
      }
      framer.pop_frame();
    }
  }
}

TEST(FramerDeathTest, RefusesMoreThanItHasRoomFor) {
  Framer framer(160, 320);
  framer.push_silence(320);
  EXPECT_DEATH(framer.push_silence(1), "room");
}

}  // namespace
}  // namespace causeway::media
