#include "tests/bench/generator/speech.h"

#include <opus/opus.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <numbers>

#include "codecs/spandsp.h"

namespace causeway::bench {

namespace {

constexpr std::size_t kFrame8k = 160;
constexpr std::size_t kFrame16k = 320;

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "bench_generator: " << why << "\n";
  std::exit(2);
}

std::uint32_t le(const std::string& octets, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = count; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(octets.at(at + i));
  }
  return value;
}

const std::uint8_t* octets(Bytes bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

std::vector<std::byte> pcmu(std::span<const std::int16_t> pcm) {
  std::vector<std::byte> out;
  for (const std::int16_t sample : pcm) out.push_back(std::byte{linear_to_ulaw(sample)});
  return out;
}

struct FreeG722Encoder {
  void operator()(g722_encode_state_t* state) const { g722_encode_free(state); }
};
struct FreeG722Decoder {
  void operator()(g722_decode_state_t* state) const { g722_decode_free(state); }
};
struct FreeOpusEncoder {
  void operator()(OpusEncoder* state) const { opus_encoder_destroy(state); }
};
struct FreeOpusDecoder {
  void operator()(OpusDecoder* state) const { opus_decoder_destroy(state); }
};

Frames encode_g722(const Speech& speech) {
  const std::unique_ptr<g722_encode_state_t, FreeG722Encoder> state(
      g722_encode_init(nullptr, 64'000, 0));
  Frames frames;
  for (std::size_t i = 0; i < speech.frames(); ++i) {
    std::vector<std::byte> frame(kFrame8k);
    g722_encode(state.get(), reinterpret_cast<std::uint8_t*>(frame.data()),
                &speech.at_16k[i * kFrame16k], kFrame16k);
    frames.push_back(std::move(frame));
  }
  return frames;
}

Frames encode_opus(const Speech& speech) {
  int error = 0;
  const std::unique_ptr<OpusEncoder, FreeOpusEncoder> state(
      opus_encoder_create(16'000, 1, OPUS_APPLICATION_VOIP, &error));
  if (!state) give_up("libopus makes no encoder");
  opus_encoder_ctl(state.get(), OPUS_SET_BITRATE(24'000));
  opus_encoder_ctl(state.get(), OPUS_SET_COMPLEXITY(5));
  Frames frames;
  for (std::size_t i = 0; i < speech.frames(); ++i) {
    std::vector<std::byte> frame(1'000);
    const int size = opus_encode(state.get(), &speech.at_16k[i * kFrame16k], kFrame16k,
                                 reinterpret_cast<std::uint8_t*>(frame.data()), 1'000);
    if (size <= 0) give_up("libopus does not encode");
    frame.resize(static_cast<std::size_t>(size));
    frames.push_back(std::move(frame));
  }
  return frames;
}

Heard decode_g722(const Frames& payloads) {
  const std::unique_ptr<g722_decode_state_t, FreeG722Decoder> state(
      g722_decode_init(nullptr, 64'000, 0));
  Heard heard;
  Pcm at_16k;
  for (const auto& each : payloads) {
    heard.starts.push_back(at_16k.size() / 2);
    at_16k.resize(at_16k.size() + 2 * each.size());
    g722_decode(state.get(), &at_16k[at_16k.size() - 2 * each.size()], octets(each),
                static_cast<int>(each.size()));
  }
  heard.pcm = half_rate(at_16k);
  return heard;
}

Heard decode_opus(const Frames& payloads) {
  int error = 0;
  const std::unique_ptr<OpusDecoder, FreeOpusDecoder> state(opus_decoder_create(8'000, 1, &error));
  std::array<std::int16_t, 960> pcm{};
  Heard heard;
  for (const auto& each : payloads) {
    const int samples = opus_decode(state.get(), octets(each), static_cast<int>(each.size()),
                                    pcm.data(), static_cast<int>(pcm.size()), 0);
    if (samples <= 0) break;
    heard.starts.push_back(heard.pcm.size());
    heard.pcm.insert(heard.pcm.end(), pcm.begin(), pcm.begin() + samples);
  }
  return heard;
}

}  // namespace

Pcm half_rate(std::span<const std::int16_t> pcm) {
  constexpr int kReach = 24;
  std::array<double, 2 * kReach + 1> taps{};
  double sum = 0;
  for (int k = -kReach; k <= kReach; ++k) {
    const double x = std::numbers::pi * k / 2.0;
    const double window = 0.5 + 0.5 * std::cos(std::numbers::pi * k / (kReach + 1));
    const double tap = (k == 0 ? 1.0 : std::sin(x) / x) * window;
    taps[static_cast<std::size_t>(k + kReach)] = tap;
    sum += tap;
  }
  Pcm out(pcm.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    double value = 0;
    for (int k = -kReach; k <= kReach; ++k) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(2 * i) + k;
      if (at < 0 || at >= static_cast<std::ptrdiff_t>(pcm.size())) continue;
      value += taps[static_cast<std::size_t>(k + kReach)] * pcm[static_cast<std::size_t>(at)];
    }
    out[i] = static_cast<std::int16_t>(std::lrint(std::clamp(value / sum, -32768.0, 32767.0)));
  }
  return out;
}

Speech read_speech(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string wav((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t format = wav.find("fmt ");
  const std::size_t data = wav.find("data");
  if (format == std::string::npos || data == std::string::npos || wav.size() < data + 8) {
    give_up(path + " is no WAV file");
  }
  const bool fits = le(wav, format + 10, 2) == 1 && le(wav, format + 12, 4) == 16'000 &&
                    le(wav, format + 22, 2) == 16;
  if (!fits) give_up(path + " is not 16 kHz mono of 16 bits");
  const std::size_t octets = std::min<std::size_t>(le(wav, data + 4, 4), wav.size() - data - 8);
  Speech speech;
  for (std::size_t i = 0; i + 1 < octets; i += 2) {
    speech.at_16k.push_back(static_cast<std::int16_t>(le(wav, data + 8 + i, 2)));
  }
  speech.at_16k.resize(speech.at_16k.size() / kFrame16k * kFrame16k);
  if (speech.at_16k.size() < 100 * kFrame16k) give_up(path + " is shorter than 2 s");
  speech.at_8k = half_rate(speech.at_16k);
  return speech;
}

std::uint32_t ticks_of(Payload payload) { return payload == Payload::Opus ? 960 : 160; }

Frames encode_speech(const Speech& speech, Payload payload) {
  if (payload == Payload::G722) return encode_g722(speech);
  if (payload == Payload::Opus) return encode_opus(speech);
  Frames frames;
  for (std::size_t i = 0; i < speech.frames(); ++i) {
    frames.push_back(pcmu(std::span(speech.at_8k).subspan(i * kFrame8k, kFrame8k)));
  }
  return frames;
}

Heard decode_speech(Payload payload, const Frames& payloads) {
  if (payload == Payload::G722) return decode_g722(payloads);
  if (payload == Payload::Opus) return decode_opus(payloads);
  Heard heard;
  for (const auto& each : payloads) {
    heard.starts.push_back(heard.pcm.size());
    for (const std::byte octet : each) {
      heard.pcm.push_back(ulaw_to_linear(std::to_integer<std::uint8_t>(octet)));
    }
  }
  return heard;
}

}  // namespace causeway::bench
