#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/wire/rtcp_writer.h"

namespace causeway::rtp {

/// The receiving side of transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-
/// extensions-01) for one transport: told of the transport-wide sequence number of each packet, it
/// says when a feedback is due and writes it. For legs where the relay answers for itself: their
/// media are transcoded, or the leg on the other side has not negotiated it. (Where it passes,
/// RtcpRoute::passes_transport_cc.)
///
/// It goes about the last kWindow numbers. What comes late is reported then, together with what was
/// reported since: senders take a number that they have heard of as known. A number that comes
/// twice counts once; one that is further off than the window begins anew. 8 KiB, nothing
/// allocates. A value.
class TransportFeedback {
 public:
  /// A feedback leaves this long after the first packet that it is about, so about ten a second
  /// while packets come and none otherwise.
  static constexpr Duration kInterval = std::chrono::milliseconds(100);
  static constexpr int kWindow = 1024;
  /// With this many to report it is due at once: half the window, so that none is pushed out.
  static constexpr int kMostWaiting = kWindow / 2;

  /// `media`: the SSRC of the packet.
  void on_packet(SeqNum transport_seq, Ssrc media, Instant arrival);

  /// Nothing while there is nothing to report.
  [[nodiscard]] std::optional<Instant> next_timeout() const { return due_; }
  /// Adds the feedback that is due to `writer`, in the name of `sender`; false, and nothing is
  /// added, where none is. The caller has begun the compound where the leg does not take
  /// reduced-size ones (RFC 5506). What does not fit stays due.
  bool handle_timeout(Instant now, Ssrc sender, wire::RtcpWriter& writer);

  friend bool operator==(const TransportFeedback&, const TransportFeedback&) = default;

 private:
  static constexpr Instant kMissing = Instant::min();

  [[nodiscard]] Instant& arrival_of(std::int64_t number) {
    return arrivals_[static_cast<std::size_t>(number & (kWindow - 1))];
  }
  void begin(SeqNum seq, Instant arrival);
  /// Where in the window, so that order and distance are those of integers.
  [[nodiscard]] std::int64_t oldest() const { return newest_ - kWindow + 1; }

  std::array<Instant, kWindow> arrivals_{};
  bool has_begun_ = false;
  std::int64_t newest_ = 0;  // its low 16 bits are the transport-wide sequence number
  std::int64_t base_ = 0;    // the first number that is to be reported
  int waiting_ = 0;          // packets since the last feedback
  Instant epoch_{};          // arrivals are told from here on
  Ssrc media_;
  std::uint8_t number_ = 0;
  std::optional<Instant> due_;
};

}  // namespace causeway::rtp
