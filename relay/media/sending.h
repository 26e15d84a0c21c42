#pragma once

#include <cstdint>

#include "relay/base/bytes.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/media/emit.h"
#include "relay/media/transcoder_counters.h"

namespace causeway::media {

/// What the parts of a transcoder need to send: the instant of the input or timeout they work for,
/// where packets go, and what is counted. Borrowed for the call.
struct Sending {
  Instant now;
  Emit& out;
  TranscoderCounters& counters;
};

/// What of a packet its sender decides; the stream adds SSRC and sequence number.
struct Outgoing {
  PayloadType payload_type;
  bool has_marker = false;
  Bytes payload;
};

/// Sends the stream's next packet, which lasts `ticks` of its clock. Without a buffer time passes
/// all the same. Returns whether it was sent.
bool send_next(const Sending& sending, const Outgoing& packet, std::uint32_t ticks);
/// Sends a packet with a timestamp of its own; does not move the stream's next timestamp.
bool send_at(const Sending& sending, const Outgoing& packet, RtpTimestamp timestamp);

}  // namespace causeway::media
