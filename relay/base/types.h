#pragma once

#include <cstdint>

#include "relay/base/strong.h"

namespace causeway {

using UdpPort = Strong<struct UdpPortTag, std::uint16_t>;
/// Synchronisation source (RFC 3550 section 3).
using Ssrc = Strong<struct SsrcTag, std::uint32_t>;
/// RTP payload type, 0..127 (RFC 3550 section 5.1).
using PayloadType = Strong<struct PayloadTypeTag, std::uint8_t>;
/// Samples a second of PCM, per channel.
using SampleRate = Strong<struct SampleRateTag, std::uint32_t>;
/// Ticks a second of RTP timestamps. G.722 is 8000 though its PCM is 16 kHz (RFC 3551 4.5.2); Opus
/// is always 48000 (RFC 7587 4.1).
using RtpClockRate = Strong<struct RtpClockRateTag, std::uint32_t>;
/// Which worker of the node owns an object: an index from 0.
using WorkerId = Strong<struct WorkerIdTag, std::uint16_t>;

/// A 16-bit RTP sequence number. It wraps, so it has no order, only a distance.
class SeqNum {
 public:
  constexpr SeqNum() = default;
  constexpr explicit SeqNum(std::uint16_t raw) : raw_(raw) {}
  [[nodiscard]] constexpr std::uint16_t raw() const { return raw_; }

  /// How far this number is ahead of `other`, -32768..32767 (RFC 1982 arithmetic).
  [[nodiscard]] constexpr int distance_from(SeqNum other) const {
    return static_cast<std::int16_t>(static_cast<std::uint16_t>(raw_ - other.raw_));
  }
  [[nodiscard]] constexpr SeqNum plus(int steps) const {
    return SeqNum(static_cast<std::uint16_t>(raw_ + steps));
  }
  friend constexpr bool operator==(SeqNum, SeqNum) = default;

 private:
  std::uint16_t raw_ = 0;
};

/// A 32-bit RTP timestamp in ticks of some RtpClockRate. It wraps, so it has no order.
class RtpTimestamp {
 public:
  constexpr RtpTimestamp() = default;
  constexpr explicit RtpTimestamp(std::uint32_t raw) : raw_(raw) {}
  [[nodiscard]] constexpr std::uint32_t raw() const { return raw_; }

  /// Ticks that this instant is ahead of `other`, -2^31..2^31-1.
  [[nodiscard]] constexpr std::int32_t distance_from(RtpTimestamp other) const {
    return static_cast<std::int32_t>(raw_ - other.raw_);
  }
  [[nodiscard]] constexpr RtpTimestamp plus(std::int64_t ticks) const {
    return RtpTimestamp(static_cast<std::uint32_t>(raw_ + static_cast<std::uint64_t>(ticks)));
  }
  friend constexpr bool operator==(RtpTimestamp, RtpTimestamp) = default;

 private:
  std::uint32_t raw_ = 0;
};

}  // namespace causeway
