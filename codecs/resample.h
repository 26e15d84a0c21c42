#pragma once

#include <memory>

#include "codecs/codec.h"

namespace causeway::codecs {

/// A streaming rate and channel converter for 16-bit PCM (libswresample). One stream; not
/// thread-safe; convert() does not allocate: create() warms it up.
///
/// What it is, exactly, so that another program can do the same bit for bit: swresample from s16 to
/// s16 with filter_size 24 and every other option at its default, and then fed 240 ms of silence in
/// two calls, the output of which is thrown away. The silence buys two things: the buffers are
/// grown, and the filter is full, so that every block that is a whole number of samples at both
/// rates (any multiple of 10 ms) comes out at its full length, from the first one on. The sound is
/// delayed by delay_samples() instead: 12 samples of the lower rate, 1.5 ms where that is 8 kHz.
/// How a stream is cut into blocks does not change its samples.
///
/// Why 24 taps: swresample's default of 32 holds 2 ms back at 8 kHz; 16 would lose 1.3 dB at
/// 3.4 kHz. 24 loses 0.5 dB there, and nothing below 3 kHz.
class Resampler {
 public:
  struct Format {
    SampleRate rate{8000};
    std::uint8_t channels = 1;
    friend bool operator==(const Format&, const Format&) = default;
  };

  /// REQUIRES: rates from 8000 to 48000, one or two channels. Errors: Internal.
  [[nodiscard]] static Result<std::unique_ptr<Resampler>, Error> create(Format from, Format to);
  ~Resampler();

  /// Converts all of `in`; returns samples per channel written to `out`, which has room for
  /// room_for(in's samples per channel) per channel.
  std::size_t convert(Pcm in, MutablePcm out);
  /// The most that convert() writes for `samples` per channel: ceil(samples * to / from) + 64.
  [[nodiscard]] std::size_t room_for(std::size_t samples) const;
  /// What the filter holds back: samples per channel at the input's rate.
  [[nodiscard]] std::size_t delay_samples() const;

 private:
  struct Impl;
  explicit Resampler(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace causeway::codecs
