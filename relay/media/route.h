#pragma once

#include <cstdint>

#include "relay/base/payload_type_map.h"
#include "relay/base/types.h"

namespace causeway::media {

/// What a path does with one payload type of the sending endpoint.
struct Route {
  enum class Action : std::uint8_t {
    Drop,       ///< The receiving endpoint has nothing for it.
    Pass,       ///< The payload goes on untouched, as payload type `out`.
    Transcode,  ///< The transcoder decodes it (audio), or carries it over (telephone-event, CN).
  };
  RtpClockRate clock{8000};
  Action action = Action::Drop;
  PayloadType out;
  /// Belongs to the leg's one audio timeline; false: its own stream for each SSRC (video).
  bool is_audio = true;
  bool is_video = false;  ///< Its packets are kept, to be sent again.
  friend bool operator==(const Route&, const Route&) = default;
};

using RouteTable = PayloadTypeMap<Route>;

}  // namespace causeway::media
