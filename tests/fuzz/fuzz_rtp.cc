// relay/wire/rtp.h, header_extensions.h: every view lies inside the packet, and no buffer is lost.
// A rewritten header extension says what it was to say and leaves the rest of the packet alone; a
// packet that was wrapped for retransmission (relay/rtp/rtx.h) is the same when it is unwrapped,
// and a bundle (bundle_demux.h) finds a section for it or a reason.

#include "relay/wire/rtp.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "relay/rtp/bundle_demux.h"
#include "relay/rtp/rtx.h"
#include "relay/wire/header_extensions.h"
#include "tests/fuzz/input.h"

namespace causeway {
namespace {

void check_layout(const wire::RtpLayout& layout, std::size_t octets) {
  CAUSEWAY_CHECK(layout.header_octets >= wire::kRtpFixedHeaderOctets, "no header");
  CAUSEWAY_CHECK(layout.header_octets <= octets, "a header beyond the packet");
  CAUSEWAY_CHECK(layout.extension_offset + layout.extension_octets <= layout.header_octets,
                 "an extension beyond the header");
}

std::vector<std::byte> copy_of(Bytes octets) { return {octets.begin(), octets.end()}; }

using Elements = std::vector<std::pair<std::uint8_t, std::vector<std::byte>>>;

Elements elements_of(const wire::OpenRtp& packet) {
  wire::HeaderExtensions extensions(packet);
  Elements elements;
  for (auto element = extensions.next(); element; element = extensions.next()) {
    fuzz::read_all(element->data);
    CAUSEWAY_CHECK(element->id != 0, "padding taken for an element");
    CAUSEWAY_CHECK(elements.size() > 8 || extensions.find(element->id).has_value(),
                   "an element that is not found");
    elements.emplace_back(element->id, copy_of(element->data));
  }
  return elements;
}

void check_same_but_extension(const wire::OpenRtp& packet, Bytes payload) {
  const auto layout = wire::parse_rtp_header(packet.bytes());
  CAUSEWAY_CHECK(layout && layout->header_octets == packet.layout().header_octets &&
                     layout->extension_offset == packet.layout().extension_offset &&
                     layout->extension_octets == packet.layout().extension_octets,
                 "a layout that the octets do not have");
  CAUSEWAY_CHECK(std::ranges::equal(packet.payload(), payload), "a payload that was changed");
}

/// What is done to the extension follows from the packet's own numbers.
void edit(PacketPool& pool, const wire::OpenRtp& original) {
  wire::OpenRtp packet = original.clone(pool);
  const std::uint32_t choice = original.timestamp().raw() ^ original.ssrc().raw();
  wire::ExtensionIdMap ids;
  for (unsigned id = 1; id < 256; ++id) {
    const std::uint32_t mixed = (choice + id) * 2654435761U;
    if (mixed >> 30 != 0) {
      ids.set(static_cast<std::uint8_t>(id), static_cast<std::uint8_t>(mixed % (1 + choice % 40)));
    }
  }
  const std::vector<std::byte> text(choice % 23, std::byte{0x61});
  const wire::ExtensionElement mid{static_cast<std::uint8_t>(1 + choice % 17), text};
  Elements expected;
  for (const auto& [id, data] : elements_of(packet)) {
    if (ids[id] != 0 && ids[id] != mid.id) expected.emplace_back(ids[id], data);
  }
  expected.emplace_back(mid.id, text);
  const auto before = copy_of(packet.bytes());
  if (wire::edit_extension(packet, {&ids, {&mid, 1}}) == wire::ExtensionEditResult::Done) {
    CAUSEWAY_CHECK(elements_of(packet) == expected, "an extension that says something else");
    CAUSEWAY_CHECK(wire::HeaderExtensions(packet).is_whole(), "an extension that cannot be read");
  } else {
    CAUSEWAY_CHECK(std::ranges::equal(packet.bytes(), before), "half an edit");
  }
  check_same_but_extension(packet, original.payload());
  packet.remove_extension();
  CAUSEWAY_CHECK(packet.layout().extension_octets == 0, "an extension that stays");
  check_same_but_extension(packet, original.payload());
}

void retransmit(PacketPool& pool, const wire::OpenRtp& original) {
  constexpr PayloadType kRtx{127};
  rtp::RtxTypes types;
  static_cast<void>(types.add(kRtx, original.payload_type()));
  rtp::RtxSender sender(Ssrc(1), SeqNum(2));
  rtp::RtxReceiver receiver(types);
  if (original.payload_type() == kRtx) {
    rtp::RtxReceiver hostile(types);
    hostile.pair(Ssrc(3), original.ssrc());
    if (const auto lost = hostile.unwrap(original.clone(pool), Instant())) {
      fuzz::read_all(lost->payload());
    }
  }
  auto wrapped = sender.wrap(original.bytes(), types, pool.take());
  if (!wrapped) return;
  receiver.on_request(original.ssrc(), original.seq(), Instant());
  const auto back = receiver.unwrap(std::move(*wrapped), Instant());
  CAUSEWAY_CHECK(back && back->ssrc() == original.ssrc() && back->seq() == original.seq() &&
                     back->timestamp() == original.timestamp() &&
                     back->has_marker() == original.has_marker() &&
                     back->payload_type() == original.payload_type() &&
                     back->layout().header_octets == original.layout().header_octets &&
                     std::ranges::equal(back->payload(), original.payload()),
                 "a retransmission that is not what was lost");
}

void demultiplex(const wire::OpenRtp& packet) {
  static constexpr PayloadType kTypes[] = {PayloadType(0), PayloadType(96)};
  static constexpr PayloadType kMore[] = {PayloadType(96), PayloadType(111)};
  static constexpr Ssrc kSignalled[] = {Ssrc(0xcafe)};
  rtp::BundleDemux demux(1);
  CAUSEWAY_CHECK(demux.add({rtp::SectionIndex(0), "0", kTypes, {}}) &&
                     demux.add({rtp::SectionIndex(1), "aa", kMore, kSignalled}),
                 "a bundle was refused");
  const auto first = demux.route(packet, Instant());
  const auto again = demux.route(packet, Instant());
  CAUSEWAY_CHECK(first == again, "the same packet belongs elsewhere");
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
  edit(pool, *open);
  retransmit(pool, *open);
  demultiplex(*open);
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
