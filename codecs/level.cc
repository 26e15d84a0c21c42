#include "codecs/level.h"

#include <algorithm>
#include <cmath>

namespace causeway::codecs {
namespace {

constexpr double kOverload = 32'767.0;
constexpr std::uint8_t kSilence = 127;

}  // namespace

std::uint8_t level_below_overload(Pcm pcm) {
  std::int64_t energy = 0;
  for (const std::int16_t sample : pcm) energy += std::int64_t{sample} * sample;
  if (energy == 0) return kSilence;
  const double mean = static_cast<double>(energy) / static_cast<double>(pcm.size());
  const double below = -10.0 * std::log10(mean / (kOverload * kOverload));
  return static_cast<std::uint8_t>(std::lround(std::clamp(below, 0.0, double{kSilence})));
}

float amplitude_of_level(std::uint8_t decibels_below_overload) {
  if (decibels_below_overload >= kSilence) return 0.0F;
  return static_cast<float>(kOverload * std::pow(10.0, -decibels_below_overload / 20.0));
}

}  // namespace causeway::codecs
