#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "relay/base/bytes.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/wire/rtcp.h"

namespace causeway::wire {

// Typed views of the packets of a compound. Each `parse` answers nothing where the packet is of
// another type or its counts do not fit its length; what it returns reads no further than the
// packet and lives no longer than its octets.

/// One report block of an SR or RR (RFC 3550 6.4.1), as a value.
struct ReportBlock {
  static constexpr std::size_t kOctets = 24;

  Ssrc ssrc;                         ///< The stream that the report is about.
  std::uint8_t fraction_lost = 0;    ///< Of this interval, in 1/256.
  std::int32_t cumulative_lost = 0;  ///< Signed, 24 bits on the wire: duplicates make it negative.
  std::uint32_t extended_highest_seq = 0;  ///< Cycles in the high half.
  std::uint32_t jitter = 0;                ///< Ticks of the stream's RTP clock.
  std::uint32_t last_sr = 0;               ///< Middle 32 bits of the last SR's NTP time; 0: none.
  std::uint32_t delay_since_last_sr = 0;   ///< 1/65536 s.

  /// REQUIRES: octets.size() >= kOctets.
  [[nodiscard]] static ReportBlock read(Bytes octets);
  /// Cumulative loss is held to the 24-bit range. REQUIRES: out.size() >= kOctets.
  void write(MutableBytes out) const;
  friend bool operator==(const ReportBlock&, const ReportBlock&) = default;
};

/// The report blocks of an SR or RR.
class ReportBlocks {
 public:
  ReportBlocks() = default;
  /// REQUIRES: octets.size() is a multiple of ReportBlock::kOctets.
  explicit ReportBlocks(Bytes octets) : octets_(octets) {}
  [[nodiscard]] std::size_t size() const { return octets_.size() / ReportBlock::kOctets; }
  [[nodiscard]] ReportBlock operator[](std::size_t index) const {
    return ReportBlock::read(octets_.subspan(index * ReportBlock::kOctets));
  }

 private:
  Bytes octets_;
};

/// What an SR says about its sender (RFC 3550 6.4.1), as a value.
struct SenderInfo {
  Ssrc ssrc;
  NtpTime ntp;
  RtpTimestamp rtp_timestamp;
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;
  friend bool operator==(const SenderInfo&, const SenderInfo&) = default;
};

/// The middle 32 bits of an NTP time: what LSR holds and round trips are measured in (1/65536 s).
[[nodiscard]] constexpr std::uint32_t compact_ntp(NtpTime at) {
  return static_cast<std::uint32_t>(at.raw() >> 16);
}

struct SenderReport {
  SenderInfo sender;
  ReportBlocks blocks;
  Bytes extension;  ///< Profile-specific octets after the blocks.
  [[nodiscard]] static std::optional<SenderReport> parse(const RtcpPacket& packet);
};

struct ReceiverReport {
  Ssrc ssrc;  ///< Of the reporter.
  ReportBlocks blocks;
  Bytes extension;
  [[nodiscard]] static std::optional<ReceiverReport> parse(const RtcpPacket& packet);
};

/// SDES item types (RFC 3550 6.5).
enum class SdesItemType : std::uint8_t { End = 0, Cname = 1, Name = 2, Tool = 6, Mid = 15 };

struct SdesItem {
  SdesItemType type = SdesItemType::End;
  Bytes text;
};

/// One chunk of an SDES: the items about one source.
struct SdesChunk {
  Ssrc ssrc;
  Bytes items;  ///< Without the null octets that end the chunk.
  /// The first item of `type`.
  [[nodiscard]] std::optional<Bytes> find(SdesItemType type) const;
};

/// The chunks of an SDES, one after the other:
/// `for (auto chunk = sdes->next(); chunk; chunk = sdes->next())`.
class Sdes {
 public:
  /// Checks all chunks: their number is the packet's count and each ends inside it.
  [[nodiscard]] static std::optional<Sdes> parse(const RtcpPacket& packet);
  [[nodiscard]] std::optional<SdesChunk> next();

