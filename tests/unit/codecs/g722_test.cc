#include "codecs/g722.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "codecs/spandsp.h"
#include "tests/unit/codecs/signals.h"

namespace causeway::codecs {
namespace {

constexpr SampleRate kRate{16'000};
constexpr CodecConfig kConfig{.id = CodecId::G722, .rate = kRate, .channels = 1, .opus = {}};

TEST(G722, EncodesAndDecodesExactlyAsSpandspDoes) {
  const auto encoder = encoder_of(kConfig);
  const auto decoder = decoder_of(kConfig);
  auto* const reference_encoder = g722_encode_init(nullptr, 64'000, 0);
  auto* const reference_decoder = g722_decode_init(nullptr, 64'000, 0);
  const Samples voice = speech(kRate, 16'000);
  for (std::size_t at = 0; at + 320 <= voice.size(); at += 320) {
    const Pcm frame = Pcm(voice).subspan(at, 320);
    const Octets packet = encode(*encoder, frame);
    std::vector<std::uint8_t> expected(160);
    ASSERT_EQ(g722_encode(reference_encoder, expected.data(), frame.data(), 320), 160);
    ASSERT_TRUE(std::ranges::equal(std::as_bytes(std::span(expected)), packet));
    Samples expected_pcm(320);
    ASSERT_EQ(g722_decode(reference_decoder, expected_pcm.data(), expected.data(), 160), 320);
    ASSERT_EQ(decode(*decoder, packet), expected_pcm);
  }
  g722_encode_free(reference_encoder);
  g722_decode_free(reference_decoder);
}

TEST(G722, RoundTripKeepsSpeechAndDelaysItByTwiceTheLookahead) {
  const auto encoder = encoder_of(kConfig);
  const auto decoder = decoder_of(kConfig);
  const Samples voice = speech(kRate, 32'000);
  Samples heard;
  for (std::size_t at = 0; at < voice.size(); at += 320) {
    const Samples part = decode(*decoder, encode(*encoder, Pcm(voice).subspan(at, 320)));
    heard.insert(heard.end(), part.begin(), part.end());
  }
  const std::size_t delay = 2 * encoder->lookahead();
  const std::size_t length = voice.size() - 40;
  const double best = correlation(Pcm(voice).first(length), Pcm(heard).subspan(delay, length));
  EXPECT_GT(best, 0.99);
  for (std::size_t other = 0; other < 40; ++other) {
    EXPECT_LE(correlation(Pcm(voice).first(length), Pcm(heard).subspan(other, length)), best)
        << "delayed by " << other;
  }
}

// The best correlation of `heard` with `said` over delays of up to 40 samples.
double best_correlation(const Samples& said, const Samples& heard) {
  const std::size_t length = std::min(said.size(), heard.size()) - 40;
  double best = 0;
  for (std::size_t delay = 0; delay < 40; ++delay) {
    best = std::max(best, correlation(Pcm(said).first(length), Pcm(heard).subspan(delay, length)));
  }
  return best;
}

// Every other sample, of sound that has little above 4 kHz.
Samples halved(const Samples& wide) {
  Samples narrow;
  for (std::size_t i = 0; i + 1 < wide.size(); i += 2) {
    narrow.push_back(static_cast<std::int16_t>((wide[i] + wide[i + 1]) / 2));
  }
  return narrow;
}

constexpr CodecConfig kNarrow{
    .id = CodecId::G722, .rate = SampleRate(8'000), .channels = 1, .opus = {}};

TEST(G722, AtEightKilohertzUnderstandsAnOrdinaryEndpointBothWays) {
  const Samples voice = speech(SampleRate(8'000), 16'000);
  const auto narrow_encoder = encoder_of(kNarrow);
  const auto wide_decoder = decoder_of(kConfig);
  const auto wide_encoder = encoder_of(kConfig);
  const auto narrow_decoder = decoder_of(kNarrow);
  Samples heard_wide;
  Samples heard_narrow;
  for (std::size_t at = 0; at + 160 <= voice.size(); at += 160) {
    const Octets packet = encode(*narrow_encoder, Pcm(voice).subspan(at, 160));
    ASSERT_EQ(packet.size(), 160U) << "20 ms, whatever rate it is made at";
    const Samples wide = decode(*wide_decoder, packet);
    ASSERT_EQ(wide.size(), 320U);
    heard_wide.insert(heard_wide.end(), wide.begin(), wide.end());
    const Samples narrow = decode(*narrow_decoder, encode(*wide_encoder, wide));
    ASSERT_EQ(narrow.size(), 160U);
    heard_narrow.insert(heard_narrow.end(), narrow.begin(), narrow.end());
  }
  EXPECT_GT(best_correlation(voice, halved(heard_wide)), 0.98);
  EXPECT_GT(best_correlation(voice, heard_narrow), 0.97);
  EXPECT_EQ(narrow_encoder->lookahead(), 0U);
}

TEST(G722, TwentyMsAre160OctetsAnd160TicksAnd320Samples) {
  const auto encoder = encoder_of(kConfig);
  const Octets packet = encode(*encoder, Samples(320));
  EXPECT_EQ(packet.size(), 160U);
  EXPECT_EQ(decoder_of(kConfig)->samples_in(packet), 320U);
  EXPECT_EQ(rtp_clock_of(kConfig), RtpClockRate(8000));
}

TEST(G722, RefusesHalfOctetsEmptyPacketsAndMoreThan200Ms) {
  const auto encoder = encoder_of(kConfig);
  const auto decoder = decoder_of(kConfig);
  Octets packet(1500);
  EXPECT_EQ(encoder->encode(Samples(321), packet), failure(DropReason::BadPayload));
  EXPECT_EQ(encoder->encode({}, packet), failure(DropReason::BadPayload));
  EXPECT_EQ(encoder->encode(Samples(2 * 1501), packet), failure(DropReason::BadPayload));
  Samples out(kMaxPcmSamples);
  EXPECT_EQ(decoder->decode({}, out), failure(DropReason::BadPayload));
  EXPECT_EQ(decoder->decode(Octets(1601), out), failure(DropReason::BadPayload));
}

TEST(G722, AnyOctetsAreALegalPacketOfAnySize) {
  const auto decoder = decoder_of(kConfig);
  std::mt19937 random(3);
  for (std::size_t size = 1; size <= 1600; size += 7) {
    Octets packet(size);
    for (auto& octet : packet) octet = std::byte{static_cast<std::uint8_t>(random())};
    EXPECT_EQ(decode(*decoder, packet).size(), 2 * size);
  }
}

TEST(G722, ConcealsAndHasNoFec) {
  const auto encoder = encoder_of(kConfig);
  const auto decoder = decoder_of(kConfig);
  const Samples voice = tone(150, kRate, 3200, 8000);
  for (std::size_t at = 0; at < 2880; at += 320) {
    (void)decode(*decoder, encode(*encoder, Pcm(voice).subspan(at, 320)));
  }
  Samples out(320);
  EXPECT_FALSE(decoder->recover(Octets(160), 320, out));
  EXPECT_EQ(out, Samples(320));
  decoder->conceal(320, out);
  // 22 samples of delay; at 20 ms the concealment is still near its full level.
  EXPECT_GT(correlation(Pcm(voice).subspan(2880 - 22, 320), out), 0.9);
}

}  // namespace
}  // namespace causeway::codecs
