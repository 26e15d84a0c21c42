#pragma once

#include <compare>
#include <cstdint>

#include "relay/base/types.h"

namespace causeway::engine {

/// Names a session inside the node: which worker, which slot, which life of that slot. control/
/// maps API names to handles; a stale handle finds nothing.
struct SessionHandle {
  WorkerId worker;
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;  ///< Never 0 for a live session.
  // clang-tidy takes the zero that a comparison is compared with for a null pointer.
  friend auto operator<=>(const SessionHandle&, const SessionHandle&) = default;  // NOLINT
};

/// Names a leg: its session, and a number that is never used twice within it.
struct LegHandle {
  SessionHandle session;
  std::uint16_t leg = 0;
  friend auto operator<=>(const LegHandle&, const LegHandle&) = default;  // NOLINT
};

/// What of a leg has a DTLS association of its own (RFC 5764 4.1): its RTP, with which RTCP goes
/// where the two share a port, or its RTCP.
struct DtlsComponent {
  LegHandle leg;
  bool is_rtcp = false;
  friend auto operator<=>(const DtlsComponent&, const DtlsComponent&) = default;  // NOLINT
};

}  // namespace causeway::engine
