#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/rtp/reception.h"
#include "relay/wire/rtcp_views.h"

namespace causeway::rtp {

/// The SRs that went out for one stream, so that a report block which names one of them (LSR) gives
/// a round trip, whatever clock the SR's NTP time was of. Remembers the last eight. A value.
class SentReports {
 public:
  void on_sent(NtpTime ntp, Instant at);
  /// When the SR that `last_sr` names was sent; nothing where it is zero, unknown or forgotten.
  [[nodiscard]] std::optional<Instant> sent_at(std::uint32_t last_sr) const;
  /// now - sent - DLSR (RFC 3550 6.4.1), at least zero; nothing where sent_at() knows nothing or
  /// the far end claims to have held the SR longer than it has existed by more than a second.
  [[nodiscard]] std::optional<Duration> round_trip(const wire::ReportBlock& block,
                                                   Instant now) const;
  friend bool operator==(const SentReports&, const SentReports&) = default;

 private:
  struct Sent {
    std::uint32_t compact = 0;
    Instant at{};
    friend bool operator==(const Sent&, const Sent&) = default;
  };
  std::array<Sent, 8> sent_{};
  std::uint8_t next_ = 0;
  std::uint8_t count_ = 0;
};

/// The round trips that have been measured. A value.
struct RoundTrips {
  std::uint64_t count = 0;
  Duration last{};
  Duration least{};
  Duration greatest{};
  Duration sum{};

  void add(Duration measured);
  /// REQUIRES: count != 0.
  [[nodiscard]] Duration mean() const { return sum / static_cast<std::int64_t>(count); }
  friend bool operator==(const RoundTrips&, const RoundTrips&) = default;
};

/// What the far end last reported about a stream.
struct FarReport {
  Instant arrival;
  std::uint8_t fraction_lost = 0;  ///< 1/256.
  std::int32_t cumulative_lost = 0;
  std::uint32_t extended_highest_seq = 0;
  std::uint32_t jitter_ticks = 0;
  RoundTrips round_trips;  ///< Of this report and all before it.
  friend bool operator==(const FarReport&, const FarReport&) = default;
};

/// What `block` says at `now` about a stream whose SRs are `sent`; `before`: what was said last.
[[nodiscard]] FarReport make_far_report(const wire::ReportBlock& block, Instant now,
                                        const SentReports& sent,
                                        const std::optional<FarReport>& before);

/// The sending side of one SSRC of ours: what was sent, the SR about it, what came back. A value.
///
/// The SR ties an NTP time to an RTP timestamp. Without set_timeline() that is the relay's wall
/// clock at the last packet; with it, the clock of the original sender, so that audio that is
/// transcoded stays in step with video of the same sender that is passed on (DESIGN.md section 3).
class Sender {
 public:
  Sender() = default;
  Sender(Ssrc ssrc, WallClock wall_clock) : ssrc_(ssrc), wall_clock_(wall_clock) {}

  /// Goes on under another SSRC (RFC 3550 6.4.1: its counts begin anew); nothing where it is the
  /// same. The timeline is kept.
  void renew(Ssrc ssrc);

  /// `payload_octets`: without header and padding, as the SR counts them.
  void on_sent(RtpTimestamp timestamp, Instant at, RtpClockRate clock_rate,
               std::size_t payload_octets);
  /// From now on: `ntp` is when the medium at `timestamp` was captured, `at` that same moment on
  /// the relay's clock (for a sender's SR: its NTP time, its timestamp as this stream numbers it,
  /// its arrival).
  void set_timeline(NtpTime ntp, RtpTimestamp timestamp, Instant at);

  [[nodiscard]] bool has_sent() const { return packets_ != 0; }
  /// Whether something was sent in the last two report intervals (RFC 3550 6.4): SR, not RR.
  [[nodiscard]] bool is_active(Instant now, Duration interval) const;
  /// The sender part of an SR sent at `now`. REQUIRES: has_sent().
  [[nodiscard]] wire::SenderInfo make_report(Instant now);
  /// A report block about this SSRC.
  void on_report_block(const wire::ReportBlock& block, Instant now);

  [[nodiscard]] Ssrc ssrc() const { return ssrc_; }
  [[nodiscard]] std::uint64_t packets() const { return packets_; }
  [[nodiscard]] std::uint64_t octets() const { return octets_; }
  [[nodiscard]] RtpClockRate clock_rate() const { return clock_rate_; }
  [[nodiscard]] const std::optional<FarReport>& far_report() const { return far_; }

  friend bool operator==(const Sender&, const Sender&) = default;

 private:
  /// A moment on the relay's clock, the NTP time and the RTP timestamp that belong to it.
  struct Anchor {
    Instant at{};
    NtpTime ntp;
    RtpTimestamp timestamp;
    friend bool operator==(const Anchor&, const Anchor&) = default;
  };

  Ssrc ssrc_;
  WallClock wall_clock_;
  RtpClockRate clock_rate_;
  std::uint64_t packets_ = 0;
  std::uint64_t octets_ = 0;
  RtpTimestamp last_timestamp_;
  Instant last_timestamp_at_{};
  Instant last_sent_{};
  std::optional<Anchor> timeline_;
  SentReports reports_;
  std::optional<FarReport> far_;
};

}  // namespace causeway::rtp
