// relay/wire/rtcp.h, rtcp_views.h: a compound that is accepted is walked to its exact end, and no
// view of its packets reaches outside them.

#include "relay/wire/rtcp.h"

#include <array>
#include <optional>

#include "relay/wire/rtcp_views.h"
#include "tests/fuzz/input.h"

namespace causeway {
namespace {

void read_reports(const wire::RtcpPacket& packet) {
  const auto read_blocks = [](const wire::ReportBlocks& blocks) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      std::array<std::byte, wire::ReportBlock::kOctets> written{};
      blocks[i].write(written);
      CAUSEWAY_CHECK(wire::ReportBlock::read(written) == blocks[i],
                     "a block that reads differently");
    }
  };
  if (const auto report = wire::SenderReport::parse(packet)) {
    read_blocks(report->blocks);
    fuzz::read_all(report->extension);
  }
  if (const auto report = wire::ReceiverReport::parse(packet)) {
    read_blocks(report->blocks);
    fuzz::read_all(report->extension);
  }
}

void read_descriptions(const wire::RtcpPacket& packet) {
  if (auto sdes = wire::Sdes::parse(packet)) {
    std::size_t chunks = 0;
    while (const auto chunk = sdes->next()) {
      ++chunks;
      fuzz::read_all(chunk->items);
      if (const auto name = chunk->find(wire::SdesItemType::Cname)) fuzz::read_all(*name);
      if (const auto mid = chunk->find(wire::SdesItemType::Mid)) fuzz::read_all(*mid);
    }
    CAUSEWAY_CHECK(chunks == packet.count(), "other chunks than were counted");
  }
  if (const auto bye = wire::Bye::parse(packet)) {
    for (std::size_t i = 0; i < bye->size(); ++i) static_cast<void>(bye->ssrc(i));
    fuzz::read_all(bye->reason);
  }
  if (const auto app = wire::App::parse(packet)) {
    fuzz::read_all(app->name);
    fuzz::read_all(app->data);
  }
  if (auto xr = wire::Xr::parse(packet)) {
    while (const auto block = xr->next()) fuzz::read_all(block->body);
  }
}

template <typename List>
void read_list(const std::optional<List>& list) {
  if (!list) return;
  for (std::size_t i = 0; i < list->size(); ++i) static_cast<void>((*list)[i]);
}

void read_feedback(const wire::RtcpPacket& packet) {
  const auto feedback = wire::Feedback::parse(packet);
  if (!feedback) return;
  fuzz::read_all(feedback->fci);
  read_list(wire::Nack::parse(*feedback));
  read_list(wire::Fir::parse(*feedback));
  read_list(wire::Tmmbr::parse(*feedback));
  if (const auto remb = wire::Remb::parse(*feedback)) {
    for (std::size_t i = 0; i < remb->size(); ++i) static_cast<void>(remb->ssrc(i));
  }
}

void walk(const wire::RtcpCompound& compound) {
  std::size_t octets = 0;
  for (const wire::RtcpPacket packet : compound) {
    CAUSEWAY_CHECK(packet.octets().size() >= 4, "a packet without a header");
    fuzz::read_all(packet.body());
    octets += packet.octets().size();
    read_reports(packet);
    read_descriptions(packet);
    read_feedback(packet);
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
