#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "relay/base/bytes.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/wire/rtcp.h"
#include "relay/wire/rtcp_views.h"

namespace causeway::rtp {

/// What a RetransmissionBuffer holds and gives away.
struct RetransmissionLimits {
  std::size_t packets = 128;  ///< The last so many sequence numbers. At most 32767.
  std::size_t octets = 1280;  ///< Of a packet; a larger one is not kept.
  Duration longest = std::chrono::seconds(1);  ///< Older than this, a packet is of no use.
  /// How often a packet is sent again, and how far apart: the second request for it may well have
  /// left before the first answer came.
  std::uint8_t repeats = 3;
  Duration spacing = std::chrono::milliseconds(10);
};

/// The last packets of one stream towards an endpoint, as copies, so that the endpoint's NACKs are
/// answered here and at once (RFC 4585 6.2.1). All memory is allocated by the constructor:
/// limits.packets * limits.octets.
///
/// **What is kept.** Where RTX has been negotiated: the open packet, which RtxSender wraps into a
/// new packet of another stream, to be sealed as such. Where not: the octets that went onto the
/// wire, sealed, which are sent again as they are. That is safe: under one SRTP index there is then
/// still only one plaintext and one packet, and whoever listens learns nothing but that it was sent
/// twice. Sealing again is not: with another header or payload (a header extension mapped anew is
/// enough) it would use a nonce twice for two packets, which breaks AES_CM's secrecy and gives
/// GCM's authentication key away. SrtpSender refuses it; nothing here ever asks for it. A packet
/// sealed before a change of keys goes out under the old ones, and is opened as long as the far end
/// keeps them.
///
/// **What it costs.** A NACK of a few octets asks for up to 17 packets, so each is sent again at
/// most limits.repeats times, and all together at most half of what was sent to this endpoint
/// (kShare), saved up to kMostSaved octets. Whatever is asked for, a stream grows by half.
///
///     a number        | holds()  | repeat()
///     kept            | true     | its octets, once a spacing, while repeats and budget last
///     else            | false    | nothing: the NACK crosses to who sent it
class RetransmissionBuffer {
 public:
  static constexpr std::size_t kShare = 2;  ///< One octet again for so many sent.
  static constexpr std::size_t kMostSaved = 64 * 1024;

  explicit RetransmissionBuffer(const RetransmissionLimits& limits = {});

  /// A packet was sent for the first time. `octets`: of the open packet or of the sealed one, see
  /// above.
  void put(SeqNum seq, Bytes octets, Instant now);
  /// Whether a request for it is ours to answer, even if that is with nothing.
  [[nodiscard]] bool holds(SeqNum seq, Instant now) const;
  /// The packet to be sent again now, valid until the next put(); counted as sent. Nothing where it
  /// is not held or must not be repeated.
  [[nodiscard]] std::optional<Bytes> repeat(SeqNum seq, Instant now);
  /// The stream goes on under another SSRC, or its packets must not be seen any more.
  void clear();

  struct Counters {
    std::uint64_t repeated = 0;   ///< Packets sent again.
    std::uint64_t refused = 0;    ///< Held, but not sent again: too often, too soon, no budget.
    std::uint64_t too_large = 0;  ///< Not kept.
    friend bool operator==(const Counters&, const Counters&) = default;
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  struct Slot {
    Instant sent_at{};
    Instant repeated_at{};
    std::uint16_t octets = 0;  // 0: empty
    SeqNum seq;
    std::uint8_t repeats = 0;
  };

  [[nodiscard]] std::size_t index(SeqNum seq) const { return seq.raw() % slots_.size(); }

  RetransmissionLimits limits_;
  std::vector<Slot> slots_;
  std::vector<std::byte> octets_;
  std::size_t saved_ = 0;  // octets that may be sent again
  Counters counters_;
};

/// Calls `take(SeqNum)` with each number that a NACK asks for: at most 17 for four octets of it.
template <typename Take>
void for_each_lost(const wire::Nack& nack, Take take) {
  for (std::size_t i = 0; i < nack.size(); ++i) {
    const wire::NackEntry entry = nack[i];
    take(entry.first);
    for (int bit = 0; bit < 16; ++bit) {
      if (((entry.mask >> bit) & 1U) != 0) take(entry.first.plus(bit + 1));
    }
  }
}

/// The same for all NACKs of a compound: `take(Ssrc, SeqNum)`.
template <typename Take>
void for_each_lost(const wire::RtcpCompound& compound, Take take) {
  for (const wire::RtcpPacket packet : compound) {
    const auto feedback = wire::Feedback::parse(packet);
    if (!feedback || !feedback->is(wire::RtpfbType::Nack)) continue;
    const auto nack = wire::Nack::parse(*feedback);
    if (nack) for_each_lost(*nack, [&](SeqNum seq) { take(feedback->media, seq); });
  }
}

}  // namespace causeway::rtp
