#pragma once

#include <cstdint>
#include <optional>

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
  std::uint64_t lost_packets = 0;      ///< For which the ring had no room.
  std::optional<Instant> last_loss{};  ///< Overruns are told once, until a second without any.
};

}  // namespace causeway::engine
