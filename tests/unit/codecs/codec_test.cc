#include "codecs/codec.h"

#include <gtest/gtest.h>

#include "tests/unit/codecs/signals.h"

namespace causeway::codecs {
namespace {

CodecConfig config(CodecId id, std::uint32_t rate, std::uint8_t channels = 1) {
  return {.id = id, .rate = SampleRate(rate), .channels = channels, .opus = {}};
}

bool both_refuse(const CodecConfig& wrong) {
  const auto decoder = make_decoder(wrong);
  const auto encoder = make_encoder(wrong);
  return !decoder && !encoder && decoder.error().code == ErrorCode::InvalidArgument &&
         encoder.error().code == ErrorCode::InvalidArgument &&
         decoder.error().reason == "CODEC_UNSUPPORTED";
}

TEST(Codec, MakesEveryCodecAtEachOfItsRates) {
  const CodecConfig good[] = {
      config(CodecId::Pcmu, 8000),      config(CodecId::Pcma, 8000),
      config(CodecId::G722, 16'000),    config(CodecId::Opus, 8000),
      config(CodecId::Opus, 12'000),    config(CodecId::Opus, 16'000),
      config(CodecId::Opus, 24'000),    config(CodecId::Opus, 48'000),
      config(CodecId::Opus, 48'000, 2), config(CodecId::L16, 8000),
      config(CodecId::L16, 16'000),     config(CodecId::L16, 32'000),
      config(CodecId::L16, 44'100, 2),  config(CodecId::L16, 48'000, 2),
  };
  for (const CodecConfig& each : good) {
    const auto decoder = make_decoder(each);
    const auto encoder = make_encoder(each);
    ASSERT_TRUE(decoder && encoder) << static_cast<int>(each.id) << " at " << each.rate.raw();
    EXPECT_EQ((*decoder)->config().rate, each.rate);
    EXPECT_EQ((*encoder)->config().channels, each.channels);
  }
}

TEST(Codec, RefusesRatesAndChannelsThatACodecDoesNotHave) {
  EXPECT_TRUE(both_refuse(config(CodecId::Pcmu, 16'000)));
  EXPECT_TRUE(both_refuse(config(CodecId::Pcma, 8000, 2)));
  EXPECT_TRUE(both_refuse(config(CodecId::G722, 12000)));
  EXPECT_TRUE(both_refuse(config(CodecId::G722, 16'000, 2)));
  EXPECT_TRUE(both_refuse(config(CodecId::Opus, 44'100)));
  EXPECT_TRUE(both_refuse(config(CodecId::Opus, 48'000, 3)));
  EXPECT_TRUE(both_refuse(config(CodecId::Opus, 48'000, 0)));
  EXPECT_TRUE(both_refuse(config(CodecId::L16, 22'050)));
}

TEST(Codec, RefusesOpusSettingsOutOfRange) {
  CodecConfig wrong = config(CodecId::Opus, 48'000);
  wrong.opus.bitrate = 5'999;
  EXPECT_FALSE(make_encoder(wrong).has_value());
  wrong.opus = {.bitrate = 510'001};
  EXPECT_FALSE(make_encoder(wrong).has_value());
  wrong.opus = {.complexity = 11};
  EXPECT_FALSE(make_encoder(wrong).has_value());
  wrong.opus = {.expected_loss_percent = 101};
  EXPECT_FALSE(make_encoder(wrong).has_value());
}

TEST(Codec, ADecoderThatIsResetIsAsNew) {
  const CodecConfig all[] = {config(CodecId::Pcma, 8000), config(CodecId::G722, 16'000),
                             config(CodecId::L16, 48'000, 2), config(CodecId::Opus, 16'000)};
  for (const CodecConfig& each : all) {
    const auto encoder = encoder_of(each);
    const auto used = decoder_of(each);
    const auto fresh = decoder_of(each);
    const std::size_t frame = each.rate.raw() / 50 * each.channels;
    const Samples voice = speech(each.rate, frame * 20);
    std::vector<Octets> packets;
    for (std::size_t at = 0; at < voice.size(); at += frame) {
      packets.push_back(encode(*encoder, Pcm(voice).subspan(at, frame)));
      (void)decode(*used, packets.back());
    }
    Samples used_fill(frame);
    Samples fresh_fill(frame);
    used->conceal(frame / each.channels, used_fill);
    used->reset();
    used->conceal(frame / each.channels, used_fill);
    fresh->conceal(frame / each.channels, fresh_fill);
    EXPECT_EQ(used_fill, fresh_fill);
    for (const Octets& packet : packets) {
      ASSERT_EQ(decode(*used, packet), decode(*fresh, packet)) << static_cast<int>(each.id);
    }
  }
}

TEST(Codec, KnowsTheRtpClocks) {
  EXPECT_EQ(rtp_clock_of(config(CodecId::Pcmu, 8000)), RtpClockRate(8000));
  EXPECT_EQ(rtp_clock_of(config(CodecId::G722, 16'000)), RtpClockRate(8000));
  EXPECT_EQ(rtp_clock_of(config(CodecId::Opus, 8000)), RtpClockRate(48'000));
  EXPECT_EQ(rtp_clock_of(config(CodecId::L16, 44'100)), RtpClockRate(44'100));
}

}  // namespace
}  // namespace causeway::codecs
