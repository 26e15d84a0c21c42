#include "relay/engine/session.h"

#include <algorithm>

#include "relay/engine/outbox.h"
#include "relay/rtp/ntp.h"

namespace causeway::engine {

void Session::start(Instant now, SessionHandle handle, Random& random, Outbox& out) {
  handle_ = handle;
  opened_at_ = now;
  lease_ends_ = now + lease_;
  for (const auto& leg : legs_) leg->start(now, {handle, leg->number()}, random);
  update_legs();
  for (const record::RecordingId recording : recordings_) {
    if (out.records != nullptr) out.records->write_marker(recording, record::FrameKind::Start, now);
  }
}

Leg* Session::leg(std::uint16_t number) {
  const auto found = std::ranges::find_if(
      legs_, [&](const std::unique_ptr<Leg>& leg) { return leg->number() == number; });
  return found == legs_.end() ? nullptr : found->get();
}

std::unique_ptr<Leg> Session::remove_leg(std::uint16_t number) {
  for (std::size_t i = 0; i < legs_.size(); ++i) {
    if (legs_[i]->number() != number) continue;
    std::unique_ptr<Leg> removed = std::move(legs_[i]);
    legs_.erase_unordered(i);
    return removed;
  }
  return nullptr;
}

std::unique_ptr<Connection> Session::replace_connection(std::uint16_t from, std::uint16_t to,
                                                        std::unique_ptr<Connection> connection) {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    auto& known = connections_[i];
    if (known->from != from || known->to != to) continue;
    if (connection) {
      connection->path->take_over(*known->path);
      if (connection->kept && known->kept) connection->kept->take_over(*known->kept);
      std::swap(known, connection);
      return connection;
    }
    std::unique_ptr<Connection> removed = std::move(known);
    connections_.erase_unordered(i);
    return removed;
  }
  if (connection && !connections_.full()) connections_.push_back(std::move(connection));
  return connection;
}

void Session::update_legs() {
  for (const auto& leg : legs_) {
    bool is_connected = false;
    bool transcodes = false;
    for (const auto& connection : connections_) {
      if (connection->to == leg->number()) leg->streams().take_room(connection->room);
      if (connection->from != leg->number() && connection->to != leg->number()) continue;
      is_connected = is_connected || connection->path->takes_anything();
      transcodes = transcodes || connection->path->transcodes();
    }
    leg->set_is_rtp_endpoint(!is_connected || transcodes);
    leg->set_passes_transport_cc(std::ranges::any_of(connections_, [&](const auto& connection) {
      return connection->from == leg->number() && passes_transport_cc(*connection);
    }));
  }
}

/// The far end's numbers are its only sender's, and one far end alone answers the sender.
bool Session::passes_transport_cc(const Connection& connection) const {
  if (!connection.path->passes_transport_cc()) return false;
  return std::ranges::none_of(connections_, [&](const auto& other) {
    const bool is_another = other.get() != &connection;
    return is_another && (other->from == connection.from || other->to == connection.to);
  });
}

void Session::renew(Instant now, Duration lease, std::optional<LeaseExpiry> expiry) {
  lease_ = lease;
  expiry_ = expiry.value_or(expiry_);
  lease_ends_ = now + lease;
}

Instant Session::last_heard() const {
  Instant last = opened_at_;
  for (const auto& leg : legs_) last = std::max(last, leg->last_packet_at().value_or(last));
  return last;
}

Instant Session::lease_check_at() const {
  if (expiry_ == LeaseExpiry::Close) return lease_ends_;
  return std::max(lease_ends_, last_heard() + kSilence);
}

Instant Session::next_timeout() const {
  Instant next = lease_check_at();
  const auto consider = [&](std::optional<Instant> at) {
    if (at) next = std::min(next, *at);
  };
  for (const auto& leg : legs_) consider(leg->next_timeout());
  for (const auto& connection : connections_) consider(connection->path->next_timeout());
  return next;
}