 private:
  Sdes(Bytes rest, std::size_t chunks) : rest_(rest), chunks_(chunks) {}
  Bytes rest_;
  std::size_t chunks_;
};

struct Bye {
  Bytes ssrc_octets;
  Bytes reason;  ///< UTF-8 text; may be empty.
  [[nodiscard]] static std::optional<Bye> parse(const RtcpPacket& packet);
  [[nodiscard]] std::size_t size() const { return ssrc_octets.size() / 4; }
  [[nodiscard]] Ssrc ssrc(std::size_t index) const {
    return Ssrc(load_be32(&ssrc_octets[index * 4]));
  }
};

struct App {
  std::uint8_t subtype = 0;
  Ssrc ssrc;
  Bytes name;  ///< Four octets.
  Bytes data;
  [[nodiscard]] static std::optional<App> parse(const RtcpPacket& packet);
};

/// Feedback message types of RTPFB: RFC 4585 6.2.1, RFC 5104 4.2,
/// draft-holmer-rmcat-transport-wide-cc.
enum class RtpfbType : std::uint8_t { Nack = 1, Tmmbr = 3, Tmmbn = 4, TransportCc = 15 };
/// Of PSFB: RFC 4585 6.3, RFC 5104 4.3. Afb carries REMB (draft-alvestrand-rmcat-remb).
enum class PsfbType : std::uint8_t { Pli = 1, Sli = 2, Rpsi = 3, Fir = 4, Afb = 15 };

/// The common frame of RTPFB and PSFB (RFC 4585 6.1).
struct Feedback {
  RtcpType type = RtcpType::Rtpfb;  ///< Rtpfb or Psfb.
  std::uint8_t format = 0;          ///< An RtpfbType or PsfbType.
  Ssrc sender;
  Ssrc media;  ///< The stream it is about; 0 where the FCI names streams itself (FIR, REMB, TMMBR).
  Bytes fci;
  [[nodiscard]] static std::optional<Feedback> parse(const RtcpPacket& packet);
  [[nodiscard]] bool is(RtpfbType wanted) const {
    return type == RtcpType::Rtpfb && format == static_cast<std::uint8_t>(wanted);
  }
  [[nodiscard]] bool is(PsfbType wanted) const {
    return type == RtcpType::Psfb && format == static_cast<std::uint8_t>(wanted);
  }
};

/// One entry of a generic NACK: `first` and, for each set bit i of `mask`, first + i + 1.
struct NackEntry {
  SeqNum first;
  std::uint16_t mask = 0;
  friend bool operator==(const NackEntry&, const NackEntry&) = default;
};
struct Nack {
  Bytes fci;
  /// Refuses an FCI that is empty or no multiple of four octets.
  [[nodiscard]] static std::optional<Nack> parse(const Feedback& feedback);
  [[nodiscard]] std::size_t size() const { return fci.size() / 4; }
  [[nodiscard]] NackEntry operator[](std::size_t index) const {
    return {SeqNum(load_be16(&fci[index * 4])), load_be16(&fci[index * 4 + 2])};
  }
};

/// One request for a full picture (RFC 5104 4.3.1).
struct FirEntry {
  Ssrc ssrc;
  std::uint8_t number = 0;  ///< Steps once a request; repeats keep it.
  friend bool operator==(const FirEntry&, const FirEntry&) = default;
};
struct Fir {
  Bytes fci;
  [[nodiscard]] static std::optional<Fir> parse(const Feedback& feedback);
  [[nodiscard]] std::size_t size() const { return fci.size() / 8; }
  [[nodiscard]] FirEntry operator[](std::size_t index) const {
    return {Ssrc(load_be32(&fci[index * 8])), load_u8(&fci[index * 8 + 4])};
  }
};

/// One limit of a TMMBR or TMMBN (RFC 5104 4.2.1.1).
struct BitrateLimit {
  Ssrc ssrc;
  std::uint64_t bits_per_second = 0;
  std::uint16_t overhead_octets = 0;  ///< Per packet, 9 bits.
  friend bool operator==(const BitrateLimit&, const BitrateLimit&) = default;
};
struct Tmmbr {
  Bytes fci;
  /// Of TMMBR and of TMMBN, which may be empty.
  [[nodiscard]] static std::optional<Tmmbr> parse(const Feedback& feedback);
  [[nodiscard]] std::size_t size() const { return fci.size() / 8; }
  [[nodiscard]] BitrateLimit operator[](std::size_t index) const;
};

/// A receiver's estimate of the bitrate that the path carries, for the sum of the streams it names.
struct Remb {
  std::uint64_t bits_per_second = 0;
  Bytes ssrc_octets;
  [[nodiscard]] static std::optional<Remb> parse(const Feedback& feedback);
  [[nodiscard]] std::size_t size() const { return ssrc_octets.size() / 4; }
  [[nodiscard]] Ssrc ssrc(std::size_t index) const {
    return Ssrc(load_be32(&ssrc_octets[index * 4]));
  }
};

/// One block of an XR (RFC 3611 3).
struct XrBlock {
  std::uint8_t type = 0;
  std::uint8_t type_specific = 0;
  Bytes body;
};
/// The blocks of an XR, one after the other, as Sdes::next().
class Xr {
 public:
  [[nodiscard]] static std::optional<Xr> parse(const RtcpPacket& packet);
  [[nodiscard]] Ssrc ssrc() const { return ssrc_; }
  [[nodiscard]] std::optional<XrBlock> next();

 private:
  Xr(Ssrc ssrc, Bytes rest) : ssrc_(ssrc), rest_(rest) {}
  Ssrc ssrc_;
  Bytes rest_;
};

/// A bitrate as `mantissa << exponent` in `mantissa_bits`: rounded down, held to the largest.
struct ScaledBitrate {
  std::uint32_t mantissa = 0;
  std::uint8_t exponent = 0;
};
[[nodiscard]] ScaledBitrate scale_bitrate(std::uint64_t bits_per_second, unsigned mantissa_bits);

}  // namespace causeway::wire
