#include "codecs/comfort_noise.h"

#include <gtest/gtest.h>

#include "codecs/level.h"
#include "tests/unit/codecs/signals.h"

namespace causeway::codecs {
namespace {

// Noise of a model, after it has settled.
Samples noise_of(const NoiseModel& model, std::uint32_t seed = 5) {
  NoiseGenerator generator(seed);
  generator.set(model);
  Samples out(16'000);
  generator.generate(MutablePcm(out).first(1600));
  generator.generate(out);
  return out;
}

double first_autocorrelation(const Samples& samples) {
  return correlation(Pcm(samples).first(samples.size() - 1), Pcm(samples).subspan(1));
}

TEST(ComfortNoise, ParsesLevelAndCoefficients) {
  const auto model = NoiseModel::parse(octets({40, 127, 0, 254}));
  ASSERT_TRUE(model.has_value());
  EXPECT_EQ(model->decibels_below_overload, 40);
  EXPECT_EQ(model->order, 3);
  EXPECT_FLOAT_EQ(model->reflection[0], 0.0F);
  EXPECT_FLOAT_EQ(model->reflection[1], -127.0F * 258.0F / 32'768.0F);
  EXPECT_FLOAT_EQ(model->reflection[2], 127.0F * 258.0F / 32'768.0F);
}

TEST(ComfortNoise, LeavesOutCoefficientsAboveItsOrder) {
  const auto model = NoiseModel::parse(Octets(1 + NoiseModel::kMaxOrder + 5));
  ASSERT_TRUE(model.has_value());
  EXPECT_EQ(model->order, NoiseModel::kMaxOrder);
}

TEST(ComfortNoise, RefusesEmptyAndReservedLevels) {
  EXPECT_EQ(NoiseModel::parse({}).error(), DropReason::BadPayload);
  EXPECT_EQ(NoiseModel::parse(octets({0x80})).error(), DropReason::BadPayload);
}

TEST(ComfortNoise, SoundsAtTheLevelThatWasSent) {
  for (const int level : {20, 40, 60}) {
    const auto white = NoiseModel::parse(octets({level}));
    EXPECT_NEAR(level_below_overload(noise_of(*white)), level, 1);
    const auto coloured = NoiseModel::parse(octets({level, 30, 160, 110}));
    EXPECT_NEAR(level_below_overload(noise_of(*coloured)), level, 1);
  }
}

TEST(ComfortNoise, Level127IsSilence) {
  EXPECT_EQ(noise_of(*NoiseModel::parse(octets({127}))), Samples(16'000));
}

TEST(ComfortNoise, ANegativeFirstCoefficientMakesItDull) {
  // One pole at -k: the correlation of neighbours is -k.
  const auto dull = NoiseModel::parse(octets({30, 64}));
  EXPECT_NEAR(first_autocorrelation(noise_of(*dull)), 63.0 * 258 / 32'768, 0.05);
  const auto sharp = NoiseModel::parse(octets({30, 190}));
  EXPECT_NEAR(first_autocorrelation(noise_of(*sharp)), -63.0 * 258 / 32'768, 0.05);
  EXPECT_NEAR(first_autocorrelation(noise_of(*NoiseModel::parse(octets({30})))), 0, 0.05);
}

TEST(ComfortNoise, StaysStableWithTheLargestCoefficients) {
  for (const int n : {0, 255}) {
    Octets payload(13, std::byte{static_cast<std::uint8_t>(n)});
    payload[0] = std::byte{30};
    const Samples noise = noise_of(*NoiseModel::parse(payload));
    EXPECT_GE(level_below_overload(noise), 20);
  }
}

TEST(ComfortNoise, TheSameSeedGivesTheSameNoise) {
  const auto model = NoiseModel::parse(octets({30, 100}));
  EXPECT_EQ(noise_of(*model, 9), noise_of(*model, 9));
  EXPECT_NE(noise_of(*model, 9), noise_of(*model, 11));
}

TEST(ComfortNoise, GoesToANewLevelWithoutAStep) {
  NoiseGenerator generator(1);
  generator.set(*NoiseModel::parse(octets({20})));
  Samples first(160);
  generator.generate(first);
  EXPECT_LT(rms(Pcm(first).first(16)), 0.3 * rms(Pcm(first).last(40)));
}

TEST(ComfortNoise, WritesALevelThatItsParserReads) {
  Octets packet(1);
  EXPECT_EQ(write_noise_level(57, packet), 1U);
  EXPECT_EQ(NoiseModel::parse(packet)->decibels_below_overload, 57);
  EXPECT_EQ(write_noise_level(200, packet), 1U);
  EXPECT_EQ(NoiseModel::parse(packet)->decibels_below_overload, 127);
}

}  // namespace
}  // namespace causeway::codecs
