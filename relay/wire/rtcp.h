#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "relay/base/bytes.h"
#include "relay/base/packet_buf.h"
#include "relay/base/result.h"
#include "relay/base/types.h"

namespace causeway::srtp {
class SrtpReceiver;
}

namespace causeway::wire {

/// The fixed header and the sender's SSRC: what SRTCP leaves in the clear (RFC 3711 3.4).
inline constexpr std::size_t kRtcpFixedOctets = 8;

/// RTCP packet types (RFC 3550 12.1, RFC 4585, RFC 3611). Others are carried as their number.
enum class RtcpType : std::uint8_t {
  Sr = 200,
  Rr = 201,
  Sdes = 202,
  Bye = 203,
  App = 204,
  Rtpfb = 205,  ///< Transport-layer feedback (RFC 4585 6.2).
  Psfb = 206,   ///< Payload-specific feedback (RFC 4585 6.3).
  Xr = 207,
};

/// An RTCP compound as the wire gave it: it looks like RTCP, nothing about it is known to be true.
/// Only SrtpReceiver and open_plain turn it into an OpenRtcp.
class SealedRtcp {
 public:
  /// Looks at the first eight octets only: the rest may be encrypted. Errors: Truncated (fewer than
  /// eight), BadVersion (not 2), BadHeader (packet type outside 192..223, RFC 5761 section 4). The
  /// buffer then goes back to its pool.
  [[nodiscard]] static Result<SealedRtcp, DropReason> parse(PacketBuf packet);

  /// The whole packet, SRTCP trailer included.
  [[nodiscard]] Bytes bytes() const { return packet_.data(); }
  [[nodiscard]] std::size_t size() const { return packet_.size(); }
  /// The sender's SSRC: which SRTCP stream this is.
  [[nodiscard]] Ssrc ssrc() const { return Ssrc(load_be32(&bytes()[4])); }

 private:
  friend class srtp::SrtpReceiver;
  friend class OpenRtcp;
  friend Result<class OpenRtcp, DropReason> open_plain(SealedRtcp sealed);
  explicit SealedRtcp(PacketBuf packet) : packet_(std::move(packet)) {}

  PacketBuf packet_;
};

/// One packet of a compound whose lengths have been checked: a view into the compound's octets.
///
///      0                   1                   2                   3
///     |V=2|P|  count  |      type     |   length in words, minus one  |
///     |                        body ...               | padding | n   |
class RtcpPacket {
 public:
  /// REQUIRES: `octets` is one whole packet out of a compound that check_rtcp_compound accepted.
  explicit RtcpPacket(Bytes octets);

  [[nodiscard]] RtcpType type() const { return static_cast<RtcpType>(load_u8(&octets_[1])); }
  /// Report, source or chunk count; feedback message type; APP subtype: the low five bits.
  [[nodiscard]] std::uint8_t count() const { return load_u8(octets_.data()) & 0x1fU; }
  /// Header and body, padding left out; may differ from the length field then.
  [[nodiscard]] Bytes octets() const { return octets_; }
  /// What follows the four octets of header, padding left out.
  [[nodiscard]] Bytes body() const { return octets_.subspan(4); }

 private:
  Bytes octets_;
};

/// A validated compound as a range of RtcpPacket: `for (const RtcpPacket packet : compound)`.
/// A view; it allocates nothing and outlives nothing.
class RtcpCompound {
 public:
  class Iterator {
   public:
    using value_type = RtcpPacket;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    explicit Iterator(Bytes rest) : rest_(rest) {}
    [[nodiscard]] RtcpPacket operator*() const { return RtcpPacket(rest_.first(step())); }
    Iterator& operator++() {
      rest_ = rest_.subspan(step());
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) {
      return a.rest_.size() == b.rest_.size();
    }

   private:
    [[nodiscard]] std::size_t step() const {
      return std::size_t{4} * (std::size_t{load_be16(&rest_[2])} + 1);
    }
    Bytes rest_;
  };

  /// REQUIRES: check_rtcp_compound(octets) holds.
  explicit RtcpCompound(Bytes octets) : octets_(octets) {}
  [[nodiscard]] Iterator begin() const { return Iterator(octets_); }
  [[nodiscard]] Iterator end() const { return Iterator(octets_.subspan(octets_.size())); }
  [[nodiscard]] Bytes octets() const { return octets_; }

 private:
  Bytes octets_;
};

/// The framing rules of RFC 3550 A.2 over the whole compound: every packet is version 2, the
/// lengths add up exactly, only the last packet is padded and its padding is inside it.
/// Reduced-size compounds (RFC 5506: no leading report) are accepted; what the packets say inside
/// is left to their views. Errors: Truncated (fewer than four octets, or a length past the end),
/// BadVersion, BadHeader.
[[nodiscard]] Result<RtcpCompound, DropReason> check_rtcp_compound(Bytes octets);

/// An RTCP compound that was authenticated, or came from the accepted source of a leg declared
/// plain, and whose framing is right. Only this type reaches statistics and other legs.
class OpenRtcp {
 public:
  OpenRtcp() = default;

  [[nodiscard]] Bytes bytes() const { return packet_.data(); }
  [[nodiscard]] std::size_t size() const { return packet_.size(); }
  /// The sender's SSRC, of the first packet; zero where a lone four-octet packet has none.
  [[nodiscard]] Ssrc ssrc() const;
  [[nodiscard]] RtcpCompound packets() const { return RtcpCompound(bytes()); }

  /// Gives the buffer up, for sealing or sending.
  [[nodiscard]] PacketBuf take() && { return std::move(packet_); }
  /// The buffer, for a transform that works in place.
  [[nodiscard]] PacketBuf& packet() { return packet_; }

  /// A compound of the relay's own making. REQUIRES: `buffer` is an empty buffer from the pool,
  /// `compound` has right framing and at most kMaxData octets.
  [[nodiscard]] static OpenRtcp make(PacketBuf buffer, Bytes compound);

 private:
  friend class srtp::SrtpReceiver;
  friend Result<OpenRtcp, DropReason> open_plain(SealedRtcp sealed);
  /// After the compound is in the clear and its trailer gone. Errors: as check_rtcp_compound.
  [[nodiscard]] static Result<OpenRtcp, DropReason> from_opened(PacketBuf opened);
  explicit OpenRtcp(PacketBuf packet) : packet_(std::move(packet)) {}

  PacketBuf packet_;
};

/// The one door for legs that were declared plain. Call it only after the leg's source check.
/// Errors: as check_rtcp_compound.
[[nodiscard]] Result<OpenRtcp, DropReason> open_plain(SealedRtcp sealed);

}  // namespace causeway::wire
