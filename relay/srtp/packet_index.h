#pragma once

#include <cstdint>
#include <optional>

#include "relay/base/types.h"
#include "relay/srtp/rules.h"

namespace causeway::srtp {

/// A 48-bit SRTP index: rollover counter, then sequence number.
[[nodiscard]] constexpr std::uint64_t make_index(std::uint32_t roc, SeqNum seq) {
  return (std::uint64_t{roc} << 16) | seq.raw();
}

/// The index of a packet with number `seq` when `newest` is the highest one so far: the one within
/// half the sequence space (RFC 3711 3.3.1, appendix A). It never goes below the first rollover
/// counter: before the first wrap a number far ahead is taken as it stands, as libsrtp does, so
/// that an early reordering cannot lead to a counter of -1. Nothing where the counter would wrap.
template <typename R = Rules>
[[nodiscard]] constexpr std::optional<std::uint64_t> guess_index(std::uint64_t newest, SeqNum seq) {
  const auto roc = static_cast<std::uint32_t>(newest >> 16);
  const auto last = static_cast<std::int32_t>(newest & 0xffff);
  const auto number = static_cast<std::int32_t>(seq.raw());
  if (last < R::kHalfSpace) {
    const bool from_before_the_wrap = number - last > R::kHalfSpace && roc > 0;
    return make_index(from_before_the_wrap ? roc - 1 : roc, seq);
  }
  if (last - R::kHalfSpace <= number) return make_index(roc, seq);
  if (roc == 0xffffffffU) return std::nullopt;
  return make_index(roc + 1, seq);
}

}  // namespace causeway::srtp
