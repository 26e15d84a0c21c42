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

TEST(LevelMeter, SaysNothingBeforeThereWasSound) {
  LevelMeter meter;
  meter.add({}, SampleRate(8000), 1);
  EXPECT_EQ(meter.levels(), std::nullopt);
}

TEST(LevelMeter, FollowsTheSoundAndRemembersTheLoudest) {
  LevelMeter meter;
  const auto add = [&](double amplitude, int packets) {
    for (int i = 0; i < packets; ++i) {
      meter.add(tone(1000, SampleRate(8000), 160, amplitude), SampleRate(8000), 1);
    }
  };
  add(3'276.7, 1);
  EXPECT_EQ(meter.levels(), (LevelMeter::Levels{23, 23}));
  add(32'767, 50);
  EXPECT_EQ(meter.levels(), (LevelMeter::Levels{3, 3}));
  add(0, 10);  // 200 ms, of which a third is left
  EXPECT_NEAR(meter.levels()->now, 8, 1);
  add(0, 500);
  EXPECT_EQ(meter.levels(), (LevelMeter::Levels{127, 3}));
}

TEST(LevelMeter, MeasuresTheSameWhateverRateAndChannels) {
  LevelMeter narrow;
  LevelMeter wide;
  for (int i = 0; i < 10; ++i) {
    narrow.add(tone(1000, SampleRate(8000), 160, 9000), SampleRate(8000), 1);
    const Samples mono = tone(1000, SampleRate(48000), 960, 9000);
    Samples both;
    for (const std::int16_t sample : mono) both.insert(both.end(), 2, sample);
    wide.add(both, SampleRate(48000), 2);
  }
  EXPECT_EQ(narrow.levels(), wide.levels());
}

TEST(LevelMeter, TakesLevelsAsTheyAre) {
  for (int level = 0; level <= 127; ++level) {
    LevelMeter meter;
    meter.add(static_cast<std::uint8_t>(level));
    EXPECT_EQ(meter.levels()->now, level);
  }
}

}  // namespace
}  // namespace causeway::codecs
