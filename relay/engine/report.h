#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "codecs/level.h"
#include "relay/base/address.h"
#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/media/transcoder_counters.h"
#include "relay/rtp/sender.h"

namespace causeway::engine {

/// What a leg experienced, as a value. Filled on the worker without allocating.
struct LegReport {
  struct Received {
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;  ///< UDP payload of accepted packets.
    std::uint64_t rtcp_packets = 0;
    std::uint64_t lost = 0;  ///< Missing from the sequence, all SSRCs.
    std::uint64_t reordered = 0;
    std::uint64_t duplicates = 0;
    /// Of streams of their own (RFC 4588), which `packets` does not count; probes among them.
    std::uint64_t retransmitted_packets = 0;
    std::uint64_t retransmitted_octets = 0;
    Duration jitter{};  ///< RFC 3550 A.8, of the newest stream.
    std::optional<Ssrc> ssrc;
    std::optional<PayloadType> payload_type;  ///< Of the newest packet.
    std::optional<Instant> first_packet_at;
    std::optional<Instant> last_packet_at;
    /// Of its audio, as decoded, or as it says itself (RFC 6464) where that is negotiated.
    std::optional<codecs::LevelMeter::Levels> level;
  } received;

  struct Sent {
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;
    std::uint64_t rtcp_packets = 0;
    /// Sent once more because the endpoint asked for them; `packets` does not count these.
    std::uint64_t retransmitted_packets = 0;
    std::uint64_t retransmitted_octets = 0;
    std::optional<Ssrc> ssrc;
    // As the endpoint reports it.
    std::uint8_t far_fraction_lost = 0;  ///< 1/256, of the last report.
    std::int32_t far_lost = 0;
    Duration far_jitter{};
    rtp::RoundTrips round_trips;
    std::optional<codecs::LevelMeter::Levels> level;  ///< Of what was encoded.
  } sent;

  /// What the transcoders of its connections did, where there are any: with the audio that this leg
  /// sent us, and with what was made for it.
  struct Transcoded {
    std::optional<media::TranscoderCounters> from_endpoint;
    std::optional<media::TranscoderCounters> to_endpoint;
  } transcoded;

  std::array<std::uint64_t, static_cast<std::size_t>(DropReason::kCount)> drops{};
  std::optional<SocketAddress> local_rtp;
  std::optional<SocketAddress> local_rtcp;
  std::optional<SocketAddress> remote_rtp;  ///< Where we send: signalled or learned.
  std::optional<SocketAddress> remote_rtcp;
  std::optional<SocketAddress> learned_rtp;
  std::uint64_t recorded_packets = 0;
  std::uint64_t recording_lost_packets = 0;
};

}  // namespace causeway::engine
