#pragma once

#include <cstdint>

#include "relay/base/bytes.h"
#include "relay/base/packet_buf.h"
#include "relay/base/result.h"
#include "relay/base/types.h"

namespace causeway::srtp {
class SrtpReceiver;
}

namespace causeway::wire {

inline constexpr std::size_t kRtpFixedHeaderOctets = 12;

/// Where the parts of an RTP packet lie (RFC 3550 5.1, RFC 8285). All in octets from its beginning.
///
///      0                   1                   2                   3
///     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
///     |                           timestamp                           |
///     |                             SSRC                              |
///     |                     CSRC, CC of them ...                      |
///     |      extension profile        |        length in words        |  if X
///     |                     extension body ...                        |
///     |                     payload ...           | padding | count   |  padding if P
struct RtpLayout {
  std::uint16_t header_octets = kRtpFixedHeaderOctets;  ///< Fixed header, CSRCs and extension.
  std::uint16_t extension_offset = 0;  ///< Of the extension's body; 0 where there is none.
  std::uint16_t extension_octets = 0;
  std::uint16_t padding_octets = 0;
};

/// The layout of `packet`'s header. Does not look at the padding, which SRTP encrypts.
/// Errors: Truncated, BadVersion, BadHeader.
[[nodiscard]] Result<RtpLayout, DropReason> parse_rtp_header(Bytes packet);

/// Whether an RTP-or-RTCP datagram is RTCP (RFC 5761 section 4). REQUIRES: packet.size() >= 2.
[[nodiscard]] inline bool is_rtcp(Bytes packet) {
  const unsigned second = load_u8(&packet[1]);
  return second >= 192 && second <= 223;
}

/// The fixed header's fields of a packet whose header has been parsed. Shared by SealedRtp, whose
/// header is not authentic yet, and OpenRtp.
class RtpFields {
 public:
  [[nodiscard]] bool has_marker() const { return (load_u8(&bytes()[1]) & 0x80U) != 0; }
  [[nodiscard]] PayloadType payload_type() const {
    return PayloadType(static_cast<std::uint8_t>(load_u8(&bytes()[1]) & 0x7fU));
  }
  [[nodiscard]] SeqNum seq() const { return SeqNum(load_be16(&bytes()[2])); }
  [[nodiscard]] RtpTimestamp timestamp() const { return RtpTimestamp(load_be32(&bytes()[4])); }
  [[nodiscard]] Ssrc ssrc() const { return Ssrc(load_be32(&bytes()[8])); }
  [[nodiscard]] std::size_t size() const { return packet_ ? packet_.size() : 0; }
  [[nodiscard]] const RtpLayout& layout() const { return layout_; }
  /// The whole packet.
  [[nodiscard]] Bytes bytes() const { return packet_.data(); }

 protected:
  RtpFields() = default;
  RtpFields(PacketBuf packet, RtpLayout layout) : packet_(std::move(packet)), layout_(layout) {}

  PacketBuf packet_;
  RtpLayout layout_;
};

/// An RTP packet as the wire gave it: its header parses, nothing about it is known to be true. Only
/// SrtpReceiver::open and open_plain turn it into an OpenRtp.
class SealedRtp : public RtpFields {
 public:
  /// Errors: as parse_rtp_header; the buffer then stays with the caller.
  [[nodiscard]] static Result<SealedRtp, DropReason> parse(PacketBuf&& packet);

 private:
  friend class srtp::SrtpReceiver;
  friend class OpenRtp;
  using RtpFields::RtpFields;
};

/// An RTP packet that was authenticated, or came from the accepted source of a leg declared plain.
/// Only this type reaches learning, statistics, codecs, recorders and other legs.
class OpenRtp : public RtpFields {
 public:
  OpenRtp() = default;

  /// The payload without padding.
  [[nodiscard]] Bytes payload() const {
    return bytes().subspan(layout_.header_octets,
                           size() - layout_.header_octets - layout_.padding_octets);
  }
  void set_marker(bool marker) {
    std::byte& octet = packet_.data()[1];
    octet = (octet & std::byte{0x7f}) | (marker ? std::byte{0x80} : std::byte{0});
  }
  void set_payload_type(PayloadType type) {
    std::byte& octet = packet_.data()[1];
    octet = (octet & std::byte{0x80}) | std::byte{type.raw()};
  }
  void set_seq(SeqNum seq) { store_be16(&packet_.data()[2], seq.raw()); }
  void set_timestamp(RtpTimestamp at) { store_be32(&packet_.data()[4], at.raw()); }
  void set_ssrc(Ssrc ssrc) { store_be32(&packet_.data()[8], ssrc.raw()); }

  /// Gives the packet this header extension in the place of the one that it has, if any; what is
  /// before it moves within the head room. False, and nothing is changed, where that is too small.
  /// REQUIRES: `body` is of whole words and not part of the packet.
  [[nodiscard]] bool set_extension(std::uint16_t profile, Bytes body);
  /// Takes the header extension out.
  void remove_extension();
  /// Gives up the first octets of the payload; the header moves up to the rest.
  /// REQUIRES: octets <= payload().size().
  void trim_payload_front(std::size_t octets);

  /// Gives the buffer up, for sealing or sending.
  [[nodiscard]] PacketBuf take() && { return std::move(packet_); }
  /// The buffer, for a transform that works in place.
  [[nodiscard]] PacketBuf& packet() { return packet_; }
  /// A second packet of the same octets; an empty one (size() == 0) where the pool has no buffer.
  [[nodiscard]] OpenRtp clone(PacketPool& pool) const;

  /// A packet of the relay's own making: the fixed header, no CSRC or extension, then `payload`.
  /// REQUIRES: `buffer` is an empty buffer from the pool, payload.size() <= kMaxData - 12.
  [[nodiscard]] static OpenRtp make(PacketBuf buffer, PayloadType type, bool marker, SeqNum seq,
                                    RtpTimestamp timestamp, Ssrc ssrc, Bytes payload);
  /// A packet that was written octet by octet from one that was open, such as its retransmission.
  /// REQUIRES: it is a whole RTP packet.
  [[nodiscard]] static OpenRtp made_of(PacketBuf octets);

 private:
  friend class srtp::SrtpReceiver;
  friend Result<OpenRtp, DropReason> open_plain(SealedRtp&& sealed);
  /// Moves the first `kept` octets so that `octets` more (or fewer) follow them.
  void move_header(std::size_t kept, std::ptrdiff_t octets);
  [[nodiscard]] std::size_t octets_before_extension() const {
    return layout_.extension_offset == 0 ? layout_.header_octets
                                         : layout_.extension_offset - std::size_t{4};
  }
  /// After the payload is in the clear: checks the padding (BadHeader).
  [[nodiscard]] static Result<OpenRtp, DropReason> from_opened(SealedRtp&& opened);
  using RtpFields::RtpFields;
};

/// The one door for legs that were declared plain. Call it only after the leg's source check.
/// Errors: BadHeader (padding longer than the payload).
[[nodiscard]] Result<OpenRtp, DropReason> open_plain(SealedRtp&& sealed);

}  // namespace causeway::wire
