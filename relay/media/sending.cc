#include "relay/media/sending.h"

#include <utility>

namespace causeway::media {
namespace {

// An empty one where there is no buffer, or no reserved place for the packet: then sending would
// allocate. Taken before the sequence number is, so that none is missing.
PacketBuf take_buffer(const Sending& sending) {
  PacketBuf buffer;
  if (sending.out.packets.size() < sending.out.packets.capacity()) buffer = sending.out.pool.take();
  if (!buffer) ++sending.counters.pool_empty;
  return buffer;
}

void put(const Sending& sending, const Outgoing& packet, const rtp::Placed& place,
         PacketBuf buffer) {
  sending.out.packets.push_back(wire::OpenRtp::make(
      std::move(buffer), packet.payload_type, packet.has_marker || place.starts_timeline, place.seq,
      place.timestamp, place.ssrc, packet.payload));
}

}  // namespace

bool send_next(const Sending& sending, const Outgoing& packet, std::uint32_t ticks) {
  PacketBuf buffer = take_buffer(sending);
  if (!buffer) {
    sending.out.stream.skip(ticks);
    return false;
  }
  put(sending, packet, sending.out.stream.append(ticks, sending.now), std::move(buffer));
  return true;
}

bool send_at(const Sending& sending, const Outgoing& packet, RtpTimestamp timestamp) {
  PacketBuf buffer = take_buffer(sending);
  if (!buffer) return false;
  put(sending, packet, sending.out.stream.append_at(timestamp, sending.now), std::move(buffer));
  return true;
}

}  // namespace causeway::media
