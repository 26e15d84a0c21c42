#include "codecs/level.h"

#include <gtest/gtest.h>

#include "tests/unit/codecs/signals.h"

namespace causeway::codecs {
namespace {

TEST(Level, MeasuresBelowOverload) {
  EXPECT_EQ(level_below_overload(Samples(160, 32'767)), 0);
  EXPECT_EQ(level_below_overload(Samples(160, -32'768)), 0);
  EXPECT_EQ(level_below_overload(tone(1000, SampleRate(8000), 800, 32'767)), 3);
  EXPECT_EQ(level_below_overload(tone(1000, SampleRate(8000), 800, 3'276.7)), 23);
}

TEST(Level, SilenceIs127) {
  EXPECT_EQ(level_below_overload(Samples(160)), 127);
  EXPECT_EQ(level_below_overload({}), 127);
  EXPECT_EQ(level_below_overload(Samples(160, 1)), 90);
}

TEST(Level, AmplitudeIsTheInverse) {
  EXPECT_EQ(amplitude_of_level(127), 0.0F);
  EXPECT_NEAR(amplitude_of_level(0), 32'767, 1);
  for (int level = 0; level < 60; ++level) {
    const auto amplitude =
        static_cast<std::int16_t>(amplitude_of_level(static_cast<std::uint8_t>(level)));
    EXPECT_EQ(level_below_overload(Samples(160, amplitude)), level);
  }
}

}  // namespace
}  // namespace causeway::codecs
