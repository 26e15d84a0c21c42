#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "relay/base/time.h"

namespace causeway::rtp {

/// How many bits a second pass: those of the last whole kWindow, or of the present one where it
/// holds more already. A value.
class RateMeter {
 public:
  static constexpr Duration kWindow = std::chrono::seconds(1);

  void add(std::size_t octets, Instant now) {
    move_to(now);
    octets_ += octets;
  }
  [[nodiscard]] std::uint64_t bits_per_second(Instant now) const {
    RateMeter at_present = *this;
    at_present.move_to(now);
    return std::max(at_present.before_, at_present.octets_) * 8;
  }

 private:
  void move_to(Instant now) {
    if (now - began_ < kWindow) return;
    before_ = now - began_ < 2 * kWindow ? octets_ : 0;
    octets_ = 0;
    began_ = now;
  }

  Instant began_{};
  std::uint64_t octets_ = 0;  // of the window that is under way
  std::uint64_t before_ = 0;  // of the one before it
};

}  // namespace causeway::rtp
