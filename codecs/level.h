#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "codecs/codec.h"

namespace causeway::codecs {

/// The level of `pcm` as 0 to 127 below overload, in decibels: 0 is a square wave of full scale, 3
/// a sine of full scale, 127 silence (the scale of RFC 3389 3.1 and RFC 6464 3).
[[nodiscard]] std::uint8_t level_below_overload(Pcm pcm);

/// The RMS amplitude of sound at that level, in sample values; 0 at 127.
[[nodiscard]] float amplitude_of_level(std::uint8_t decibels_below_overload);

/// How loud a sound is while it goes on, on the same scale. A few multiplications a sample;
/// logarithms only where a level is read. Single-threaded; never allocates.
class LevelMeter {
 public:
  /// What is older than this counts less than half of what is measured.
  static constexpr Duration kMemory = std::chrono::milliseconds(200);

  /// A stretch of sound, a packet or less. Empty ones are no-ops.
  void add(Pcm pcm, SampleRate rate, std::uint8_t channels);
  /// A packet of the usual 20 ms whose level its sender has measured.
  void add(std::uint8_t decibels_below_overload);

  struct Levels {
    std::uint8_t now = 127;      ///< Its mean power, the last kMemory counting most.
    std::uint8_t loudest = 127;  ///< The highest that `now` has been.
    friend bool operator==(const Levels&, const Levels&) = default;
  };
  /// Nothing before anything was measured.
  [[nodiscard]] std::optional<Levels> levels() const;

 private:
  void add_power(float mean_square, float seconds);

  // Of overload's; negative: nothing was measured.
  float power_ = -1;
  float loudest_ = 0;
};

}  // namespace causeway::codecs
