// relay/wire/rtcp.h: a compound that is accepted is walked to its exact end, inside its octets.

#include "relay/wire/rtcp.h"
#include "tests/fuzz/input.h"

namespace causeway {
namespace {

void walk(const wire::RtcpCompound& compound) {
  std::size_t octets = 0;
  for (const wire::RtcpPacket packet : compound) {
    CAUSEWAY_CHECK(packet.octets().size() >= 4, "a packet without a header");
    fuzz::read_all(packet.body());
    octets += packet.octets().size();
  }
  CAUSEWAY_CHECK(octets <= compound.octets().size(), "packets longer than their compound");
}

void run(fuzz::Input input) {
  static PacketPool pool(4);
  const auto compound = wire::check_rtcp_compound(input.rest());
  if (compound) walk(*compound);
  if (auto sealed = wire::SealedRtcp::parse(fuzz::packet_of(pool, input.rest()))) {
    if (const auto open = wire::open_plain(std::move(*sealed))) {
      CAUSEWAY_CHECK(compound || input.rest().size() > PacketBuf::kMaxData,
                     "an open compound whose framing is wrong");
      static_cast<void>(open->ssrc());
      walk(open->packets());
    }
  }
  CAUSEWAY_CHECK(pool.available() == pool.size(), "a packet was not given back");
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  causeway::run(causeway::fuzz::Input(data, size));
  return 0;
}
