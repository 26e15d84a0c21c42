#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "relay/base/byte_ring.h"
#include "relay/base/bytes.h"
#include "relay/base/strong.h"
#include "relay/base/time.h"

namespace causeway::record {

/// Names a recording inside the process: control/ gives the numbers and never gives one twice.
using RecordingId = Strong<struct RecordingIdTag, std::uint32_t>;

/// What a frame of the recorder's ring says.
enum class FrameKind : std::uint8_t {
  Rtp = 1,     ///< A whole opened RTP packet follows the header.
  Start = 2,   ///< The recording's time zero is `at`. The first one counts.
  Pause = 3,   ///< Nothing from `at` on, until Resume.
  Resume = 4,  ///< Recording again from `at` on.
  Stop = 5,    ///< The recording ends at `at`. The first one counts.
  Lost = 6,    ///< `frames` packets of `octets` in all were lost here, because the ring was full.
  ClockMark = 7,  ///< Nothing but the time: every later frame of this ring is not much older.
};

/// The codec of the packet is to be looked up by its payload type in ChannelSpec::codecs.
inline constexpr std::uint8_t kCodecByPayloadType = 0xff;

/// A ring that has lost nothing for so long has room again: one overrun is over, another would be
/// new.
inline constexpr Duration kRingCalm = std::chrono::seconds(1);

/// The head of every frame in the recorder's ring: 24 octets, host order (the ring never leaves the
/// host).
///
///     | u32 recording | u8 kind | u8 channel | u8 codec slot | u8 0 | i64 at, ns of the relay
///     clock | | u32 frames | u32 octets |  then, for kind Rtp, the RTP packet
struct FrameHeader {
  RecordingId recording;
  FrameKind kind = FrameKind::Rtp;
  std::uint8_t channel = 0;  ///< Index in RecordingSpec::channels.
  /// Index in ChannelSpec::codecs, or kCodecByPayloadType.
  std::uint8_t codec_slot = kCodecByPayloadType;
  Instant at;                ///< Rtp: when the packet arrived. Others: see FrameKind.
  std::uint32_t frames = 0;  ///< Lost only.
  std::uint32_t octets = 0;  ///< Lost only: of RTP packets.
};
inline constexpr std::size_t kFrameHeaderOctets = 24;

/// A frame as it stands in the ring; `packet` is borrowed from there.
struct Frame {
  FrameHeader header;
  Bytes packet;
};

/// Writes `header` into the first kFrameHeaderOctets of `out`.
/// REQUIRES: out.size() >= kFrameHeaderOctets.
void write_frame_header(MutableBytes out, const FrameHeader& header);
/// The frame that `record` (ByteRing::front) holds; nothing where it is shorter than a header or of
/// an unknown kind.
[[nodiscard]] std::optional<Frame> read_frame(Bytes record);

/// The worker's end of the recorder's ring: one copy a packet, never waits. Markers are never lost:
/// while the ring is full they wait here, together with the count of what was lost meanwhile, and
/// go in first when there is room, so a file knows of its own holes. Belongs to the ring's producer
/// thread; allocates only when made.
class RingWriter {
 public:
  /// `ring` is borrowed and outlives the writer. `max_pending` markers and loss counts can wait.
  explicit RingWriter(ByteRing& ring, std::size_t max_pending = 1024);

  /// Copies an opened RTP packet in. False where it was lost because the ring is full: the caller
  /// counts it and says recording.degraded.
  [[nodiscard]] bool write_packet(RecordingId recording, std::uint8_t channel,
                                  std::uint8_t codec_slot, Instant arrival, Bytes packet);
  /// Puts a marker (Start, Pause, Resume, Stop, ClockMark) in, now or as soon as there is room.
  void write_marker(RecordingId recording, FrameKind kind, Instant at);
  /// Moves what waits into the ring; true when nothing waits any more. Called once a loop by the
  /// worker while has_pending().
  bool flush();

  [[nodiscard]] bool has_pending() const { return pending_count_ != 0; }
  /// Packets lost so far, of all recordings.
  [[nodiscard]] std::uint64_t lost_packets() const { return lost_packets_; }
  [[nodiscard]] std::uint64_t lost_octets() const { return lost_octets_; }

 private:
  bool put(const FrameHeader& header, Bytes packet);
  void add_loss(RecordingId recording, std::uint8_t channel, Instant at, std::size_t octets);
  bool keep(const FrameHeader& header);

  ByteRing& ring_;
  std::vector<FrameHeader> pending_;  // the first pending_count_, oldest first; capacity is fixed
  std::size_t pending_count_ = 0;
  std::uint64_t lost_packets_ = 0;
  std::uint64_t lost_octets_ = 0;
};

}  // namespace causeway::record
