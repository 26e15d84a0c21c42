#include "relay/base/result.h"

#include <array>
#include <cstddef>

namespace causeway {

std::string_view name_of(DropReason reason) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(DropReason::kCount)>
      kNames = {
          "truncated",      "bad_version",
          "bad_header",     "unexpected_source",
          "not_latched",    "leg_not_ready",
          "auth_failed",    "replayed",
          "unknown_mki",    "key_expired",
          "too_many_ssrcs", "duplicate",
          "late",           "unknown_payload_type",
          "bad_payload",    "no_path",
          "no_remote",      "paused",
          "pool_empty",     "send_failed",
          "too_large",      "unsupported",
          "over_budget",    "probe",
      };
  return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace causeway
