#pragma once

#include <cstdint>
#include <optional>

#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/rtp/seq_window.h"
#include "relay/rtp/stream_map.h"

namespace causeway::rtp {

/// What OutputStream needs to know about a packet that is to be forwarded.
struct InputPacket {
  Ssrc ssrc;
  SeqNum seq;
  RtpTimestamp timestamp;
  Instant arrival;
  RtpClockRate clock_rate;  ///< Of the packet's payload type; one guess for an opaque codec.
};

/// Where a packet stands in the stream towards the endpoint.
struct Placed {
  Ssrc ssrc;
  SeqNum seq;
  RtpTimestamp timestamp;
  /// The timeline starts anew here: audio sets the marker bit (a talkspurt begins). Video does not:
  /// its marker ends a frame.
  bool starts_timeline = false;
  friend bool operator==(const Placed&, const Placed&) = default;
};

/// The continuity of one RTP stream towards an endpoint: its SSRC changes by renew() only, no
/// sequence number is used twice, and timestamps go on where they were, whatever happens to the
/// streams that feed it (DESIGN.md section 3). A value: copying it is taking its snapshot, and a
/// restored copy goes on.
///
/// Fed by map() (Forward, Rekey: offsets that keep gaps and reordering as they are) or by append()
/// (Transcode, Mix: the relay's own packets), or by both in turn when paths are swapped.
///
///     input to map()                                      | what happens
///     next, or ahead by <= 3000, timestamps plausible     | mapped with the offsets in force
///     behind by < 1024, after the mapping's start, unused | mapped: reordering is passed on
///     the same, but its place was used                    | Duplicate
///     behind by more, or from before the mapping's start  | Late
///     the SSRC before this one, within 200 ms             | Late
///     another SSRC or clock rate; a jump of the sequence  | new offsets: sequence = last + 1,
///       > 3000; a timestamp jump > 2 s that the arrival   |   timestamp = last + elapsed arrival
///       times do not show; the second refused packet in a |   time (at least 1 tick),
///       row after 200 ms with none accepted (a sender     |   starts_timeline
///       that restarted a little behind)                   |
class OutputStream {
 public:
  /// RFC 3550 A.1, MAX_DROPOUT.
  static constexpr int kMaxDropout = 3000;
  /// A step of the timestamp by more than this needs its gap in arrival times.
  static constexpr Duration kMaxTimestampJump = std::chrono::seconds(2);
  /// How long packets of a stream that was left may still arrive; and how long a stream has to be
  /// refused before it is believed to have restarted.
  static constexpr Duration kStragglerGuard = std::chrono::milliseconds(200);
  /// A path swap within this of the expected instant counts as on time.
  static constexpr Duration kSwapTolerance = std::chrono::milliseconds(60);

  OutputStream() = default;
  /// The first packet gets exactly `first` and `first_timestamp`. Both and `ssrc` are to be random
  /// (RFC 3550 5.1).
  OutputStream(Ssrc ssrc, SeqNum first, RtpTimestamp first_timestamp, RtpClockRate clock_rate);

  /// The place of a forwarded packet. Errors: Late, Duplicate; both leave the stream as it was.
  [[nodiscard]] Result<Placed, DropReason> map(const InputPacket& in);

  /// The place of the relay's next own packet, which lasts `duration_ticks`: next sequence number,
  /// and the timestamp at which the packet before it ended.
  [[nodiscard]] Placed append(std::uint32_t duration_ticks, Instant now);
  /// The next sequence number for a packet with a timestamp of its own, such as the repeated
  /// packets of one telephone-event. Does not move next_timestamp().
  [[nodiscard]] Placed append_at(RtpTimestamp timestamp, Instant now);
  /// Lets time pass without a packet (silence, an event in place of audio).
  void skip(std::uint32_t ticks) { next_timestamp_ = next_timestamp_.plus(ticks); }
  /// Before append() after a gap, a new source or another codec: the next packet's timestamp
  /// becomes last + elapsed, never before the end of the last packet, and starts the timeline.
  void resume(Instant now, RtpClockRate clock_rate);
  /// Goes on under another SSRC, whose first packet gets `first`. The timeline is kept.
  void renew(Ssrc ssrc, SeqNum first);
  /// Leaves sequence numbers unused, for a takeover from a checkpoint that may be behind what was
  /// sent. REQUIRES: 0 <= packets < 3000.
  void skip_sequence(int packets);

  [[nodiscard]] Ssrc ssrc() const { return ssrc_; }
  [[nodiscard]] RtpClockRate clock_rate() const { return clock_rate_; }
  [[nodiscard]] bool has_sent() const { return has_sent_; }
  /// The newest sequence number used, the newest timestamp, and when a packet was last sent.
  /// REQUIRES: has_sent().
  [[nodiscard]] SeqNum last_seq() const { return used_.newest(); }
  [[nodiscard]] RtpTimestamp last_timestamp() const { return last_timestamp_; }
  [[nodiscard]] Instant last_sent() const { return last_sent_; }
  /// The timestamp that append() will use.
  [[nodiscard]] RtpTimestamp next_timestamp() const { return next_timestamp_; }
  /// The offsets in force, for the RTCP about this stream; nothing where packets are our own.
  [[nodiscard]] std::optional<StreamMap> mapping() const;

  friend bool operator==(const OutputStream&, const OutputStream&) = default;

 private:
  /// The input that the offsets are for, and its newest packet.
  struct Source {
    Ssrc ssrc;
    SeqNum seq;
    RtpTimestamp timestamp;
    friend bool operator==(const Source&, const Source&) = default;
  };

  [[nodiscard]] bool is_straggler(const InputPacket& in) const;
  [[nodiscard]] bool has_jumped(const InputPacket& in) const;
  [[nodiscard]] Placed begin_mapping(const InputPacket& in);
  [[nodiscard]] Placed advance(const InputPacket& in, int steps);
  [[nodiscard]] Result<Placed, DropReason> place_behind(const InputPacket& in, int steps);
  [[nodiscard]] Result<Placed, DropReason> refuse(const InputPacket& in, DropReason reason);
  /// last_timestamp() plus the time since it was first sent, at least one tick.
  [[nodiscard]] RtpTimestamp timestamp_at(Instant now) const;
  void set_last(RtpTimestamp timestamp, Instant at);
  void set_clock_rate(RtpClockRate clock_rate);
  SeqNum take_next_seq();
  void leave_mapping();

  Ssrc ssrc_;
  RtpClockRate clock_rate_;
  SeqWindow used_;  // sequence numbers sent; newest() is the last
  // The timeline's anchor: a timestamp and when a packet first carried it. The packets of one
  // event or one video frame share a timestamp, so later ones do not move the anchor.
  RtpTimestamp last_timestamp_;
  Instant last_timestamp_at_{};
  RtpTimestamp next_timestamp_;
  Instant last_sent_{};
  bool has_sent_ = false;
  bool starts_timeline_ = true;  // the next append() does

  bool is_mapping_ = false;
  Source source_;
  int seq_offset_ = 0;
  std::uint32_t timestamp_offset_ = 0;
  std::uint16_t age_ = 0;    // sequence numbers since the mapping's start, saturating
  std::uint32_t ticks_ = 0;  // a packet's duration: appended, or seen between two neighbours

  std::optional<Ssrc> left_ssrc_;  // the source before this one
  Instant left_at_{};
  std::optional<Source> refused_;  // the last packet refused, if none was accepted since
};

}  // namespace causeway::rtp
