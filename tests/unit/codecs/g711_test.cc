#include "codecs/g711.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "codecs/spandsp.h"
#include "tests/unit/codecs/signals.h"

namespace causeway::codecs {
namespace {

// The plain twin: the laws as ITU-T G.711 tells them, segment by segment, without tricks.
std::uint8_t plain_pcmu(std::int16_t sample) {
  const int magnitude = std::min(std::abs(int{sample}) + 132, 32'767);
  int segment = 0;
  while (segment < 7 && magnitude >= (256 << segment)) ++segment;
  const int step = (magnitude - (128 << segment)) / (8 << segment);
  return static_cast<std::uint8_t>(~((sample < 0 ? 0x80 : 0) | (segment << 4) | step));
}

std::uint8_t plain_pcma(std::int16_t sample) {
  const int magnitude = sample < 0 ? -int{sample} - 1 : int{sample};
  int segment = 0;
  while (segment < 7 && magnitude >= (256 << segment)) ++segment;
  const int step = segment == 0 ? magnitude / 16 : (magnitude - (128 << segment)) / (8 << segment);
  const int code = (sample < 0 ? 0 : 0x80) | (segment << 4) | step;
  return static_cast<std::uint8_t>(code ^ 0x55);
}

TEST(G711, EncodesEverySampleLikeThePlainTwinAndSpandsp) {
  for (int value = -32'768; value <= 32'767; ++value) {
    const auto sample = static_cast<std::int16_t>(value);
    ASSERT_EQ(encode_pcmu(sample), plain_pcmu(sample)) << value;
    ASSERT_EQ(encode_pcma(sample), plain_pcma(sample)) << value;
    ASSERT_EQ(encode_pcmu(sample), linear_to_ulaw(value)) << value;
    ASSERT_EQ(encode_pcma(sample), linear_to_alaw(value)) << value;
  }
}

TEST(G711, DecodesEveryCodeLikeSpandsp) {
  for (int value = 0; value < 256; ++value) {
    const auto code = static_cast<std::uint8_t>(value);
    EXPECT_EQ(decode_pcmu(code), ulaw_to_linear(code)) << value;
    EXPECT_EQ(decode_pcma(code), alaw_to_linear(code)) << value;
  }
}

TEST(G711, EveryCodeDecodesIntoItsOwnInterval) {
  for (int value = 0; value < 256; ++value) {
    const auto code = static_cast<std::uint8_t>(value);
    // 0x7F is the negative zero of mu-law: it has no sample of its own.
    if (code != 0x7F) {
      EXPECT_EQ(encode_pcmu(decode_pcmu(code)), code);
    }
    EXPECT_EQ(encode_pcma(decode_pcma(code)), code);
  }
  EXPECT_EQ(decode_pcmu(0xFF), 0);
  EXPECT_EQ(decode_pcmu(0x7F), 0);
  EXPECT_EQ(decode_pcmu(0x80), 32'124);
  EXPECT_EQ(decode_pcma(0xAA), 32'256);
}

TEST(G711, PacketsHoldAsManySamplesAsOctets) {
  for (const CodecId id : {CodecId::Pcmu, CodecId::Pcma}) {
    const auto encoder = encoder_of({.id = id});
    const auto decoder = decoder_of({.id = id});
    const Samples voice = speech(SampleRate(8000), 1600);
    for (const std::size_t samples : {std::size_t{1}, std::size_t{80}, std::size_t{1600}}) {
      const Octets packet = encode(*encoder, Pcm(voice).first(samples));
      ASSERT_EQ(packet.size(), samples);
      EXPECT_EQ(decoder->samples_in(packet), samples);
      const Samples heard = decode(*decoder, packet);
      ASSERT_EQ(heard.size(), samples);
      for (std::size_t i = 0; i < samples; ++i) {
        const auto code = std::to_integer<std::uint8_t>(packet[i]);
        ASSERT_EQ(heard[i], id == CodecId::Pcmu ? decode_pcmu(code) : decode_pcma(code));
      }
    }
  }
}

TEST(G711, RefusesEmptyPacketsAndMoreThan200Ms) {
  const auto decoder = decoder_of({.id = CodecId::Pcmu});
  Samples out(kMaxPcmSamples);
  EXPECT_EQ(decoder->decode({}, out), failure(DropReason::BadPayload));
  EXPECT_EQ(decoder->decode(Octets(1601), out), failure(DropReason::BadPayload));
  EXPECT_EQ(decoder->samples_in(Octets(1601)), failure(DropReason::BadPayload));
  EXPECT_EQ(decoder->decode(Octets(1600), out), 1600U);
}

TEST(G711, EncoderRefusesWhatDoesNotFit) {
  const auto encoder = encoder_of({.id = CodecId::Pcma});
  Octets out(10);
  EXPECT_EQ(encoder->encode(Samples(11), out), failure(DropReason::BadPayload));
  EXPECT_EQ(encoder->encode({}, out), failure(DropReason::BadPayload));
  EXPECT_EQ(encoder->lookahead(), 0U);
}

TEST(G711, HasNoFecToRecoverFrom) {
  const auto decoder = decoder_of({.id = CodecId::Pcmu});
  Samples out(160, 7);
  EXPECT_FALSE(decoder->recover(Octets(160), 160, out));
  EXPECT_EQ(out, Samples(160, 7));
}

}  // namespace
}  // namespace causeway::codecs
