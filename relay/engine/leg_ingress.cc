#include "relay/engine/leg.h"

#include <algorithm>

#include "relay/engine/command.h"
#include "relay/engine/outbox.h"

namespace causeway::engine {

// From the endpoint: media, and what sets the leg up.

Result<wire::OpenRtp, DropReason> Leg::receive_rtp(Datagram& in, Outbox& out) {
  const std::size_t octets = in.packet.size();
  auto packet = [&]() -> Result<wire::OpenRtp, DropReason> {
    auto sealed = wire::SealedRtp::parse(std::move(in.packet));
    if (!sealed) return failure(sealed.error());
    if (!endpoint_.admits_rtp(in.from)) return failure(DropReason::UnexpectedSource);
    auto opened = open(std::move(*sealed), in.arrival);
    if (!opened) {
      note_auth_failure(opened.error(), in.arrival, out);
      return opened;
    }
    if (auto known = check_source(*opened, in, out); !known) return failure(known.error());
    note_transport_seq(*opened, in.arrival);
    const PayloadFormat& format = setup_.formats[opened->payload_type()];
    if (format.kind == MediaKind::Retransmission) {
      return take_repair(std::move(*opened), octets, in.arrival);
    }
    if (!receives(setup_.direction)) return refuse_paused(*opened, octets, in.arrival);
    if (!format.is_known) return failure(DropReason::UnknownPayloadType);
    if (format.kind == MediaKind::Video && setup_.sections) {
      if (auto found = find_section(*opened, octets, in.arrival); !found) {
        return failure(found.error());
      }
    }
    if (auto counted = account(*opened, in.arrival, octets, out); !counted) {
      return failure(counted.error());
    }
    return opened;
  }();
  if (!packet) {
    count_drop(packet.error());
    in.packet.reset();
    return packet;
  }
  note_media(*packet, in, out);
  tap(RecordTap::Point::AsReceived, packet->bytes(), in.arrival, out);
  return packet;
}

/// Not taken, and not lost either.
Result<wire::OpenRtp, DropReason> Leg::refuse_paused(const wire::OpenRtp& packet,
                                                     std::size_t octets, Instant arrival) {
  if (setup_.formats[packet.payload_type()].is_known) (void)note_arrival(packet, arrival, octets);
  return failure(DropReason::Paused);
}

/// Whatever becomes of the packet: it has arrived, and that is what the sender's rate goes by.
void Leg::note_transport_seq(const wire::OpenRtp& packet, Instant arrival) {
  if (!setup_.transport_cc || passes_transport_cc_) return;
  const MediaKind kind = setup_.formats[packet.payload_type()].kind;
  const auto seq = setup_.extensions.transport_seq(packet, kind);
  if (seq) setup_.transport_cc->on_packet(*seq, packet.ssrc(), arrival);
}

/// What it repairs was lost on its way here and stays so in the statistics (RFC 4588 4): it tells
/// the sender what the network does.
Result<wire::OpenRtp, DropReason> Leg::take_repair(wire::OpenRtp packet, std::size_t octets,
                                                   Instant arrival) {
  if (!receives(setup_.direction)) return failure(DropReason::Paused);
  if (!setup_.rtx) return failure(DropReason::UnknownPayloadType);
  ++received_.retransmitted_packets;
  received_.retransmitted_octets += octets;
  auto original = setup_.rtx->unwrap(std::move(packet), arrival);
  if (!original || !setup_.sections) return original;
  const auto found = setup_.sections->section_of(*original, arrival);
  if (!found) return failure(found.error());
  section_ = *found;
  return original;
}

/// Of a packet of video where there are sections.
Result<void, DropReason> Leg::find_section(const wire::OpenRtp& packet, std::size_t octets,
                                           Instant arrival) {
  const auto found = setup_.sections->section_of(packet, arrival);
  // As where the leg receives nothing: not taken, and not lost either.
  if (!found && found.error() == DropReason::Paused) (void)note_arrival(packet, arrival, octets);
  if (!found) return failure(found.error());
  section_ = *found;
  return {};
}

Result<wire::OpenRtp, DropReason> Leg::open(wire::SealedRtp&& sealed, Instant now) {
  if (!setup_.is_secure) return wire::open_plain(std::move(sealed));
  if (!setup_.receiver) return failure(DropReason::LegNotReady);
  return setup_.receiver->open(std::move(sealed), now);
}

Result<void, DropReason> Leg::check_source(const wire::OpenRtp& packet, const Datagram& in,
                                           Outbox& out) {
  SourceFilter::Seen seen{in.from, packet.ssrc(), packet.seq(), true};
  if (setup_.is_secure) seen.is_newest = setup_.receiver->last_opened().is_newest;
  const auto learned = endpoint_.on_rtp(in.arrival, seen);
  if (!learned) return failure(learned.error());
  if (*learned) out.events.emplace_back(in.arrival, AddressLearned{handle_, in.from, false});
  return {};
}

Result<void, DropReason> Leg::account(const wire::OpenRtp& packet, Instant arrival,
                                      std::size_t octets, Outbox& out) {
  // Under SRTP the replay window has seen to duplicates; here they are told from the sequence.
  if (note_arrival(packet, arrival, octets) == rtp::Verdict::Duplicate) {
    return failure(DropReason::Duplicate);
  }
  ++received_.packets;
  received_.octets += octets;
  newest_ssrc_ = packet.ssrc();
  // One at a time is sound's way; pictures come in several streams that take turns.
  if (setup_.formats[packet.payload_type()].kind != MediaKind::Video) {
    if (sound_ssrc_ && *sound_ssrc_ != packet.ssrc()) {
      out.events.emplace_back(arrival, SsrcChanged{handle_, *sound_ssrc_, packet.ssrc()});
    }
    sound_ssrc_ = packet.ssrc();
  }
  newest_type_ = packet.payload_type();
  return {};
}

rtp::Reception& Leg::new_reception(Ssrc ssrc) {
  const std::size_t limit =
      std::clamp<std::size_t>(setup_.max_ssrcs, 1, std::min(kMaxSources, receptions_.capacity()));
  if (receptions_.size() < limit) return receptions_.emplace_back(ssrc);
  // All places taken: the one silent longest makes room, its losses stay in the report.
  rtp::Reception& idlest =
      *std::ranges::min_element(receptions_, {}, &rtp::Reception::last_arrival);
  add_totals(idlest.totals());
  return idlest = rtp::Reception(ssrc);
}

void Leg::add_totals(const rtp::ReceptionTotals& totals) {
  received_.lost += static_cast<std::uint64_t>(std::max<std::int64_t>(0, totals.lost));
  received_.reordered += totals.reordered;
  received_.duplicates += totals.duplicates;
}

Leg::BorrowedReceptions Leg::borrow_receptions() {
  BorrowedReceptions borrowed;
  for (rtp::Reception& reception : receptions_) borrowed.items[borrowed.count++] = &reception;
  return borrowed;
}

void Leg::note_media(const wire::OpenRtp& packet, const Datagram& in, Outbox& out) {
  if (!first_packet_at_) {
    first_packet_at_ = in.arrival;
    out.events.emplace_back(in.arrival,
                            FirstPacket{handle_, in.from, packet.ssrc(), packet.payload_type()});
  }
  if (has_timed_out_) {
    has_timed_out_ = false;
    const Instant since = last_packet_at_.value_or(started_at_);
    out.events.emplace_back(in.arrival, MediaResumed{handle_, in.arrival - since});
  }
  last_packet_at_ = in.arrival;
  if (setup_.extensions.audio_level != 0) note_level(packet);
  watch_events(packet, in.arrival, out);
}

void Leg::note_level(const wire::OpenRtp& packet) {
  if (setup_.formats[packet.payload_type()].kind != MediaKind::Audio) return;
  if (const auto level = setup_.extensions.level_of(packet)) level_.add(*level);
}

void Leg::watch_events(const wire::OpenRtp& packet, Instant now, Outbox& out) {
  const PayloadFormat& format = setup_.formats[packet.payload_type()];
  if (format.kind != MediaKind::TelephoneEvent) return;
  const auto heard = event_receiver_.handle_packet(now, packet, format.clock);
  if (!heard) return;  // the path refuses and counts it
  for (const auto& event : heard->events) {
    if (event) say_event(*event, now, out);
  }
}

void Leg::say_event(const media::HeardEvent& heard, Instant now, Outbox& out) {
  out.events.emplace_back(now, DtmfReceived{handle_, heard.event, heard.duration});
}

/// Someone at the accepted address holds another key, or none: said once, however long it lasts.
/// A replay or an expired key is no such sign.
void Leg::note_auth_failure(DropReason reason, Instant now, Outbox& out) {
  const bool is_sign = reason == DropReason::AuthFailed || reason == DropReason::UnknownMki;
  if (!is_sign || has_said_auth_failure_) return;
  has_said_auth_failure_ = true;
  const std::uint64_t failures = drops_[static_cast<std::size_t>(DropReason::AuthFailed)] +
                                 drops_[static_cast<std::size_t>(DropReason::UnknownMki)];
  const std::uint64_t verified = received_.packets + received_.rtcp_packets;
  out.events.emplace_back(now, SrtpFailed{handle_, reason, failures + 1, verified});
}

Result<wire::OpenRtcp, DropReason> Leg::receive_rtcp(Datagram& in, Outbox& out) {
  auto compound = [&]() -> Result<wire::OpenRtcp, DropReason> {
    auto sealed = wire::SealedRtcp::parse(std::move(in.packet));
    if (!sealed) return failure(sealed.error());
    if (!endpoint_.admits_rtcp(in.from)) return failure(DropReason::UnexpectedSource);
    const bool has_own_keys = has_rtcp_keys() && is_on_rtcp_port(in);
    srtp::SrtpReceiver* const keys =
        has_own_keys ? setup_.rtcp_receiver.get() : setup_.receiver.get();
    if (setup_.is_secure && keys == nullptr) return failure(DropReason::LegNotReady);
    auto opened = setup_.is_secure ? keys->open(std::move(*sealed), in.arrival)
                                   : wire::open_plain(std::move(*sealed));
    if (!opened) {
      note_auth_failure(opened.error(), in.arrival, out);
      return opened;
    }
    const auto learned = endpoint_.on_rtcp(in.arrival, in.from);
    if (!learned) return failure(learned.error());
    if (*learned) out.events.emplace_back(in.arrival, AddressLearned{handle_, in.from, true});
    if (setup_.sections) setup_.sections->learn(opened->packets(), in.arrival);
    return opened;
  }();
  if (!compound) {
    count_drop(compound.error());
  } else {
    ++received_.rtcp_packets;
  }
  return compound;
}

// ---------------------------------------------------------------------------------- setting up

bool Leg::receive_stun(Datagram& in, const Means& means, Outbox& out) {
  ice::Agent* const agent = endpoint_.ice();
  if (agent == nullptr) {
    count_drop(DropReason::Unsupported);
    return false;
  }
  ice::Output said(means.pool);
  agent->handle_stun(in.arrival, in.from, in.packet.data(), means.random, said);
  if (said.dropped) count_drop(*said.dropped);
  take_ice(in.arrival, said, out);
  return said.is_proof;
}

void Leg::take_ice(Instant now, ice::Output& said, Outbox& out) {
  for (auto& send : said.sends) {
    out.transmits.push_back({rtp_port.socket, send.to, std::move(send.packet)});
  }
  if (said.is_reachable) dtls_.connect(now, out);
  if (said.changed) {
    out.events.emplace_back(now, IceChanged{handle_, *said.changed, endpoint_.rtp()});
  }
}

void Leg::connect(Instant now, Outbox& out) {
  if (rtp_port.is_open && endpoint_.rtp()) dtls_.connect(now, out);
  if (has_rtcp_way() && rtcp_port->is_open && endpoint_.rtcp()) rtcp_dtls_.connect(now, out);
}

void Leg::receive_dtls(Datagram& in, Outbox& out) {
  const bool is_rtcp = is_on_rtcp_port(in);
  // With rtcp-mux the port of RTCP has no part in the call.
  if (!dtls_.is_used() || (is_rtcp && !has_rtcp_way())) return count_drop(DropReason::Unsupported);
  if (is_rtcp ? !endpoint_.admits_rtcp(in.from) : !endpoint_.admits_rtp(in.from)) {
    return count_drop(DropReason::UnexpectedSource);
  }
  if (!(is_rtcp ? rtcp_dtls_ : dtls_).handle_datagram(in, out)) count_drop(DropReason::OverBudget);
}

void Leg::take_dtls(Instant now, DtlsReport& made, const Means& means, Outbox& out) {
  dtls::Report& report = made.report;
  const bool is_rtcp = made.is_rtcp;
  // Over ICE to the pair that is in use now; else to whom it answers, whose cookie was good.
  const bool has_source = endpoint_.ice() == nullptr && !report.to.is_none();
  std::optional<SocketAddress> to = is_rtcp ? endpoint_.rtcp() : endpoint_.rtp();
  if (has_source) to = report.to;
  const SocketId socket = is_rtcp ? rtcp_port->socket : rtp_port.socket;
  for (const auto& datagram : report.flight) {
    PacketBuf packet = to ? means.pool.take() : PacketBuf();
    if (!packet) {
      count_drop(to ? DropReason::PoolEmpty : DropReason::NoRemote);
      continue;
    }
    packet.resize(datagram.size());
    std::ranges::copy(datagram, packet.data().begin());
    out.transmits.push_back({socket, *to, std::move(packet)});
  }
  DtlsTransport& dtls = is_rtcp ? rtcp_dtls_ : dtls_;
  const bool is_news = dtls.on_report(now, report);
  const bool is_up = report.outcome == dtls::Outcome::Up;
  if (is_up) {
    is_rtcp ? take_rtcp_keys(made.keys, now) : take_keys(made.keys, now);
    (is_rtcp ? rtcp_dtls_keys_ : dtls_keys_) =
        DtlsKeys{report.suite, std::move(report.receive_key), std::move(report.receive_salt),
                 std::move(report.send_key), std::move(report.send_salt)};
  }
  if (!is_news) return;
  if (is_up) {
    const bool is_active = dtls.role() == dtls::Role::Active;
    out.events.emplace_back(now, DtlsUp{handle_, report.suite, is_active, is_rtcp});
  } else if (report.outcome == dtls::Outcome::Closed) {
    out.events.emplace_back(now, DtlsClosed{handle_, is_rtcp});
  } else {
    out.events.emplace_back(now, DtlsFailed{handle_, report.failure, is_rtcp});
  }
}

rtp::RtcpNews Leg::take_rtcp(const wire::OpenRtcp& compound, Instant arrival) {
  const BorrowedReceptions borrowed = borrow_receptions();
  return rtcp_.on_rtcp(compound, arrival, borrowed.span());
}

std::uint8_t Leg::far_loss_percent() const {
  const auto far = rtcp_.summary().far;
  return far ? static_cast<std::uint8_t>(far->fraction_lost * 100 / 256) : std::uint8_t{0};
}

}  // namespace causeway::engine
