#pragma once

#include <cstdint>

#include "relay/base/time.h"

namespace causeway::media {

/// What a Transcoder has done since it was made (or since the one it took over from was).
/// Packets where nothing else is said. Each input packet adds to exactly one of the first block.
struct TranscoderCounters {
  std::uint64_t decoded = 0;
  std::uint64_t late = 0;                  ///< Its place had been concealed: dropped.
  std::uint64_t duplicate = 0;             ///< Dropped.
  std::uint64_t bad_payload = 0;           ///< The codec, event or noise payload lies: dropped.
  std::uint64_t unknown_payload_type = 0;  ///< Dropped.
  std::uint64_t event_packets = 0;         ///< telephone-event, repeated ones included.
  std::uint64_t noise_packets = 0;         ///< RFC 3389.

  std::uint64_t reordered = 0;      ///< Came after a later one, and was still used.
  std::uint64_t lost = 0;           ///< Sequence numbers given up; a late packet stays lost.
  std::uint64_t fec_recovered = 0;  ///< Losses filled from in-band FEC.
  std::uint64_t concealed = 0;      ///< Losses filled, or begun to be filled, by concealment.
  Duration concealed_time{};        ///< Concealment and its fade.
  std::uint64_t silences = 0;       ///< Timestamp jumps without a sequence jump (DTX).
  std::uint64_t dtx_fills = 0;  ///< Frames of comfort noise or silence made for a silent sender.
  std::uint64_t discontinuities = 0;

  std::uint64_t encoded = 0;         ///< Audio packets sent.
  std::uint64_t dtx_frames = 0;      ///< Frames for which the encoder sends nothing.
  std::uint64_t paced = 0;           ///< Packets sent by the pacing timer, not by their input.
  std::uint64_t events = 0;          ///< telephone-events begun towards the endpoint.
  std::uint64_t events_unheard = 0;  ///< Events for an endpoint that has no telephone-event.
  std::uint64_t noise_sent = 0;      ///< RFC 3389 packets sent.
  std::uint64_t pool_empty = 0;      ///< Packets not sent for want of a buffer.

  TranscoderCounters& operator+=(const TranscoderCounters& other);
};

}  // namespace causeway::media
