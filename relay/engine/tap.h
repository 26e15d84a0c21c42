#pragma once

#include <cstdint>

#include "relay/base/time.h"
#include "relay/record/frame.h"
#include "relay/wire/rtp.h"

namespace causeway::engine {

/// Where a recording takes its copy of a leg's media.
struct RecordTap {
  enum class Point : std::uint8_t {
    AsReceived,  ///< What the endpoint sent: opened, before anything is done to it.
    AsSent,      ///< What the endpoint is sent: after the chain, before sealing.
  };
  record::RecordingId recording;
  std::uint8_t channel = 0;
  Point point = Point::AsReceived;
  bool has_overrun = false;  ///< The ring was full; said once, until a packet fits again.
};

}  // namespace causeway::engine
