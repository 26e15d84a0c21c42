#pragma once

#include <cstdint>
#include <optional>

#include "relay/base/address.h"
#include "relay/base/result.h"
#include "relay/base/static_vector.h"
#include "relay/base/time.h"
#include "relay/engine/spec.h"

namespace causeway::engine {

/// Decides which senders one port of a leg listens to, and, under LATCH, learns where to send.
/// Two steps, so that nothing is learned from a packet that proves false: admits() looks at the
/// address only and has no effect; on_authentic() is told of packets that passed it and were
/// opened. Single-threaded; never allocates.
///
/// LATCH, one port:
///
///     Armed --N packets in sequence of one SSRC from one address (1 where SRTP vouches for them,
///             or where the address is the signalled one)--> Locked
///     Armed --window over--> Closed          Locked --same IP, same SSRC, the sequence goes on,
///     any   --arm()--> Armed                           old source silent for 2 s--> Locked (moved)
class SourceFilter {
 public:
  /// How long a latched source must have been silent before the same stream may move it.
  static constexpr Duration kSilenceBeforeMove = std::chrono::seconds(2);

  /// What on_authentic() made of a packet.
  enum class Verdict : std::uint8_t { Accept, AcceptAndLearned, Reject };

  SourceFilter() = default;
  /// `rule` is the leg's, shared by its ports, and outlives its use here. `signalled`: whom the leg
  /// was told to expect on this port, where it was told. `is_secure`: SRTP vouches for every
  /// packet, so the address may move anywhere its newest index comes from.
  void arm(const AcceptFrom& rule, std::optional<SocketAddress> signalled, bool is_secure,
           Instant now);

  /// Whether a packet from `from` may be opened at all. O(1) but for CIDRS (at most 16).
  [[nodiscard]] bool admits(const SocketAddress& from) const;

  struct Seen {
    SocketAddress from;
    Ssrc ssrc;
    SeqNum seq;
    bool is_newest = true;  ///< Its index is the highest so far (SRTP).
  };
  /// REQUIRES: admits(seen.from).
  [[nodiscard]] Verdict on_authentic(Instant now, const Seen& seen);
  /// RTCP on a port of its own, or RTP's twin: locks on the address `from` if its IP is that of
  /// `rtp`'s latched source.
  [[nodiscard]] Verdict on_authentic_rtcp(Instant now, const SocketAddress& from,
                                          const SourceFilter& rtp);

  /// The latched source; nothing before the latch and under the other rules.
  [[nodiscard]] const std::optional<SocketAddress>& learned() const { return learned_; }
  /// For a leg that is restored from a snapshot.
  void restore_learned(const SocketAddress& address, Ssrc ssrc, SeqNum seq, Instant now);
  [[nodiscard]] bool is_latching() const { return accept_->rule == AcceptFrom::Rule::Latch; }

 private:
  /// Before it is armed: EXACT, and nobody is expected.
  static const AcceptFrom kNobody;
  struct Candidate {
    SocketAddress from;
    Ssrc ssrc;
    SeqNum next;
    std::uint8_t in_sequence = 0;
  };
  static constexpr std::size_t kMaxCandidates = 4;

  [[nodiscard]] bool is_in_cidrs(const IpAddress& ip) const;
  [[nodiscard]] Verdict lock(Instant now, const Seen& seen);
  [[nodiscard]] Verdict on_candidate(Instant now, const Seen& seen);
  [[nodiscard]] bool continues_stream(Instant now, const Seen& seen) const;

  const AcceptFrom* accept_ = &kNobody;
  bool is_secure_ = false;
  std::optional<SocketAddress> signalled_;
  std::optional<SocketAddress> learned_;
  Ssrc ssrc_;
  SeqNum last_seq_;
  Instant last_heard_;
  Instant window_end_;
  StaticVector<Candidate, kMaxCandidates> candidates_;
  std::size_t oldest_candidate_ = 0;
};

}  // namespace causeway::engine