void Session::fill_report(const Leg& leg, LegReport& report) const {
  leg.fill_report(report);
  const auto add = [](std::optional<media::TranscoderCounters>& sum,
                      const media::TranscoderCounters& counters) {
    if (!sum) sum.emplace();
    *sum += counters;
  };
  for (const auto& connection : connections_) {
    const bool is_to = connection->to == leg.number();
    if (is_to && !leg.is_rtp_endpoint()) {
      leg.fill_far_report(connection->reports[0].far_report(), report.sent);
    }
    const media::Transcoder* const transcoder = connection->path->transcoder();
    if (transcoder == nullptr) continue;
    const media::Transcoder::Levels levels = transcoder->levels();
    if (is_to) {
      add(report.transcoded.to_endpoint, transcoder->counters());
      if (levels.encoded) report.sent.level = levels.encoded;
    }
    if (connection->from == leg.number()) {
      add(report.transcoded.from_endpoint, transcoder->counters());
      if (levels.decoded) report.received.level = levels.decoded;
    }
  }
}

// --------------------------------------------------------------------------------------- RTCP

Connection* Session::connection(std::uint16_t from, std::uint16_t to) {
  for (const auto& connection : connections_) {
    if (connection->from == from && connection->to == to) return connection.get();
  }
  return nullptr;
}

/// The streams of `connection` that pass untouched: those of the leg `to` that are made from what
/// the leg `from` is heard with. Audio is left out where the relay answers for it itself.
ForwardedStreams Session::forwarded_streams(Connection* connection) {
  ForwardedStreams streams;
  if (connection == nullptr) return streams;
  Leg& from = *leg(connection->from);
  Leg& to = *leg(connection->to);
  const auto add = [&](const rtp::OutputStream& stream, rtp::ForwardedReports& reports) {
    const auto map = stream.mapping();
    rtp::Reception* const heard = map ? from.reception_of(map->in) : nullptr;
    if (heard == nullptr) return;
    const rtp::KeptStreams* const kept = connection->kept.get();
    streams.push_back({*map, heard, &reports, kept == nullptr ? nullptr : kept->find(map->out)});
  };
  if (!to.is_rtp_endpoint()) add(to.streams().audio(), connection->reports[0]);
  const auto others = to.streams().others();
  for (std::size_t i = 0; i < others.size() && i + 1 < connection->reports.size(); ++i) {
    add(others[i].stream, connection->reports[i + 1]);
  }
  return streams;
}

void Session::handle_rtcp(Instant now, Leg& from, const wire::OpenRtcp& compound, PacketPool& pool,
                          Outbox& out) {
  unsigned lies = from.is_rtp_endpoint() ? take_own_rtcp(now, from, compound) : 0;
  repeat_lost(now, from, compound, pool, out);
  for (const auto& to : legs_) {
    if (to->number() == from.number()) continue;
    lies = std::max(lies, translate_rtcp(now, from, *to, compound, pool, out));
  }
  // Once, however many have read it.
  for (; lies > 0; --lies) from.count_drop(DropReason::BadHeader);
}

/// What the endpoint asks for again and is kept goes out at once. The translator leaves it out of
/// what crosses (ForwardedStream::kept).
void Session::repeat_lost(Instant now, Leg& to, const wire::OpenRtcp& compound, PacketPool& pool,
                          Outbox& out) {
  for (const auto& connection : connections_) {
    if (connection->to != to.number() || !connection->kept) continue;
    rtp::for_each_lost(compound.packets(), [&](Ssrc ssrc, SeqNum seq) {
      to.send_again(now, ssrc, seq, *connection->kept, pool, out);
    });
  }
}

void Session::forget_kept(const Leg& to) {
  for (const auto& connection : connections_) {
    if (connection->to == to.number() && connection->kept) connection->kept->clear();
  }
}

