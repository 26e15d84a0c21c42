// relay/wire/rtp.h: every view lies inside the packet, and no buffer is lost.

#include "relay/wire/rtp.h"
#include "tests/fuzz/input.h"

namespace causeway {
namespace {

void check_layout(const wire::RtpLayout& layout, std::size_t octets) {
  CAUSEWAY_CHECK(layout.header_octets >= wire::kRtpFixedHeaderOctets, "no header");
  CAUSEWAY_CHECK(layout.header_octets <= octets, "a header beyond the packet");
  CAUSEWAY_CHECK(layout.extension_offset + layout.extension_octets <= layout.header_octets,
                 "an extension beyond the header");
}

void open_and_rewrite(PacketPool& pool, Bytes octets) {
  auto sealed = wire::SealedRtp::parse(fuzz::packet_of(pool, octets));
  if (!sealed) return;
  check_layout(sealed->layout(), sealed->size());
  const bool marker = sealed->has_marker();
  const PayloadType type = sealed->payload_type();
  auto open = wire::open_plain(std::move(*sealed));
  if (!open) return;
  fuzz::read_all(open->payload());
  open->set_marker(!marker);
  CAUSEWAY_CHECK(open->payload_type() == type, "the marker overwrote the payload type");
  open->set_payload_type(PayloadType(96));
  CAUSEWAY_CHECK(open->has_marker() == !marker, "the payload type overwrote the marker");
  open->set_seq(SeqNum(1));
  open->set_timestamp(RtpTimestamp(2));
  open->set_ssrc(Ssrc(3));
  const auto again = wire::parse_rtp_header(open->bytes());
  CAUSEWAY_CHECK(again && again->header_octets == open->layout().header_octets,
                 "a rewritten header parses differently");
}

void run(fuzz::Input input) {
  static PacketPool pool(4);
  const Bytes octets = input.rest();
  if (octets.size() >= 2) static_cast<void>(wire::is_rtcp(octets));
  // Straight from the fuzzer's buffer: it ends where the datagram does.
  if (const auto layout = wire::parse_rtp_header(octets)) check_layout(*layout, octets.size());
  open_and_rewrite(pool, octets);
  CAUSEWAY_CHECK(pool.available() == pool.size(), "a packet was not given back");
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  causeway::run(causeway::fuzz::Input(data, size));
  return 0;
}
