#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/bench/generator/plan.h"

namespace causeway::bench {

/// Mono PCM at the rate that its name says.
using Pcm = std::vector<std::int16_t>;

/// The speech that endpoints speak, over and over: a whole number of 20 ms frames.
struct Speech {
  Pcm at_16k;
  Pcm at_8k;
  [[nodiscard]] std::size_t frames() const { return at_8k.size() / 160; }
};

/// A 16 kHz mono WAV of 16-bit samples. Ends the process with a message where it is not one.
[[nodiscard]] Speech read_speech(const std::string& path);

/// Half of the rate, without delay: a filter that is symmetrical about each sample it gives.
[[nodiscard]] Pcm half_rate(std::span<const std::int16_t> pcm);

/// Ticks of a payload's RTP clock in 20 ms.
[[nodiscard]] std::uint32_t ticks_of(Payload payload);

using Frames = std::vector<std::vector<std::byte>>;

/// The whole speech, coded once before anything is sent. libopus and spandsp themselves, nothing of
/// codecs/: the peer of a relay is not to share its mistakes. Opus: 16 kHz mono, 24 kbit/s,
/// complexity 5, VOIP.
[[nodiscard]] Frames encode_speech(const Speech& speech, Payload payload);

/// What a stream of payloads sounds like, at 8 kHz, and at which sample of it each of them begins.
struct Heard {
  Pcm pcm;
  std::vector<std::size_t> starts;
};
/// Decodes `payloads` in the order given. Stops at the first that cannot be decoded.
[[nodiscard]] Heard decode_speech(Payload payload, const Frames& payloads);

}  // namespace causeway::bench
