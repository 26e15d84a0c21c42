#include "relay/wire/rtcp.h"

#include <algorithm>

namespace causeway::wire {

namespace {

bool has_padding(Bytes packet) { return (load_u8(packet.data()) & 0x20U) != 0; }

}  // namespace

Result<SealedRtcp, DropReason> SealedRtcp::parse(PacketBuf packet) {
  const Bytes octets = packet.data();
  if (octets.size() < kRtcpFixedOctets) return failure(DropReason::Truncated);
  if ((load_u8(octets.data()) >> 6) != 2) return failure(DropReason::BadVersion);
  const unsigned type = load_u8(&octets[1]);
  if (type < 192 || type > 223) return failure(DropReason::BadHeader);
  return SealedRtcp(std::move(packet));
}

RtcpPacket::RtcpPacket(Bytes octets) : octets_(octets) {
  if (has_padding(octets)) octets_ = octets.first(octets.size() - load_u8(&octets.back()));
}

Result<RtcpCompound, DropReason> check_rtcp_compound(Bytes octets) {
  if (octets.empty()) return failure(DropReason::Truncated);
  for (Bytes rest = octets; !rest.empty();) {
    if (rest.size() < 4) return failure(DropReason::Truncated);
    if ((load_u8(rest.data()) >> 6) != 2) return failure(DropReason::BadVersion);
    const std::size_t size = std::size_t{4} * (std::size_t{load_be16(&rest[2])} + 1);
    if (size > rest.size()) return failure(DropReason::Truncated);
    if (has_padding(rest)) {
      // Padding belongs to the compound as a whole, so only its last packet may have some.
      const unsigned padding = load_u8(&rest[size - 1]);
      if (size != rest.size() || padding == 0 || padding % 4 != 0 || padding > size - 4) {
        return failure(DropReason::BadHeader);
      }
    }
    rest = rest.subspan(size);
  }
  return RtcpCompound(octets);
}

Ssrc OpenRtcp::ssrc() const {
  return size() < kRtcpFixedOctets ? Ssrc(0) : Ssrc(load_be32(&bytes()[4]));
}

Result<OpenRtcp, DropReason> OpenRtcp::from_opened(PacketBuf opened) {
  const auto compound = check_rtcp_compound(opened.data());
  if (!compound) return failure(compound.error());
  return OpenRtcp(std::move(opened));
}

OpenRtcp OpenRtcp::make(PacketBuf buffer, Bytes compound) {
  CAUSEWAY_CHECK(compound.size() <= PacketBuf::kMaxData, "a compound of ours fits a packet");
  CAUSEWAY_CHECK(check_rtcp_compound(compound).has_value(), "a compound of ours is well framed");
  buffer.resize(compound.size());
  std::ranges::copy(compound, buffer.data().begin());
  return OpenRtcp(std::move(buffer));
}

Result<OpenRtcp, DropReason> open_plain(SealedRtcp sealed) {
  return OpenRtcp::from_opened(std::move(sealed.packet_));
}

}  // namespace causeway::wire
