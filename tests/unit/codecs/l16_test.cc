#include "codecs/l16.h"

#include <gtest/gtest.h>

#include "tests/unit/codecs/signals.h"

namespace causeway::codecs {
namespace {

CodecConfig l16(std::uint32_t rate, std::uint8_t channels) {
  return {.id = CodecId::L16, .rate = SampleRate(rate), .channels = channels, .opus = {}};
}

TEST(L16, IsInNetworkByteOrder) {
  const Samples samples{0x0102, -2, -32'768};
  const Octets packet = encode(*encoder_of(l16(8000, 1)), samples);
  EXPECT_EQ(packet, octets({0x01, 0x02, 0xFF, 0xFE, 0x80, 0x00}));
  EXPECT_EQ(decode(*decoder_of(l16(8000, 1)), packet), samples);
}

TEST(L16, KeepsChannelsInterleaved) {
  const Samples samples{1, 2, 3, 4};
  const Octets packet = encode(*encoder_of(l16(44'100, 2)), samples);
  EXPECT_EQ(packet, octets({0, 1, 0, 2, 0, 3, 0, 4}));
  const auto decoder = decoder_of(l16(44'100, 2));
  EXPECT_EQ(decoder->samples_in(packet), 2U);
  EXPECT_EQ(decode(*decoder, packet), samples);
}

TEST(L16, RefusesBrokenSamplesEmptyPacketsAndMoreThan200Ms) {
  const auto mono = decoder_of(l16(16'000, 1));
  const auto stereo = decoder_of(l16(16'000, 2));
  Samples out(2 * kMaxPcmSamples);
  EXPECT_EQ(mono->decode({}, out), failure(DropReason::BadPayload));
  EXPECT_EQ(mono->decode(Octets(3), out), failure(DropReason::BadPayload));
  EXPECT_EQ(stereo->decode(Octets(6), out), failure(DropReason::BadPayload));
  EXPECT_EQ(mono->decode(Octets(2 * 3201), out), failure(DropReason::BadPayload));
  EXPECT_EQ(mono->decode(Octets(2 * 3200), out), 3200U);
  EXPECT_EQ(stereo->decode(Octets(4 * 3200), out), 3200U);
}

TEST(L16, EncoderRefusesHalfGroupsAndWhatDoesNotFit) {
  Octets out(8);
  EXPECT_EQ(encoder_of(l16(8000, 2))->encode(Samples(3), out), failure(DropReason::BadPayload));
  EXPECT_EQ(encoder_of(l16(8000, 1))->encode(Samples(5), out), failure(DropReason::BadPayload));
}

TEST(L16, ConcealsBothChannelsApart) {
  const auto encoder = encoder_of(l16(48'000, 2));
  const auto decoder = decoder_of(l16(48'000, 2));
  const Samples left = tone(100, SampleRate(48'000), 4800, 9000);
  const Samples right = tone(160, SampleRate(48'000), 4800, 3000);
  const Samples both = interleave(left, right);
  for (std::size_t at = 0; at < 2 * 3840; at += 2 * 960) {
    (void)decode(*decoder, encode(*encoder, Pcm(both).subspan(at, 2 * 960)));
  }
  Samples out(2 * 960);
  decoder->conceal(960, out);
  Samples left_out;
  Samples right_out;
  for (std::size_t i = 0; i < 960; ++i) {
    left_out.push_back(out[2 * i]);
    right_out.push_back(out[2 * i + 1]);
  }
  EXPECT_GT(correlation(Pcm(left).subspan(3840, 960), left_out), 0.95);
  EXPECT_GT(correlation(Pcm(right).subspan(3840, 960), right_out), 0.95);
}

}  // namespace
}  // namespace causeway::codecs
