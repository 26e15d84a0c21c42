#pragma once

#include <cstdint>

#include "relay/base/time.h"

namespace causeway::rtp {

/// `at` moved by a span, in NTP's units of 2^-32 s.
[[nodiscard]] constexpr NtpTime ntp_plus(NtpTime at, Duration span) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t seconds = span.count() / kSecond;
  const std::int64_t rest = span.count() % kSecond;  // of the sign of the span
  const std::int64_t fraction = rest * (std::int64_t{1} << 32) / kSecond;
  return NtpTime(at.raw() + (static_cast<std::uint64_t>(seconds) << 32) +
                 static_cast<std::uint64_t>(fraction));
}

}  // namespace causeway::rtp
