#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace causeway::codecs {

/// The level of `pcm` as 0 to 127 below overload, in decibels: 0 is a square wave of full scale, 3
/// a sine of full scale, 127 silence (the scale of RFC 3389 3.1 and RFC 6464 3).
[[nodiscard]] std::uint8_t level_below_overload(Pcm pcm);

/// The RMS amplitude of sound at that level, in sample values; 0 at 127.
[[nodiscard]] float amplitude_of_level(std::uint8_t decibels_below_overload);

}  // namespace causeway::codecs
