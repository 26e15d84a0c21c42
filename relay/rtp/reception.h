#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/rtp/seq_window.h"
#include "relay/wire/rtcp_views.h"

namespace causeway::rtp {

/// What a received packet's sequence number says about it.
enum class Verdict : std::uint8_t {
  InOrder,    ///< Ahead of all before it; there may be a gap.
  Reordered,  ///< Fills a gap of the last 1024.
  Duplicate,  ///< Seen before, or too old to tell.
  Suspect,    ///< Far off: counted only once a second packet follows on it (RFC 3550 A.1).
  Restarted,  ///< That second packet: the sender restarted its sequence.
};

/// Totals of one received stream since it began, restarts included.
struct ReceptionTotals {
  std::uint64_t packets = 0;  ///< Duplicates and suspects left out.
  std::uint64_t octets = 0;   ///< Of whole RTP packets.
  std::int64_t lost = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t reordered = 0;
  std::uint64_t restarts = 0;
  friend bool operator==(const ReceptionTotals&, const ReceptionTotals&) = default;
};

/// A sender's SR as it arrived: its clock against its stream's, and against ours.
struct ArrivedSenderReport {
  wire::SenderInfo info;
  Instant arrival;
  friend bool operator==(const ArrivedSenderReport&, const ArrivedSenderReport&) = default;
};

/// When a medium was captured: by its sender's clock, and on the relay's (the same moment, as if
/// the sender's last SR had taken no time to come).
struct CaptureTime {
  NtpTime ntp;
  Instant at;
  friend bool operator==(const CaptureTime&, const CaptureTime&) = default;
};

/// Reception statistics of one SSRC (RFC 3550 6.4.1, A.1, A.3, A.8), for input that is authentic or
/// from an accepted source, so without A.1's probation. A value: copying it takes its snapshot.
///
/// Three things differ from RFC 3550's sample code. A packet that fills a gap of the last 1024 is
/// Reordered however late (A.1 stops at 100, which a retransmission at video rates exceeds); what
/// is more than 100 behind and no gap, or 3000 ahead, follows A.1. Duplicates do not count as
/// received, so that they cannot hide loss. Packets that share the timestamp of the one before (one
/// video frame, one event) and reordered ones leave the jitter alone: their spacing is not the
/// network's.
class Reception {
 public:
  static constexpr int kMaxDropout = 3000;  // RFC 3550 A.1
  static constexpr int kMaxMisorder = 100;

  Reception() = default;
  explicit Reception(Ssrc ssrc) : ssrc_(ssrc) {}

  /// `octets`: the whole RTP packet.
  Verdict on_packet(SeqNum seq, RtpTimestamp timestamp, Instant arrival, RtpClockRate clock_rate,
                    std::size_t octets);
  /// An SR of this SSRC: LSR and DLSR refer to it from now on.
  void on_sender_report(const wire::SenderInfo& info, Instant arrival);

  /// The report block for an SR or RR sent at `now`; the next one's fraction counts from here.
  [[nodiscard]] wire::ReportBlock take_report(Instant now);

  [[nodiscard]] Ssrc ssrc() const { return ssrc_; }
  [[nodiscard]] bool has_packets() const { return totals_.packets != 0; }
  /// Whether packets came since the last report: only then is there something to report.
  [[nodiscard]] bool has_news() const { return received_ != received_before_; }
  [[nodiscard]] std::uint32_t extended_highest_seq() const { return highest_; }
  /// Signed: packets from before the first one counted make it negative.
  [[nodiscard]] std::int64_t cumulative_lost() const { return expected() - received_; }
  /// As cumulative_lost, but only up to a sequence number in the past, so that it can be compared
  /// with what another receiver reported at that number. Nothing where that is from before the
  /// stream (re)started, in the future, or more than 1023 back.
  [[nodiscard]] std::optional<std::int64_t> lost_up_to(std::uint32_t extended_seq) const;
  /// Interarrival jitter (RFC 3550 6.4.1), in ticks of the stream's clock and as time.
  [[nodiscard]] std::uint32_t jitter_ticks() const { return jitter_ >> 4; }
  [[nodiscard]] Duration jitter() const;
  [[nodiscard]] Instant last_arrival() const { return last_arrival_; }
  [[nodiscard]] ReceptionTotals totals() const;
  [[nodiscard]] const std::optional<ArrivedSenderReport>& last_sender_report() const {
    return last_sr_;
  }

  /// Of the medium at `timestamp`, by the sender's last SR; nothing before the first one, where
  /// `clock_rate` is not that of the newest packets, or where the two are more than a minute apart
  /// (a sender that restarted its timestamps).
  [[nodiscard]] std::optional<CaptureTime> capture_of(RtpTimestamp timestamp,
                                                      RtpClockRate clock_rate) const;

  friend bool operator==(const Reception&, const Reception&) = default;

 private:
  [[nodiscard]] std::int64_t expected() const {
    return has_packets() ? std::int64_t{highest_} - base_ + 1 : 0;
  }
  Verdict count(SeqNum seq);
  Verdict suspect(SeqNum seq);
  void begin(SeqNum seq);
  void update_jitter(RtpTimestamp timestamp, Instant arrival, RtpClockRate clock_rate);

  Ssrc ssrc_;
  SeqWindow seen_;
  std::uint32_t highest_ = 0;  // extended: cycles in the high half
  std::uint32_t base_ = 0;     // extended sequence number that counting began with
  std::int64_t received_ = 0;  // since base_
  std::int64_t expected_before_ = 0;
  std::int64_t received_before_ = 0;
  std::optional<SeqNum> awaited_;  // what would confirm a restart: A.1's bad_seq

  std::uint32_t jitter_ = 0;  // scaled by 16, as in A.8
  RtpTimestamp last_timestamp_;
  Instant last_timestamp_at_{};  // when a packet first carried it
  Instant last_arrival_{};
  RtpClockRate clock_rate_;

  ReceptionTotals totals_;  // lost: of what came before the last restart
  std::optional<ArrivedSenderReport> last_sr_;
};

}  // namespace causeway::rtp
