#pragma once

#include <algorithm>
#include <cstdint>

#include "relay/base/time.h"

namespace causeway {

/// A token bucket: `burst` at once, one more each `interval`. A value.
class Budget {
 public:
  constexpr Budget() = default;
  constexpr Budget(std::uint32_t burst, Duration interval) : burst_(burst), interval_(interval) {}

  /// Takes a token if there is one.
  [[nodiscard]] bool take(Instant now) {
    // What is free is kept as the moment at which the bucket would have been empty.
    const Instant full = now - interval_ * burst_;
    empty_at_ = std::max(empty_at_, full);
    if (empty_at_ + interval_ > now) return false;
    empty_at_ += interval_;
    return true;
  }

 private:
  std::uint32_t burst_ = 1;
  Duration interval_ = std::chrono::milliseconds(20);
  Instant empty_at_ = Instant::min() + std::chrono::hours(24);
};

}  // namespace causeway
