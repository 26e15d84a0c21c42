#pragma once

#include <cstdint>

#include "relay/base/time.h"

namespace causeway::record {

/// The nearest number of samples in `span`. In two parts, because span * rate overflows 64 bits
/// after two days at 48 kHz.
[[nodiscard]] constexpr std::int64_t samples_in(Duration span, SampleRate rate) {
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  const std::int64_t whole = span.count() / kNsPerSecond * rate.raw();
  const std::int64_t rest = span.count() % kNsPerSecond * rate.raw();
  return whole + (rest + (rest < 0 ? -kNsPerSecond / 2 : kNsPerSecond / 2)) / kNsPerSecond;
}

/// The time that `samples` (or ticks) take at `rate` a second, to the nanosecond, toward zero.
[[nodiscard]] constexpr Duration time_of(std::int64_t samples, std::int64_t rate) {
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  return Duration(samples / rate * kNsPerSecond + samples % rate * kNsPerSecond / rate);
}

}  // namespace causeway::record
