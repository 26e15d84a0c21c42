// relay/wire/rtcp.h, rtcp_views.h, transport_cc.h: a compound that is accepted is walked to its
// exact end, and no view of its packets reaches outside them. Transport-wide feedback that is
// written anew reads the same. A bundle (relay/rtp/bundle_demux.h) sends each packet somewhere that
// it has.

#include "relay/wire/rtcp.h"

#include <array>
#include <optional>
#include <vector>

#include "relay/rtp/bundle_demux.h"
#include "relay/wire/rtcp_views.h"
#include "relay/wire/transport_cc.h"
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

void read_transport_cc(const wire::Feedback& feedback) {
  auto view = wire::TransportCc::parse(feedback);
  if (!view) return;
  std::vector<wire::TransportArrival> arrivals;
  for (auto arrival = view->next(); arrival; arrival = view->next()) arrivals.push_back(*arrival);
  CAUSEWAY_CHECK(arrivals.size() <= view->size(), "more arrivals than numbers");
  std::array<std::byte, 4096> octets{};
  wire::RtcpWriter writer(octets);
  const std::size_t taken = wire::write_transport_cc(
      writer, {feedback.sender, feedback.media, view->base(), view->number()}, arrivals);
  CAUSEWAY_CHECK(taken <= arrivals.size() && (taken == 0) == writer.empty(), "a count that lies");
  if (taken == 0) return;
  const auto written = wire::check_rtcp_compound(writer.written());
  CAUSEWAY_CHECK(written.has_value(), "feedback that is not framed");
  auto again = wire::TransportCc::parse(*wire::Feedback::parse(*written->begin()));
  CAUSEWAY_CHECK(again.has_value(), "feedback that cannot be read");
  // The reference time is 24 bits wide: times agree but for its wrap.
  const auto first = again->next();
  CAUSEWAY_CHECK(first && first->seq == arrivals.front().seq, "another number");
  for (std::size_t i = 1; i < taken; ++i) {
    const auto arrival = again->next();
    CAUSEWAY_CHECK(arrival && arrival->seq == arrivals[i].seq &&
                       arrival->at - first->at == arrivals[i].at - arrivals.front().at,
                   "feedback that reads differently");
  }
  CAUSEWAY_CHECK(!again->next(), "more than was written");
}

void demultiplex(const wire::RtcpCompound& compound) {
  static constexpr PayloadType kTypes[] = {PayloadType(0), PayloadType(96)};
  static constexpr Ssrc kReceived[] = {Ssrc(1)};
  rtp::BundleDemux demux(1);
  CAUSEWAY_CHECK(demux.add({rtp::SectionIndex(0), "0", kTypes, kReceived}) &&
                     demux.add({rtp::SectionIndex(1), "abc", kTypes, {}}),
                 "a bundle was refused");
  demux.learn(compound, Instant());
  demux.for_each_learned([](Ssrc, rtp::SectionIndex section) {
    CAUSEWAY_CHECK(section.raw() < 2, "a section that is not there");
  });
}

void read_feedback(const wire::RtcpPacket& packet) {
  const auto feedback = wire::Feedback::parse(packet);
  if (!feedback) return;
  fuzz::read_all(feedback->fci);
  read_list(wire::Nack::parse(*feedback));
  read_list(wire::Fir::parse(*feedback));
  read_list(wire::Tmmbr::parse(*feedback));
  read_transport_cc(*feedback);
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
  if (compound) {
    walk(*compound);
    demultiplex(*compound);
  }
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
