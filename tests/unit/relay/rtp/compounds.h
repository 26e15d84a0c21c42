#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "relay/base/packet_buf.h"
#include "relay/wire/rtcp.h"
#include "relay/wire/rtcp_writer.h"

namespace causeway::rtp {

/// Room for one compound that a test writes, and the compound as it would arrive.
class CompoundUnderTest {
 public:
  wire::RtcpWriter writer{buffer_};

  [[nodiscard]] wire::OpenRtcp open() { return opened(writer.written()); }
  [[nodiscard]] wire::OpenRtcp opened(Bytes octets) {
    PacketBuf packet = pool_.take();
    packet.resize(octets.size());
    std::ranges::copy(octets, packet.data().begin());
    return *wire::open_plain(*wire::SealedRtcp::parse(std::move(packet)));
  }

 private:
  std::array<std::byte, 1400> buffer_{};
  PacketPool pool_{4};
};

/// The packets of octets that the code under test wrote; fails where their framing is wrong.
inline std::vector<wire::RtcpPacket> packets_of(Bytes octets) {
  std::vector<wire::RtcpPacket> packets;
  const auto compound = wire::check_rtcp_compound(octets);
  if (!compound) return packets;
  for (const wire::RtcpPacket packet : *compound) packets.push_back(packet);
  return packets;
}

inline std::vector<wire::RtcpType> types_of(Bytes octets) {
  std::vector<wire::RtcpType> types;
  for (const wire::RtcpPacket& packet : packets_of(octets)) types.push_back(packet.type());
  return types;
}

/// The first packet of a type, or a failed expectation of the caller's.
inline std::optional<wire::RtcpPacket> first_of(Bytes octets, wire::RtcpType type) {
  for (const wire::RtcpPacket& packet : packets_of(octets)) {
    if (packet.type() == type) return packet;
  }
  return std::nullopt;
}

}  // namespace causeway::rtp
