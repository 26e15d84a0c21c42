#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "relay/base/bytes.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/rtp/cname.h"
#include "relay/rtp/reception.h"
#include "relay/rtp/rtcp_schedule.h"
#include "relay/rtp/sender.h"
#include "relay/wire/rtcp.h"
#include "relay/wire/rtcp_writer.h"

namespace causeway::rtp {

/// What one compound from the endpoint asks for or tells, beyond the statistics.
struct RtcpNews {
  bool has_bye = false;        ///< Of a stream received. Ends no leg: the caller decides.
  bool wants_picture = false;  ///< PLI, or FIR for our SSRC.
  bool has_report = false;     ///< A report block about our SSRC.
  bool has_sender_report = false;
  unsigned malformed = 0;  ///< Packets whose insides lie.
  unsigned ignored = 0;    ///< Packets of types that a terminating endpoint has no use for.
};

/// The statistics of the streams that a leg receives, borrowed from the leg for one call.
using Receptions = std::span<Reception* const>;

/// What a leg's RTCP has to say for its report.
struct RtcpSummary {
  std::uint8_t fraction_lost = 0;  ///< Inbound, of the last interval that we reported, 1/256.
  std::uint64_t packets_sent = 0;
  std::uint64_t octets_sent = 0;  ///< Payload.
  std::optional<FarReport> far;   ///< What the endpoint says about our stream, round trip included.
  friend bool operator==(const RtcpSummary&, const RtcpSummary&) = default;
};

/// The relay as an RTP endpoint towards one leg (Transcode and Mix): takes in what the endpoint
/// says about our stream, sends compounds of SR or RR, SDES (CNAME), feedback and BYE. One SSRC of
/// ours; the streams received are counted by the leg (Reception) and only reported here. Sans-I/O:
/// the caller asks next_timeout() and calls handle_timeout(); a spurious call writes nothing. A
/// value.
///
/// A leg may have this for its audio and an RtcpTranslator for video that is passed on: both read
/// the same compounds, and each leaves alone what is about SSRCs that are not its own.
class RtcpSession {
 public:
  /// A source silent for this long is no longer a member (RFC 3550 6.3.5: five intervals).
  static constexpr Duration kMemberTimeout = 5 * RtcpSchedule::kMinimum;

  struct Config {
    Ssrc ssrc;
    Cname cname;
    WallClock wall_clock;
    /// RTCP's share, 5 % of the session: 400 is that of a 64 kbit/s voice stream.
    std::uint32_t bandwidth_octets_per_second = 400;
  };

  RtcpSession() = default;
  RtcpSession(const Config& config, Instant now, std::uint64_t random);

  /// A compound from the endpoint. Its SRs are handed to the receptions they are about.
  RtcpNews on_rtcp(const wire::OpenRtcp& compound, Instant arrival, Receptions receptions);
  /// A packet to the endpoint.
  void on_sent(RtpTimestamp timestamp, Instant at, RtpClockRate clock_rate,
               std::size_t payload_octets) {
    sender_.on_sent(timestamp, at, clock_rate, payload_octets);
  }
  /// Our stream goes on under another SSRC; nothing where it is the same.
  void renew(Ssrc ssrc) { sender_.renew(ssrc); }
  /// Puts our SRs on the original sender's clock; see Sender::set_timeline.
  void set_timeline(NtpTime ntp, RtpTimestamp timestamp, Instant at) {
    sender_.set_timeline(ntp, timestamp, at);
  }

  [[nodiscard]] Instant next_timeout() const { return schedule_.next(); }
  /// The compound that is due, written to `out`: its size in octets, 0 where none is due. `out`
  /// should hold 1200 octets; blocks that do not fit go with the next compound.
  [[nodiscard]] std::size_t handle_timeout(Instant now, std::uint64_t random, Receptions receptions,
                                           MutableBytes out);
  /// A compound with a PLI for `media`, if feedback may leave now (RFC 4585 3.5); 0 if it may not,
  /// it then goes with the next regular compound.
  [[nodiscard]] std::size_t request_picture(Instant now, Ssrc media, MutableBytes out);
  /// The last compound: reports and BYE.
  [[nodiscard]] std::size_t write_bye(Instant now, Receptions receptions, MutableBytes out);

  [[nodiscard]] Ssrc ssrc() const { return sender_.ssrc(); }
  [[nodiscard]] RtcpSummary summary() const;
  [[nodiscard]] const Sender& sender() const { return sender_; }

  friend bool operator==(const RtcpSession&, const RtcpSession&) = default;

 private:
  void take_packet(const wire::RtcpPacket& packet, Instant arrival, Receptions receptions,
                   RtcpNews& news);
  void take_blocks(const wire::ReportBlocks& blocks, Instant arrival, RtcpNews& news);
  void take_feedback(const wire::Feedback& feedback, RtcpNews& news) const;
  /// SR or RR with the blocks of those who sent since the last one, then the CNAME.
  void write_report(Instant now, Receptions receptions, wire::RtcpWriter& writer);
  void count_members(Instant now, Receptions receptions);

  Cname cname_;
  Sender sender_;
  RtcpSchedule schedule_;
  std::uint8_t fraction_lost_ = 0;
  std::optional<Ssrc> wanted_picture_;  // a PLI that had to wait
};

}  // namespace causeway::rtp
