#pragma once

#include <bitset>

#include "relay/engine/spec.h"
#include "relay/rtp/rtx.h"

namespace causeway::engine {

/// What of a leg's streams is sent again, and how: its codecs, compiled off the worker.
struct RepairTypes {
  std::bitset<128> kept;  ///< Video towards the endpoint, by send_type().
  rtp::RtxTypes to_endpoint;
  rtp::RtxTypes from_endpoint;
};
[[nodiscard]] RepairTypes repair_types(const LegSpec& spec);

}  // namespace causeway::engine
