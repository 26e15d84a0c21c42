#include "relay/rtp/rtcp_session.h"

#include <algorithm>
#include <array>

namespace causeway::rtp {

namespace {

/// IPv4 and UDP headers: RFC 3550 6.2 counts them into the bandwidth.
constexpr std::size_t kLowerLayerOctets = 28;

Reception* find(Receptions receptions, Ssrc ssrc) {
  const auto at =
      std::ranges::find_if(receptions, [ssrc](const Reception* r) { return r->ssrc() == ssrc; });
  return at == receptions.end() ? nullptr : *at;
}

}  // namespace

RtcpSession::RtcpSession(const Config& config, Instant now, std::uint64_t random)
    : cname_(config.cname),
      sender_(config.ssrc, config.wall_clock),
      schedule_(now, config.bandwidth_octets_per_second, random) {}

RtcpNews RtcpSession::on_rtcp(const wire::OpenRtcp& compound, Instant arrival,
                              Receptions receptions) {
  RtcpNews news;
  schedule_.on_compound(compound.size() + kLowerLayerOctets);
  for (const wire::RtcpPacket packet : compound.packets()) {
    take_packet(packet, arrival, receptions, news);
  }
  return news;
}

void RtcpSession::take_packet(const wire::RtcpPacket& packet, Instant arrival,
                              Receptions receptions, RtcpNews& news) {
  switch (packet.type()) {
    case wire::RtcpType::Sr:
      if (const auto report = wire::SenderReport::parse(packet)) {
        news.has_sender_report = true;
        if (Reception* source = find(receptions, report->sender.ssrc)) {
          source->on_sender_report(report->sender, arrival);
        }
        return take_blocks(report->blocks, arrival, news);
      }
      break;
    case wire::RtcpType::Rr:
      if (const auto report = wire::ReceiverReport::parse(packet)) {
        return take_blocks(report->blocks, arrival, news);
      }
      break;
    case wire::RtcpType::Sdes:
      if (wire::Sdes::parse(packet)) return;
      break;
    case wire::RtcpType::Bye:
      if (const auto bye = wire::Bye::parse(packet)) {
        for (std::size_t i = 0; i < bye->size(); ++i) {
          news.has_bye = news.has_bye || find(receptions, bye->ssrc(i)) != nullptr;
        }
        return;
      }
      break;
    case wire::RtcpType::Rtpfb:
    case wire::RtcpType::Psfb:
      if (const auto feedback = wire::Feedback::parse(packet)) {
        return take_feedback(*feedback, news);
      }
      break;
    default:
      ++news.ignored;
      return;
  }
  ++news.malformed;
}

void RtcpSession::take_blocks(const wire::ReportBlocks& blocks, Instant arrival, RtcpNews& news) {
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const wire::ReportBlock block = blocks[i];
    if (block.ssrc != sender_.ssrc()) continue;
    sender_.on_report_block(block, arrival);
    news.has_report = true;
  }
}

void RtcpSession::take_feedback(const wire::Feedback& feedback, RtcpNews& news) const {
  if (feedback.is(wire::PsfbType::Pli)) {
    news.wants_picture = news.wants_picture || feedback.media == sender_.ssrc();
  } else if (feedback.is(wire::PsfbType::Fir)) {
    const auto fir = wire::Fir::parse(feedback);
    if (!fir) {
      ++news.malformed;
      return;
    }
    for (std::size_t i = 0; i < fir->size(); ++i) {
      news.wants_picture = news.wants_picture || (*fir)[i].ssrc == sender_.ssrc();
    }
  } else {
    ++news.ignored;
  }
}

std::size_t RtcpSession::handle_timeout(Instant now, std::uint64_t random, Receptions receptions,
                                        MutableBytes out) {
  if (now < schedule_.next()) return 0;
  count_members(now, receptions);
  if (!schedule_.handle_timeout(now, random)) return 0;
  wire::RtcpWriter writer(out);
  write_report(now, receptions, writer);
  if (wanted_picture_ && writer.pli(sender_.ssrc(), *wanted_picture_)) wanted_picture_.reset();
  schedule_.on_compound(writer.written().size() + kLowerLayerOctets);
  return writer.written().size();
}

std::size_t RtcpSession::request_picture(Instant now, Ssrc media, MutableBytes out) {
  if (!schedule_.request_early(now)) {
    wanted_picture_ = media;
    return 0;
  }
  wire::RtcpWriter writer(out);
  write_report(now, {}, writer);
  (void)writer.pli(sender_.ssrc(), media);
  schedule_.on_compound(writer.written().size() + kLowerLayerOctets);
  return writer.written().size();
}

std::size_t RtcpSession::write_bye(Instant now, Receptions receptions, MutableBytes out) {
  wire::RtcpWriter writer(out);
  write_report(now, receptions, writer);
  const std::array sources = {sender_.ssrc()};
  (void)writer.bye(sources);
  return writer.written().size();
}

void RtcpSession::write_report(Instant now, Receptions receptions, wire::RtcpWriter& writer) {
  // Header, sender part, CNAME, PLI and BYE come first; blocks fill the rest.
  constexpr std::size_t kRest = 28 + 12 + Cname::kMaxOctets + 12 + 8;
  const std::size_t room = writer.room() > kRest ? (writer.room() - kRest) / 24 : 0;
  std::array<wire::ReportBlock, wire::RtcpWriter::kMaxBlocks> blocks;
  std::size_t count = 0;
  for (Reception* const source : receptions) {
    if (count == std::min(room, blocks.size())) break;
    if (!source->has_news()) continue;
    blocks[count] = source->take_report(now);
    fraction_lost_ = blocks[count++].fraction_lost;
  }
  const std::span<const wire::ReportBlock> reported(blocks.data(), count);
  if (sender_.is_active(now, schedule_.deterministic_interval())) {
    (void)writer.sender_report(sender_.make_report(now), reported);
  } else {
    (void)writer.receiver_report(sender_.ssrc(), reported);
  }
  (void)writer.sdes_cname(sender_.ssrc(), cname_.text());
}

void RtcpSession::count_members(Instant now, Receptions receptions) {
  std::uint32_t members = 1;
  const bool we_sent = sender_.is_active(now, schedule_.deterministic_interval());
  std::uint32_t senders = we_sent ? 1 : 0;
  for (const Reception* const source : receptions) {
    if (!source->has_packets() || now - source->last_arrival() > kMemberTimeout) continue;
    ++members;
    const bool is_sending = now - source->last_arrival() < 2 * schedule_.deterministic_interval();
    senders += is_sending ? 1 : 0;
  }
  schedule_.set_members(now, members, senders, we_sent);
}

RtcpSummary RtcpSession::summary() const {
  return {fraction_lost_, sender_.packets(), sender_.octets(), sender_.far_report()};
}

}  // namespace causeway::rtp
