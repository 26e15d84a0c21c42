#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/codec.h"

namespace causeway::codecs {

using Samples = std::vector<std::int16_t>;
using Octets = std::vector<std::byte>;

/// A sine that starts at phase 0.
[[nodiscard]] Samples tone(double hertz, SampleRate rate, std::size_t samples, double amplitude);
/// Something like speech: a gliding voice of many harmonics, breath noise, syllables and pauses.
[[nodiscard]] Samples speech(SampleRate rate, std::size_t samples, std::uint32_t seed = 1);
/// Interleaves two channels.
[[nodiscard]] Samples interleave(const Samples& left, const Samples& right);

[[nodiscard]] double rms(Pcm samples);
/// Correlation of two equally long signals, -1..1.
[[nodiscard]] double correlation(Pcm one, Pcm other);
/// 20 log10 of rms(samples) over rms(reference).
[[nodiscard]] double level_change_db(Pcm samples, Pcm reference);
[[nodiscard]] double decibels(double ratio);

/// Unwraps what has to succeed.
[[nodiscard]] std::unique_ptr<Decoder> decoder_of(const CodecConfig& config);
[[nodiscard]] std::unique_ptr<Encoder> encoder_of(const CodecConfig& config);
/// Encodes one frame and returns its octets.
[[nodiscard]] Octets encode(Encoder& encoder, Pcm pcm);
/// Decodes one packet that has to be good.
[[nodiscard]] Samples decode(Decoder& decoder, Bytes packet);

[[nodiscard]] Octets octets(std::initializer_list<int> values);

}  // namespace causeway::codecs
