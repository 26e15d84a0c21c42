#include "tests/unit/codecs/signals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

namespace causeway::codecs {

Samples tone(double hertz, SampleRate rate, std::size_t samples, double amplitude) {
  Samples out(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const double turn = hertz * static_cast<double>(i) / rate.raw();
    out[i] =
        static_cast<std::int16_t>(std::lrint(amplitude * std::sin(2 * std::numbers::pi * turn)));
  }
  return out;
}

Samples speech(SampleRate rate, std::size_t samples, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> noise(-1.0, 1.0);
  Samples out(samples);
  double turn = noise(random);
  for (std::size_t i = 0; i < samples; ++i) {
    const double t = static_cast<double>(i) / rate.raw();
    const double pitch = 130 + 30 * std::sin(2 * std::numbers::pi * 0.7 * t + seed);
    turn += pitch / rate.raw();
    double voice = 0;
    for (int k = 1; k * pitch < 3'600 && k * pitch < 0.45 * rate.raw(); ++k) {
      voice += std::sin(2 * std::numbers::pi * k * turn) / k;
    }
    const double syllable = std::sin(2 * std::numbers::pi * 1.9 * t);
    const double loudness = syllable > -0.4 ? 0.3 + 0.7 * std::abs(syllable) : 0.0;
    out[i] = static_cast<std::int16_t>(
        std::lrint(5'000 * loudness * voice + (15 + 200 * loudness) * noise(random)));
  }
  return out;
}

Samples interleave(const Samples& left, const Samples& right) {
  Samples out;
  out.reserve(left.size() * 2);
  for (std::size_t i = 0; i < left.size(); ++i) {
    out.push_back(left[i]);
    out.push_back(right[i]);
  }
  return out;
}

double rms(Pcm samples) {
  double energy = 0;
  for (const int sample : samples) energy += static_cast<double>(sample * sample);
  return std::sqrt(energy / static_cast<double>(samples.size()));
}

double correlation(Pcm one, Pcm other) {
  double cross = 0;
  for (std::size_t i = 0; i < one.size(); ++i)
    cross += static_cast<double>(int{one[i]} * int{other[i]});
  return cross / (static_cast<double>(one.size()) * rms(one) * rms(other) + 1e-9);
}

double decibels(double ratio) { return 20 * std::log10(ratio + 1e-12); }

double level_change_db(Pcm samples, Pcm reference) {
  return decibels(rms(samples) / rms(reference));
}

std::unique_ptr<Decoder> decoder_of(const CodecConfig& config) {
  auto made = make_decoder(config);
  EXPECT_TRUE(made.has_value());
  return std::move(*made);
}

std::unique_ptr<Encoder> encoder_of(const CodecConfig& config) {
  auto made = make_encoder(config);
  EXPECT_TRUE(made.has_value());
  return std::move(*made);
}

Octets encode(Encoder& encoder, Pcm pcm) {
  Octets out(20'000);
  const auto size = encoder.encode(pcm, out);
  EXPECT_TRUE(size.has_value());
  out.resize(size.value_or(0));
  return out;
}

Samples decode(Decoder& decoder, Bytes packet) {
  Samples out(kMaxPcmSamples * decoder.config().channels);
  const auto samples = decoder.decode(packet, out);
  EXPECT_TRUE(samples.has_value());
  out.resize(samples.value_or(0) * decoder.config().channels);
  return out;
}

Octets octets(std::initializer_list<int> values) {
  Octets out;
  for (const int value : values) out.push_back(std::byte{static_cast<std::uint8_t>(value)});
  return out;
}

}  // namespace causeway::codecs
