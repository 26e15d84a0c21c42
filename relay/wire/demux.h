#pragma once

#include <cstdint>

#include "relay/base/bytes.h"
#include "relay/wire/rtp.h"

namespace causeway::wire {

/// What a datagram on a port that carries several protocols is (RFC 7983 7, RFC 5761 4).
enum class DatagramKind : std::uint8_t { Stun, Zrtp, Dtls, TurnChannel, Rtp, Rtcp, Unknown };

/// By the first octet, and for RTP and RTCP the second:
///
///     0..3 STUN   16..19 ZRTP   20..63 DTLS   64..79 TURN channel   128..191 RTP, or RTCP where
///     the second octet is 192..223
///
/// It is a guess by the looks; the parser of the protocol has the last word.
/// REQUIRES: datagram.size() >= 2.
[[nodiscard]] inline DatagramKind kind_of(Bytes datagram) {
  const std::uint8_t first = load_u8(datagram.data());
  if (first >= 128) {
    if (first > 191) return DatagramKind::Unknown;
    return is_rtcp(datagram) ? DatagramKind::Rtcp : DatagramKind::Rtp;
  }
  if (first <= 3) return DatagramKind::Stun;
  if (first >= 16 && first <= 19) return DatagramKind::Zrtp;
  if (first >= 20 && first <= 63) return DatagramKind::Dtls;
  if (first >= 64 && first <= 79) return DatagramKind::TurnChannel;
  return DatagramKind::Unknown;
}

}  // namespace causeway::wire
