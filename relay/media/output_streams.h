#pragma once

#include <memory>
#include <span>

#include "relay/base/random.h"
#include "relay/base/static_vector.h"
#include "relay/rtp/continuity.h"
#include "relay/rtp/rtx.h"

namespace causeway::media {

/// The RTP streams towards one endpoint. Audio is one stream for the life of the leg, whichever
/// path or source feeds it. Anything else (video) has a stream for each SSRC that feeds it, and one
/// for what is sent of it again (RFC 4588), at most kMaxOthers; a further source takes over the one
/// idle longest, under its SSRC and timeline: whatever a sender does to its own SSRCs, the endpoint
/// is told of no more than these (and SRTP, which never forgets one, has no more to remember).
///
/// Most legs are only ever sent audio. The room for the others is made off the worker and comes
/// with the first path that may need it (take_room); from then on it stays.
class OutputStreams {
 public:
  static constexpr std::size_t kMaxOthers = 8;

  struct Other {
    Ssrc source;
    rtp::OutputStream stream;
    rtp::RtxSender rtx;        ///< Where the endpoint has negotiated it.
    std::uint8_t section = 0;  ///< Of video: the place that its packets are of.
  };
  using Others = StaticVector<Other, kMaxOthers>;
  using Room = std::unique_ptr<Others>;
  /// All of it, as a value.
  struct Snapshot {
    Random random{Random::Key{}};
    rtp::OutputStream audio;
    Others others;
  };

  /// Draws SSRC, first sequence number and first timestamp at random (RFC 3550 5.1).
  OutputStreams(RtpClockRate audio_clock, Random& random);

  [[nodiscard]] rtp::OutputStream& audio() { return audio_; }
  [[nodiscard]] const rtp::OutputStream& audio() const { return audio_; }
  /// The stream that carries `source`, begun where it is new. REQUIRES: there is room.
  [[nodiscard]] rtp::OutputStream& other_for(Ssrc source, RtpClockRate clock,
                                             std::uint8_t section = 0);
  /// The section of the stream that the endpoint sees as `out`; 0 where there is none.
  [[nodiscard]] std::uint8_t section_of(Ssrc out) const;
  [[nodiscard]] std::span<const Other> others() const;
  /// The retransmissions of the stream that the endpoint sees as `out`; null where it has none.
  [[nodiscard]] rtp::RtxSender* rtx_of(Ssrc out);
  /// Takes `room` where there is none yet; else leaves it.
  void take_room(Room& room);
  [[nodiscard]] bool has_room() const { return others_ != nullptr; }

  [[nodiscard]] Snapshot snapshot() const;
  /// Goes on from a snapshot. Makes the room that it needs, so call it off the worker.
  void restore(const Snapshot& snapshot);
  /// The stream with the SSRC `out` that the endpoint sees; null where there is none.
  [[nodiscard]] const rtp::OutputStream* find(Ssrc out) const;
  /// After a time in which nothing could be sent (hold): the next packet of each stream takes the
  /// next sequence number and the timestamp that the elapsed time asks for.
  void resume(Instant now);
  /// The same for the streams of one section of video.
  void resume_section(Instant now, std::uint8_t section);
  /// Moves each stream whose SSRC `is_spent` to a new one, for a sender that must not go on under
  /// the old (RFC 3711: re-keyed without MKI while its ROC is not zero). Their timelines go on.
  template <typename Predicate>
  void renew_ssrcs(Predicate is_spent) {
    const auto renew_if_spent = [&](rtp::OutputStream& stream) {
      if (!is_spent(stream.ssrc())) return;
      const Ssrc ssrc = draw_ssrc();
      stream.renew(ssrc, draw_first_seq());
    };
    renew_if_spent(audio_);
    if (!others_) return;
    for (Other& other : *others_) {
      renew_if_spent(other.stream);
      if (is_spent(other.rtx.ssrc())) other.rtx = make_rtx();
    }
  }

 private:
  [[nodiscard]] rtp::OutputStream make_stream(RtpClockRate clock);
  [[nodiscard]] rtp::RtxSender make_rtx();
  [[nodiscard]] Ssrc draw_ssrc();
  [[nodiscard]] SeqNum draw_first_seq();

  Random random_;  // of this leg, so that streams begun later replay too
  rtp::OutputStream audio_;
  Room others_;
};

}  // namespace causeway::media
