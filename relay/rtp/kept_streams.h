#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "relay/base/bytes.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/rtp/rate_meter.h"
#include "relay/rtp/retransmission.h"

namespace causeway::rtp {

/// The last packets of the streams towards one endpoint that are sent again: a RetransmissionBuffer
/// for each, at most so many as it was made for. A further stream takes the place of one that was
/// silent for as long as a packet is of use; until there is such a one it is not kept, and NACKs
/// about it cross. All memory is allocated by the constructor (185 KiB a stream).
class KeptStreams {
 public:
  static constexpr std::size_t kUsual = 2;  ///< A camera and a shared screen.
  /// A packet may be as large as Ethernet carries without IP fragments.
  static constexpr RetransmissionLimits kLimits{.packets = 128, .octets = 1472};

  explicit KeptStreams(std::size_t streams = kUsual) : streams_(streams) {}

  /// What was kept of a packet, see RetransmissionBuffer. What was sealed is not to be taken for
  /// open, nor the other way round, so a stream whose form changes forgets its packets.
  enum class Form : std::uint8_t { OnTheWire, Open };

  /// A packet of `ssrc`, the endpoint's view of it, was sent for the first time.
  void put(Ssrc ssrc, SeqNum seq, Bytes octets, Form form, Instant now);
  /// Null where nothing of the stream is kept.
  [[nodiscard]] const RetransmissionBuffer* find(Ssrc ssrc) const;

  /// What was put, of all streams, kept or not: what the endpoint is sent of video.
  [[nodiscard]] std::uint64_t sent_bits_per_second(Instant now) const {
    return sent_.bits_per_second(now);
  }

  struct Repeat {
    Bytes octets;
    Form form = Form::OnTheWire;
  };
  /// As RetransmissionBuffer::repeat().
  [[nodiscard]] std::optional<Repeat> repeat(Ssrc ssrc, SeqNum seq, Instant now);
  /// Forgets all packets: those of before a leg's security changed must not be seen after it.
  void clear();
  /// Goes on with the packets of `before`, and its room where that is more. Allocates nothing;
  /// `before` is then only fit to be freed.
  void take_over(KeptStreams& before);

 private:
  struct Stream {
    std::optional<Ssrc> ssrc;
    Form form = Form::OnTheWire;
    Instant last_put{};
    RetransmissionBuffer buffer{kLimits};
  };
  [[nodiscard]] Stream* place_for(Ssrc ssrc, Instant now);

  RateMeter sent_;
  std::vector<Stream> streams_;
};

}  // namespace causeway::rtp
