#include "codecs/level.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace causeway::codecs {
namespace {

constexpr double kOverload = 32'767.0;
constexpr std::uint8_t kSilence = 127;

std::uint64_t energy_of(Pcm pcm) {
  std::uint64_t energy = 0;
  for (const std::int16_t sample : pcm) {
    energy += static_cast<std::uint32_t>(std::int32_t{sample} * sample);
  }
  return energy;
}

/// The powers of levels 0 to 127 in terms of overload's.
constexpr std::array<float, kSilence + 1> kPowers = [] {
  constexpr double kOneDecibel = 0.7943282347242815;  // 10^(-1/10)
  std::array<float, kSilence + 1> powers{};
  double power = 1;
  for (std::size_t level = 0; level < kSilence; ++level, power *= kOneDecibel) {
    powers[level] = static_cast<float>(power);
  }
  return powers;
}();

/// Of a power in terms of overload's.
std::uint8_t level_of(double power) {
  if (power <= 0) return kSilence;
  const double below = -10.0 * std::log10(power);
  return static_cast<std::uint8_t>(std::lround(std::clamp(below, 0.0, double{kSilence})));
}

}  // namespace

std::uint8_t level_below_overload(Pcm pcm) {
  if (pcm.empty()) return kSilence;
  const double mean = static_cast<double>(energy_of(pcm)) / static_cast<double>(pcm.size());
  return level_of(mean / (kOverload * kOverload));
}

float amplitude_of_level(std::uint8_t decibels_below_overload) {
  if (decibels_below_overload >= kSilence) return 0.0F;
  return static_cast<float>(kOverload * std::pow(10.0, -decibels_below_overload / 20.0));
}

void LevelMeter::add(Pcm pcm, SampleRate rate, std::uint8_t channels) {
  if (pcm.empty()) return;
  constexpr float kScale = 1.0F / static_cast<float>(kOverload * kOverload);
  const auto values = static_cast<float>(pcm.size());
  add_power(static_cast<float>(energy_of(pcm)) / values * kScale,
            values / static_cast<float>(rate.raw() * channels));
}

void LevelMeter::add(std::uint8_t decibels_below_overload) {
  add_power(kPowers[std::min(decibels_below_overload, kSilence)], 0.02F);
}

void LevelMeter::add_power(float mean_square, float seconds) {
  constexpr float kMemorySeconds = std::chrono::duration<float>(kMemory).count();
  const float part = power_ < 0 ? 1 : std::min(1.0F, seconds / kMemorySeconds);
  power_ = std::max(power_, 0.0F);
  power_ += (mean_square - power_) * part;
  loudest_ = std::max(loudest_, power_);
}

std::optional<LevelMeter::Levels> LevelMeter::levels() const {
  if (power_ < 0) return std::nullopt;
  return Levels{level_of(power_), level_of(loudest_)};
}

}  // namespace causeway::codecs