/// What the endpoint reports reaches those who can act on it: its losses the encoders that speak to
/// it (in-band FEC), its clock the reports about what is made from its stream (lip-sync).
unsigned Session::take_own_rtcp(Instant now, Leg& from, const wire::OpenRtcp& compound) {
  const rtp::RtcpNews news = from.take_rtcp(compound, now);
  for (const auto& connection : connections_) {
    media::Transcoder* transcoder = connection->path->transcoder();
    if (transcoder == nullptr) continue;
    if (news.has_report && connection->to == from.number()) {
      transcoder->set_expected_loss(from.far_loss_percent());
    }
    if (news.has_sender_report && connection->from == from.number()) {
      align_sound(now, from, *connection);
    }
  }
  return news.malformed;
}

/// Sound stays in step with the picture beside it (DESIGN.md section 3) where the SRs about it are
/// on its sender's clock, as those of the picture are. Only the SR of the very stream that the
/// sound is made from says how: a picture takes another time from its capture to the wire.
void Session::align_sound(Instant now, Leg& from, Connection& connection) {
  Leg* const to = leg(connection.to);
  if (to == nullptr) return;
  const rtp::OutputStream& stream = to->streams().audio();
  const auto origin = connection.path->transcoder()->origin();
  const auto mapping = stream.mapping();
  if (!origin && !mapping) return;
  const rtp::Reception* const source = from.reception_of(mapping ? mapping->in : origin->ssrc);
  if (source == nullptr || !source->last_sender_report()) return;
  const rtp::ArrivedSenderReport& report = *source->last_sender_report();
  if (report.arrival != now) return;  // the SR was another stream's
  if (mapping) {                      // the sender is using a codec that passes
    to->set_timeline({report.info.ntp, now}, mapping->to_out(report.info.rtp_timestamp));
  } else if (const auto capture = source->capture_of(origin->timestamp, origin->clock)) {
    to->set_timeline({rtp::ntp_plus(capture->ntp, -origin->delay), capture->at - origin->delay},
                     stream.next_timestamp());
  }
}

unsigned Session::translate_rtcp(Instant now, Leg& from, Leg& to, const wire::OpenRtcp& compound,
                                 PacketPool& pool, Outbox& out) {
  const ForwardedStreams sent = forwarded_streams(connection(from.number(), to.number()));
  const ForwardedStreams received = forwarded_streams(connection(to.number(), from.number()));
  if (sent.empty() && received.empty()) return 0;
  rtp::RtcpRoute route;
  route.sent = {sent.begin(), sent.size()};
  route.received = {received.begin(), received.size()};
  route.reporter = to.own_ssrc();
  route.cname = to.cname();
  const Connection* const answered = connection(to.number(), from.number());
  route.passes_transport_cc = answered != nullptr && passes_transport_cc(*answered);
  if (answered != nullptr && answered->kept) {
    route.sent_bits_per_second = answered->kept->sent_bits_per_second(now);
  }
  const auto write = [&](Leg& leg, auto&& fill) {
    PacketBuf packet = pool.take();
    if (!packet) return leg.count_drop(DropReason::PoolEmpty);
    packet.resize(PacketBuf::kMaxData);
    const std::size_t octets = fill(packet.data());
    packet.resize(octets);
    if (octets != 0) leg.send_rtcp(std::move(packet), out);
  };
  rtp::Translation translation;
  write(to, [&](MutableBytes octets) {
    translation = rtp::RtcpTranslator::translate(compound, now, route, octets);
    to.note_requests(now, octets.first(translation.octets));
    return translation.octets;
  });
  if (sent.empty()) return translation.malformed;
  write(from, [&](MutableBytes octets) {
    return rtp::RtcpTranslator::answer_sender(now, route.sent, from.own_ssrc(), from.cname(),
                                              octets);
  });
  return translation.malformed;
}

// ----------------------------------------------------------------------------------- snapshots

void Session::fill_snapshot(SessionSnapshot& snapshot, Instant now) const {
  snapshot.lease_left = std::max(Duration::zero(), lease_ends_ - now);
  snapshot.legs.clear();
  for (const auto& leg : legs_) leg->fill_snapshot(snapshot.legs.push_back({}));
}

}  // namespace causeway::engine
