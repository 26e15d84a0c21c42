#pragma once

#include <array>
#include <cstdint>

namespace causeway {

/// The core's source of random choices (ports, SSRCs, first sequence numbers): SipHash-2-4 of a
/// counter under a 128-bit key given from outside. A trace replays to the same bytes, and whoever
/// sees the ports and SSRCs of one leg cannot work out those of the next. Not for keys: those are
/// made in control/ by OpenSSL.
class Random {
 public:
  using Key = std::array<std::uint64_t, 2>;

  explicit Random(const Key& key) : key_(key) {}

  /// 64 uniform bits.
  std::uint64_t next();
  /// Uniform in 0..bound-1 (to within 2^-32). REQUIRES: bound > 0.
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }

 private:
  Key key_;
  std::uint64_t counter_ = 0;
};

}  // namespace causeway
