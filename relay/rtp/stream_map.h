#pragma once

#include <cstdint>

#include "relay/base/types.h"

namespace causeway::rtp {

/// How one RTP stream is rewritten on its way through the relay: out = in + offset, modulo the
/// width of the field. Shared by the rewriting of RTP (OutputStream) and of the RTCP about it
/// (RtcpTranslator). A value type.
struct StreamMap {
  Ssrc in;
  Ssrc out;
  int seq_offset = 0;
  std::uint32_t timestamp_offset = 0;
  RtpClockRate clock_rate;
  /// How many sequence numbers back, from the newest one sent, the offsets hold; saturates at
  /// 65535. What is older was sent under other offsets, so feedback about it cannot be mapped.
  std::uint16_t age = 0xffff;
  SeqNum newest_out;

  [[nodiscard]] constexpr SeqNum to_out(SeqNum seq) const { return seq.plus(seq_offset); }
  [[nodiscard]] constexpr SeqNum to_in(SeqNum seq) const { return seq.plus(-seq_offset); }
  [[nodiscard]] constexpr RtpTimestamp to_out(RtpTimestamp at) const {
    return at.plus(timestamp_offset);
  }
  [[nodiscard]] constexpr RtpTimestamp to_in(RtpTimestamp at) const {
    return at.plus(-std::int64_t{timestamp_offset});
  }
  /// Whether the offsets were in force when `out_seq` was sent.
  [[nodiscard]] constexpr bool covers(SeqNum out_seq) const {
    const int behind = newest_out.distance_from(out_seq);
    return behind >= 0 && behind <= age;
  }
  friend bool operator==(const StreamMap&, const StreamMap&) = default;
};

}  // namespace causeway::rtp
