#include <gtest/gtest.h>

#include "codecs/comfort_noise.h"
#include "codecs/level.h"
#include "codecs/plc.h"
#include "codecs/resample.h"
#include "tests/unit/codecs/signals.h"
#include "tests/unit/support/alloc_counter.h"

namespace causeway::codecs {
namespace {

using test_support::AllocationScope;

class NoAllocation : public testing::Test {
 protected:
  void SetUp() override {
    if (!test_support::can_count_allocations()) {
      GTEST_SKIP() << "this build's malloc cannot be counted";
    }
  }
};

CodecConfig config(CodecId id, std::uint32_t rate, std::uint8_t channels = 1) {
  return {.id = id, .rate = SampleRate(rate), .channels = channels, .opus = {}};
}

const std::vector<CodecConfig>& every_codec() {
  static const std::vector<CodecConfig> all = [] {
    std::vector<CodecConfig> made = {
        config(CodecId::Pcmu, 8'000),     config(CodecId::Pcma, 8'000),
        config(CodecId::G722, 16'000),    config(CodecId::L16, 8'000),
        config(CodecId::L16, 44'100, 2),  config(CodecId::Opus, 8'000),
        config(CodecId::Opus, 12'000),    config(CodecId::Opus, 16'000),
        config(CodecId::Opus, 24'000),    config(CodecId::Opus, 48'000),
        config(CodecId::Opus, 48'000, 2),
    };
    for (const bool has_dtx : {false, true}) {
      CodecConfig opus = config(CodecId::Opus, 16'000);
      opus.opus = {.bitrate = 20'000,
                   .complexity = 10,
                   .has_inband_fec = true,
                   .expected_loss_percent = 20,
                   .has_dtx = has_dtx};
      made.push_back(opus);
    }
    return made;
  }();
  return all;
}

TEST_F(NoAllocation, WhileEncodingDecodingConcealingAndRecovering) {
  for (const CodecConfig& each : every_codec()) {
    const auto encoder = encoder_of(each);
    const auto decoder = decoder_of(each);
    const std::size_t frame = each.rate.raw() / 50 * each.channels;
    Samples voice = speech(each.rate, frame * 100);
    std::fill(voice.begin() + static_cast<std::ptrdiff_t>(frame * 60), voice.end(),
              std::int16_t{0});
    Octets packet(20'000);
    Samples pcm(kMaxPcmSamples * each.channels);

    const AllocationScope scope;
    for (std::size_t i = 0; i < 100; ++i) {
      const auto size = encoder->encode(Pcm(voice).subspan(i * frame, frame), packet);
      if (!size || *size == 0) continue;
      const Bytes sent = Bytes(packet).first(*size);
      if (i % 5 == 4 && !decoder->recover(sent, frame / each.channels, pcm)) {
        decoder->conceal(frame / each.channels, pcm);
      }
      (void)decoder->samples_in(sent);
      (void)decoder->decode(sent, pcm);
      (void)decoder->decode(Bytes(packet).first(1), pcm);
      if (i % 40 == 39) decoder->reset();
      encoder->set_expected_loss(static_cast<std::uint8_t>(i));
    }
    EXPECT_EQ(scope.allocations(), 0U) << static_cast<int>(each.id) << " at " << each.rate.raw();
    EXPECT_EQ(scope.frees(), 0U);
  }
}

TEST_F(NoAllocation, WhileResamplingBlocksOfAnySize) {
  for (const std::uint32_t from : {8'000U, 16'000U, 44'100U, 48'000U}) {
    for (const std::uint32_t to : {8'000U, 16'000U, 44'100U, 48'000U}) {
      for (const std::uint8_t channels : {std::uint8_t{1}, std::uint8_t{2}}) {
        auto made = Resampler::create({SampleRate(from), channels}, {SampleRate(to), 1});
        ASSERT_TRUE(made.has_value());
        const Samples in(20'000);
        Samples out((*made)->room_for(10'000));
        const AllocationScope scope;
        std::size_t block = 1;
        for (int i = 0; i < 300; ++i) {
          block = block * 7 % 6'007;
          (*made)->convert(Pcm(in).first(block * channels), out);
          (*made)->convert(Pcm(in).first(from / 50 * channels), out);
        }
        EXPECT_EQ(scope.allocations(), 0U)
            << from << " -> " << to << " from " << int{channels} << " channels";
      }
    }
  }
}

TEST_F(NoAllocation, WhileMakingNoise) {
  NoiseGenerator generator(1);
  const Octets packet = octets({40, 100, 140});
  Samples out(320);
  const AllocationScope scope;
  for (int i = 0; i < 10; ++i) {
    generator.set(*NoiseModel::parse(packet));
    generator.generate(out);
    (void)level_below_overload(out);
  }
  EXPECT_EQ(scope.allocations(), 0U);
}

TEST_F(NoAllocation, IsATestThatCanFail) {
  const AllocationScope scope;
  (void)decoder_of(config(CodecId::Opus, 8'000));
  EXPECT_GT(scope.allocations(), 0U);
}

}  // namespace
}  // namespace causeway::codecs
