#pragma once

#include <chrono>
#include <cstdint>

#include "relay/base/types.h"

namespace causeway {

using Duration = std::chrono::nanoseconds;

/// The relay's monotonic clock. It has no now(): only relay/io reads a clock and makes an Instant,
/// and tests make theirs by hand, so nothing in the core can ask for the time.
struct RelayClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<RelayClock, Duration>;
  static constexpr bool is_steady = true;
};

/// A moment on the relay's clock, in nanoseconds since an arbitrary zero.
using Instant = RelayClock::time_point;

/// A 64-bit NTP timestamp: seconds since 1900 in the high word, 2^-32 s in the low one (RFC 3550
/// 4).
using NtpTime = Strong<struct NtpTimeTag, std::uint64_t>;

/// Fixes the relay's clock to wall time, once for the life of a process: later steps of the wall
/// clock do not move media. Immutable, copied freely.
class WallClock {
 public:
  constexpr WallClock() = default;
  /// `unix_time_at_zero`: Unix time at the relay clock's zero.
  constexpr explicit WallClock(Duration unix_time_at_zero) : at_zero_(unix_time_at_zero) {}

  [[nodiscard]] constexpr Duration unix_time(Instant at) const {
    return at_zero_ + at.time_since_epoch();
  }
  [[nodiscard]] constexpr NtpTime ntp(Instant at) const {
    constexpr std::uint64_t kSeconds1900To1970 = 2'208'988'800ULL;
    const std::int64_t ns = unix_time(at).count();
    const auto seconds = static_cast<std::uint64_t>(ns / 1'000'000'000) + kSeconds1900To1970;
    const auto fraction = (static_cast<std::uint64_t>(ns % 1'000'000'000) << 32) / 1'000'000'000U;
    return NtpTime((seconds << 32) | fraction);
  }
  friend bool operator==(const WallClock&, const WallClock&) = default;

 private:
  Duration at_zero_{};
};

/// The time that `ticks` of an RTP clock take, rounded towards zero to the nanosecond. REQUIRES: a
/// rate other than zero.
[[nodiscard]] constexpr Duration ticks_to_duration(std::int64_t ticks, RtpClockRate rate) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto hz = static_cast<std::int64_t>(rate.raw());
  // At once where that does not overflow: the distance of two timestamps always.
  if (ticks <= INT32_MAX && ticks >= INT32_MIN) return Duration(ticks * kSecond / hz);
  return std::chrono::seconds(ticks / hz) + Duration(ticks % hz * kSecond / hz);
}

/// The nearest number of ticks of an RTP clock in `span`; halves go away from zero.
[[nodiscard]] constexpr std::int64_t duration_to_ticks(Duration span, RtpClockRate rate) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto hz = static_cast<std::int64_t>(rate.raw());
  // Whole seconds apart where all at once would overflow.
  const bool is_long = span >= std::chrono::hours(1) || span <= -std::chrono::hours(1);
  const std::int64_t seconds = is_long ? span.count() / kSecond : 0;
  const std::int64_t rest = (span.count() - seconds * kSecond) * hz;
  return seconds * hz + (rest + (rest < 0 ? -kSecond / 2 : kSecond / 2)) / kSecond;
}

}  // namespace causeway
