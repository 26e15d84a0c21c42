#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "relay/base/packet_buf.h"
#include "relay/base/result.h"
#include "relay/base/static_vector.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/wire/rtp.h"

namespace causeway::rtp {

/// Which payload types carry the retransmissions of which others: the `apt` parameters of a leg
/// (RFC 4588 8.6). A value.
class RtxTypes {
 public:
  static constexpr std::size_t kMost = 32;

  /// False where there is no room for another; a type that is known is set anew.
  bool add(PayloadType rtx, PayloadType apt);
  /// What repairs `apt`; nothing where it has not been negotiated.
  [[nodiscard]] std::optional<PayloadType> rtx_of(PayloadType apt) const;
  /// What `rtx` repairs; nothing where it is no retransmission's type.
  [[nodiscard]] std::optional<PayloadType> apt_of(PayloadType rtx) const;
  [[nodiscard]] bool empty() const { return pairs_.empty(); }

 private:
  struct Pair {
    PayloadType rtx;
    PayloadType apt;
  };
  StaticVector<Pair, kMost> pairs_;
};

/// The retransmission stream beside one stream towards an endpoint (RFC 4588, SSRC-multiplexed):
/// an SSRC and sequence numbers of its own. A value: copying it takes its snapshot, from which it
/// goes on without using a number twice.
///
///     |V=2|P=0|X| CC |M|  rtx type  |   our own sequence number      |
///     |    timestamp, CSRCs and header extension of the original     |
///     |  original sequence number   |   original payload ...         |
class RtxSender {
 public:
  RtxSender() = default;
  /// `ssrc` and `first` are to be random (RFC 3550 5.1), or `ssrc` as it was signalled
  /// (a=ssrc-group:FID).
  RtxSender(Ssrc ssrc, SeqNum first) : ssrc_(ssrc), next_(first) {}

  /// The retransmission of a packet that was kept when it was open: to be sealed and sent as a
  /// packet of its own. Its padding is left out (RFC 4588 4); header extensions stay, so whoever
  /// numbers packets there (transport-wide congestion control) gives it another number or none.
  /// `buffer` is an empty one from the pool. Nothing, and no number is used, where the packet's
  /// type has no retransmissions or the result would be too large.
  [[nodiscard]] std::optional<wire::OpenRtp> wrap(Bytes original, const RtxTypes& types,
                                                  PacketBuf buffer);
  /// Goes on under another SSRC (RFC 3711: re-keyed without MKI).
  void renew(Ssrc ssrc, SeqNum first) { *this = RtxSender(ssrc, first); }

  [[nodiscard]] Ssrc ssrc() const { return ssrc_; }
  /// The sequence number that the next retransmission gets.
  [[nodiscard]] SeqNum next() const { return next_; }
  friend bool operator==(const RtxSender&, const RtxSender&) = default;

 private:
  Ssrc ssrc_;
  SeqNum next_;
};

/// The receiving side of a leg's retransmission streams: makes the packets that were lost out of
/// them, so that everything behind it, and a leg on the other side without RTX, is given plain
/// repeats. Bounded, a value.
///
/// Which stream a retransmission stream belongs to is signalled (pair()), or found out as RFC 4588
/// 5.3 says: its first packet is of the one stream of which that very number was asked for. A
/// number asked for of two streams tells nothing; the next packet may.
class RtxReceiver {
 public:
  static constexpr std::size_t kMostPairs = 8;
  static constexpr std::size_t kMostRequests = 64;
  /// After this a request says nothing any more about what comes.
  static constexpr Duration kRequestLife = std::chrono::seconds(2);

  explicit RtxReceiver(const RtxTypes& types) : types_(types) {}
  /// Negotiated anew. What is known of streams stays.
  void set_types(const RtxTypes& types) { types_ = types; }

  /// a=ssrc-group:FID `original` `rtx`. Where all places are taken, the oldest that was only found
  /// out, or else the oldest, makes room.
  void pair(Ssrc original, Ssrc rtx);
  /// A NACK for `seq` of `original` goes to the endpoint.
  void on_request(Ssrc original, SeqNum seq, Instant now);

  /// Whether packets of this type are retransmissions.
  [[nodiscard]] bool is_rtx(PayloadType type) const { return types_.apt_of(type).has_value(); }
  /// The original packet, in the place of its retransmission. Errors: UnknownPayloadType (not
  /// is_rtx()), NoPath (of which stream is not known yet), Probe (nothing but padding), BadPayload
  /// (no number in it).
  [[nodiscard]] Result<wire::OpenRtp, DropReason> unwrap(wire::OpenRtp packet, Instant now);

  /// The stream that `rtx` is known to repair.
  [[nodiscard]] std::optional<Ssrc> original_of(Ssrc rtx) const;

 private:
  struct Pair {
    Ssrc original;
    Ssrc rtx;
    bool is_signalled = false;
  };
  struct Request {
    Ssrc original;
    SeqNum seq;
    Instant at{};
  };
  void add(const Pair& pair);
  [[nodiscard]] std::optional<Ssrc> find_out(Ssrc rtx, SeqNum original_seq, Instant now);

  RtxTypes types_;
  StaticVector<Pair, kMostPairs> pairs_;  // oldest first
  StaticVector<Request, kMostRequests> requests_;
  std::size_t next_request_ = 0;  // the place of the next one, once all are taken
};

}  // namespace causeway::rtp
