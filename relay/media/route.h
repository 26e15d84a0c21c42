#pragma once

#include <array>
#include <cstdint>

#include "relay/base/types.h"

namespace causeway::media {

/// What a path does with one payload type of the sending endpoint.
struct Route {
  enum class Action : std::uint8_t {
    Drop,       ///< The receiving endpoint has nothing for it.
    Pass,       ///< The payload goes on untouched, as payload type `out`.
    Transcode,  ///< The transcoder decodes it (audio), or carries it over (telephone-event, CN).
  };
  RtpClockRate clock{8000};  // first: 128 of these stand in every path
  Action action = Action::Drop;
  PayloadType out;
  /// Belongs to the leg's one audio timeline; false: its own stream for each SSRC (video).
  bool is_audio = true;
};

/// By payload type, 0..127.
using RouteTable = std::array<Route, 128>;

}  // namespace causeway::media
