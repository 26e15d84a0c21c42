#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/time.h"
#include "relay/record/session.h"
#include "relay/record/spec.h"

namespace causeway::record {

/// What the metadata file beside a recording says apart from its session.
struct MetadataState {
  /// "recording" from before the first sound on, "stopped" after a clean end. A file that still
  /// says "recording" when no relay runs was cut off: it is good up to its last flush.
  std::string_view state = "recording";
  std::vector<DegradeReason> degraded;  ///< Each reason once.
  std::uint64_t dropped_octets = 0;     ///< Holes that the disk made.
};

/// The path of the metadata file of a recording: its extension becomes ".json".
[[nodiscard]] std::string metadata_path(std::string_view recording_path);

/// The metadata as JSON: what was recorded, from when to when, and what is missing. Times are RFC
/// 3339 in UTC with milliseconds.
[[nodiscard]] std::string metadata_json(const RecordingSession& session, const WallClock& wall,
                                        const MetadataState& state);

}  // namespace causeway::record
