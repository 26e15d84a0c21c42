#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "relay/base/time.h"

namespace causeway::rtp {

/// When RTCP is due (RFC 3550 6.2, 6.3, A.7; early feedback: RFC 4585 3.5). Deterministic: each
/// decision takes 64 random bits from outside. A value.
///
///     state      | input                        | then
///     waiting    | handle_timeout, due          | send; wait an interval anew
///     waiting    | handle_timeout, early        | wait on (reconsideration, 6.3.6)
///     waiting    | request_early, first since   | send at once; the next regular one is moved back
///                |   the last regular report    |   by an interval (RFC 4585 3.5.2)
///     waiting    | request_early, not the first | due no earlier than it was
class RtcpSchedule {
 public:
  static constexpr Duration kMinimum = std::chrono::seconds(5);  // RFC 3550 6.2

  RtcpSchedule() = default;
  /// `bandwidth` is the RTCP share: 5 % of the session's, in octets a second.
  RtcpSchedule(Instant start, std::uint32_t bandwidth_octets_per_second, std::uint64_t random);

  /// Who takes part, ourselves included: changes the next interval that is computed, and when
  /// members leave also the present one (6.3.4).
  void set_members(Instant now, std::uint32_t members, std::uint32_t senders, bool we_sent);
  /// Any compound sent or received, with UDP and IP headers: keeps the average (6.3.3).
  void on_compound(std::size_t octets);

  [[nodiscard]] Instant next() const { return next_; }
  /// Whether a compound is to be sent now. Spurious calls answer no and change nothing.
  [[nodiscard]] bool handle_timeout(Instant now, std::uint64_t random);
  /// Whether feedback may leave now, ahead of the schedule; if not, it goes with the next compound.
  [[nodiscard]] bool request_early(Instant now);

  /// The interval before randomisation: also what a sender's activity is judged by (6.3.5).
  [[nodiscard]] Duration deterministic_interval() const;

  friend bool operator==(const RtcpSchedule&, const RtcpSchedule&) = default;

 private:
  [[nodiscard]] Duration interval(std::uint32_t random) const;

  Instant last_{};  // tp
  Instant next_{};  // tn
  std::uint32_t bandwidth_ = 0;
  std::uint32_t members_ = 1;
  std::uint32_t senders_ = 0;
  bool we_sent_ = false;
  bool is_initial_ = true;
  bool may_go_early_ = true;
  std::uint32_t average_octets_ = kFirstGuess;

  static constexpr std::uint32_t kFirstGuess = 120;  // SR with one block, CNAME, IPv4 and UDP
};

}  // namespace causeway::rtp
