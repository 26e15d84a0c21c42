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

}  // namespace causeway::engine
