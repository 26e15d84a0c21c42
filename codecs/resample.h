#pragma once

#include <memory>

#include "codecs/codec.h"

namespace causeway::codecs {

/// A streaming rate and channel converter for 16-bit PCM (libswresample). Its filter holds a fixed
/// remainder back. One stream; not thread-safe; convert() does not allocate after the first calls
/// that create() makes to warm it up.
class Resampler {
 public:
  struct Format {
    SampleRate rate{8000};
    std::uint8_t channels = 1;
    friend bool operator==(const Format&, const Format&) = default;
  };

  /// Errors: Internal.
  [[nodiscard]] static Result<std::unique_ptr<Resampler>, Error> create(Format from, Format to);
  ~Resampler();

  /// Converts all of `in`; returns samples per channel written to `out`, which has room for
  /// ceil(in * to / from) + 64 per channel.
  std::size_t convert(Pcm in, MutablePcm out);
  /// What the filter holds back: samples per channel at the input's rate.
  [[nodiscard]] std::size_t delay_samples() const;

 private:
  struct Impl;
  explicit Resampler(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace causeway::codecs
