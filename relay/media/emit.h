#pragma once

#include <vector>

#include "relay/base/packet_buf.h"
#include "relay/rtp/continuity.h"
#include "relay/wire/rtp.h"

namespace causeway::media {

/// Where a path puts what it sends: packets in the clear, with their final SSRC, sequence number
/// and timestamp, in sending order. The engine seals and transmits them after the call. Borrowed
/// for the call; `packets` has its capacity reserved, so that filling it does not allocate.
struct Emit {
  PacketPool& pool;
  rtp::OutputStream& stream;  ///< The continuity of the receiving leg's audio stream.
  std::vector<wire::OpenRtp>& packets;
};

}  // namespace causeway::media
