#include "relay/engine/leg.h"

#include <algorithm>
#include <array>
#include <utility>

#include "relay/engine/outbox.h"
#include "relay/wire/rtcp_writer.h"

namespace causeway::engine {

// ------------------------------------------------------------------------------------- changes

void Leg::apply(LegUpdate& update, Instant now, Outbox& out) {
  if (update.is_secure) {
    setup_.is_secure = *update.is_secure;
    endpoint_.set_secure(*update.is_secure, now);
    std::swap(setup_.receiver, update.receiver);
    std::swap(setup_.sender, update.sender);
    std::swap(setup_.rtcp_receiver, update.rtcp_receiver);
    std::swap(setup_.rtcp_sender, update.rtcp_sender);
    dtls_keys_.reset();
    rtcp_dtls_keys_.reset();
    has_said_auth_failure_ = has_said_key_expiring_ = false;
  }
  endpoint_.change(update.remote_rtp, update.remote_rtcp, update.accept_from, now);
  if (update.has_rtcp_mux && *update.has_rtcp_mux != endpoint_.has_rtcp_mux()) {
    // RTCP comes under the other keys; where it comes back, its own handshake begins anew.
    endpoint_.set_rtcp_mux(*update.has_rtcp_mux);
    rtcp_dtls_.end(out);
  }
  watch_mappings(now);
  if (update.direction && *update.direction != setup_.direction) {
    // What was not sent while held is no loss: the streams go on with the next number.
    if (!sends(setup_.direction)) streams_.resume(now);
    setup_.direction = *update.direction;
    started_at_ = now;  // nor does silence while held count
    has_timed_out_ = false;
    if (last_packet_at_) last_packet_at_ = now;
  }
  if (update.first_packet_timeout) setup_.first_packet_timeout = *update.first_packet_timeout;
  if (update.media_timeout) setup_.media_timeout = *update.media_timeout;
  if (update.max_ssrcs) setup_.max_ssrcs = *update.max_ssrcs;
  if (update.formats) {
    std::swap(setup_.formats, *update.formats);
    std::swap(setup_.repair, update.repair);
    if (!setup_.rtx) {
      setup_.rtx = std::move(update.rtx);
    } else {
      setup_.rtx->set_types(setup_.repair.from_endpoint);
    }
    std::swap(setup_.extensions, update.extensions);
    take_sections(update.sections, now);
    // What was counted stays, unless there is nothing to be counted any more.
    if (!setup_.transport_cc || !update.transport_cc) {
      std::swap(setup_.transport_cc, update.transport_cc);
    }
  }
  if (update.receptions.capacity() > receptions_.capacity()) {
    // Room enough: this allocates nothing.
    update.receptions.assign(receptions_.begin(), receptions_.end());
    std::swap(receptions_, update.receptions);
  }
  if (update.audio_clock) setup_.audio_clock = *update.audio_clock;
  if (update.telephone_event) setup_.telephone_event = *update.telephone_event;
  if (update.telephone_event || update.audio_clock) make_digit_sender();
  if (update.ice && endpoint_.ice() != nullptr) endpoint_.ice()->update(*update.ice, now);
  if (update.dtls) {
    std::shared_ptr<const dtls::Settings> same = *update.dtls;
    rtcp_dtls_.change(same, update.has_new_association, out);
    // Both replace the same settings, and the update takes them away.
    dtls_.change(*update.dtls, update.has_new_association, out);
  }
  connect(now, out);
  if (!update.is_secure) take_keys(update, now);  // else they are swapped already
}

void Leg::take_keys(LegUpdate& update, Instant now) {
  if (update.receiver) {
    if (setup_.receiver) {
      update.receiver = setup_.receiver->adopt(std::move(update.receiver), now, update.key_grace);
    } else {
      setup_.receiver = std::move(update.receiver);
    }
    has_said_auth_failure_ = false;
  }
  if (update.sender) {
    if (setup_.sender) {
      update.sender = setup_.sender->adopt(std::move(update.sender));
      streams_.renew_ssrcs([&](Ssrc ssrc) { return setup_.sender->needs_new_ssrc(ssrc); });
      rtcp_.renew(streams_.audio().ssrc());
    } else {
      setup_.sender = std::move(update.sender);
    }
    has_said_key_expiring_ = false;
  }
}

/// What the association of RTCP has made. Its keys are of one handshake, so they change together.
void Leg::take_rtcp_keys(LegUpdate& update, Instant now) {
  if (setup_.rtcp_receiver) {
    update.receiver =
        setup_.rtcp_receiver->adopt(std::move(update.receiver), now, update.key_grace);
    update.sender = setup_.rtcp_sender->adopt(std::move(update.sender));
  } else {
    setup_.rtcp_receiver = std::move(update.receiver);
    setup_.rtcp_sender = std::move(update.sender);
  }
  has_said_auth_failure_ = false;
}

/// The sections of an agreement, with what was learned of the streams of before.
void Leg::take_sections(std::unique_ptr<VideoSections>& sections, Instant now) {
  std::swap(setup_.sections, sections);
  if (!setup_.sections || !sections) return;
  setup_.sections->take_over(*sections);
  for (std::uint8_t i = 0; i < VideoSectionSpec::kMost; ++i) {
    // What was not sent meanwhile is no loss.
    const bool goes_on = setup_.sections->sends_anything(i) && !sections->sends_anything(i);
    if (goes_on) streams_.resume_section(now, i);
  }
}

bool Leg::add_tap(const RecordTap& tap) {
  for (RecordTap& known : taps_) {
    if (known.recording == tap.recording && known.point == tap.point) {
      known = tap;
      return true;
    }
  }
  if (taps_.full()) return false;
  taps_.push_back(tap);
  return true;
}

void Leg::remove_tap(record::RecordingId recording) {
  for (std::size_t i = taps_.size(); i-- > 0;) {
    if (taps_[i].recording == recording) taps_.erase_unordered(i);
  }
}

void Leg::record(RecordTap::Point point, Bytes packet, Instant at, Outbox& out) {
  // A recording is of sound; pictures would only fill its ring.
  const PayloadType type(load_u8(&packet[1]) & 0x7fU);
  if (setup_.formats[type].kind == MediaKind::Video) return;
  for (RecordTap& tap : taps_) {
    if (tap.point != point || out.records == nullptr) continue;
    if (out.records->write_packet(tap.recording, tap.channel, record::kCodecByPayloadType, at,
                                  packet)) {
      ++recorded_packets_;
      continue;
    }
    ++recording_lost_packets_;
    ++tap.lost_packets;
    // A recorder that is always a little behind makes room for every other packet: that is one
    // overrun and not fifty a second.
    const bool is_going_on = tap.last_loss && at - *tap.last_loss < record::kRingCalm;
    tap.last_loss = at;
    if (is_going_on) continue;
    out.events.emplace_back(
        at, RecordingOverrun{handle_.session, tap.recording.raw(), tap.lost_packets});
  }
}

// -------------------------------------------------------------------------------------- timers

std::optional<Instant> Leg::media_timeout_at() const {
  // Whoever only hears (or is on hold) is expected to be silent.
  if (has_timed_out_ || !receives(setup_.direction)) return std::nullopt;
  const bool has_media = last_packet_at_.has_value();
  const Duration limit = has_media ? setup_.media_timeout : setup_.first_packet_timeout;
  if (limit == Duration::zero()) return std::nullopt;
  return last_packet_at_.value_or(started_at_) + limit;
}

std::optional<Instant> Leg::next_timeout() const {
  std::optional<Instant> next = media_timeout_at();
  const auto consider = [&](std::optional<Instant> at) {
    if (at && (!next || *at < *next)) next = at;
  };
  if (is_rtp_endpoint_) consider(rtcp_.next_timeout());
  consider(transport_cc_at());
  if (digits_) consider(digits_->next_timeout());
  if (dtls_.is_used()) {
    consider(dtls_.next_timeout());
    consider(rtcp_dtls_.next_timeout());
  }
  if (endpoint_.ice() != nullptr) consider(endpoint_.ice()->next_timeout());
  consider(keeps_rtp_.next_timeout());
  consider(keeps_rtcp_.next_timeout());
  consider(event_receiver_.next_timeout());
  return next;
}

void Leg::handle_timeout(Instant now, const Means& means, Outbox& out) {
  if (const auto due = media_timeout_at(); due && *due <= now) {
    has_timed_out_ = true;
    const Instant since = last_packet_at_.value_or(started_at_);
    out.events.emplace_back(now, MediaTimeout{handle_, now - since, last_packet_at_.has_value()});
  }
  if (const auto heard = event_receiver_.handle_timeout(now)) say_event(*heard, now, out);
  if (ice::Agent* const agent = endpoint_.ice()) {
    ice::Output said(means.pool);
    agent->handle_timeout(now, means.random, said);
    take_ice(now, said, out);
  }
  for (DtlsTransport* const dtls : {&dtls_, &rtcp_dtls_}) {
    if (!dtls->handle_timeout(now, out)) continue;
    out.events.emplace_back(now, DtlsFailed{handle_, dtls::Failure::TimedOut, dtls == &rtcp_dtls_});
  }
  if (digits_ && digits_->next_timeout() && *digits_->next_timeout() <= now) {
    play_digits(now, means, out);
  }
  if (is_rtp_endpoint_ && rtcp_.next_timeout() <= now) send_own_rtcp(now, means, out);
  send_transport_cc(now, means, out);
  keep_mappings(now, means, out);
}

void Leg::send_transport_cc(Instant now, const Means& means, Outbox& out) {
  // Each packet goes on where the one before was full.
  for (auto due = transport_cc_at(); due && *due <= now; due = transport_cc_at()) {
    PacketBuf packet = means.pool.take();
    if (!packet) {
      // It is lost, but time goes on.
      std::array<std::byte, 1200> nowhere;
      wire::RtcpWriter writer(nowhere);
      (void)setup_.transport_cc->handle_timeout(now, own_ssrc(), writer);
      count_drop(DropReason::PoolEmpty);
      continue;
    }
    packet.resize(PacketBuf::kMaxData);
    wire::RtcpWriter writer(packet.data());
    (void)writer.receiver_report(own_ssrc(), {});
    (void)writer.sdes_cname(own_ssrc(), cname());
    (void)setup_.transport_cc->handle_timeout(now, own_ssrc(), writer);
    packet.resize(writer.written().size());
    send_rtcp(std::move(packet), out);
  }
}

/// RFC 6263 4.1, an empty datagram: the same for RTP, SRTP and a leg without keys yet, and nothing
/// to the endpoint's statistics.
void Leg::keep_mappings(Instant now, const Means& means, Outbox& out) {
  const auto send_if_due = [&](Keepalive& keeps, std::uint64_t sent, const Port& port,
                               const std::optional<SocketAddress>& to) {
    if (!keeps.handle_timeout(now, sent) || !to) return;
    PacketBuf packet = means.pool.take();
    if (!packet) return count_drop(DropReason::PoolEmpty);
    packet.resize(0);
    out.transmits.push_back({port.socket, *to, std::move(packet)});
  };
  const std::uint64_t rtcp = sent_.rtcp_packets;
  const auto& learned = endpoint_.learned_rtp();
  const bool has_mux = endpoint_.has_rtcp_mux();
  send_if_due(keeps_rtp_, sent_.packets + (has_mux ? rtcp : 0), rtp_port, learned);
  if (!has_mux) send_if_due(keeps_rtcp_, rtcp, way_of_rtcp(), endpoint_.learned_rtcp());
}

void Leg::watch_mappings(Instant now) {
  if (!endpoint_.is_behind_nat()) {
    keeps_rtp_.stop();
    keeps_rtcp_.stop();
    return;
  }
  keeps_rtp_.start(now);
  if (endpoint_.has_rtcp_mux()) {
    keeps_rtcp_.stop();
  } else {
    keeps_rtcp_.start(now);
  }
}

void Leg::send_own_rtcp(Instant now, const Means& means, Outbox& out) {
  const BorrowedReceptions borrowed = borrow_receptions();
  PacketBuf packet = means.pool.take();
  if (!packet) {
    // Without a buffer the report is lost, but the schedule still moves on.
    std::array<std::byte, 1200> nowhere;
    (void)rtcp_.handle_timeout(now, means.random.next(), borrowed.span(), nowhere);
    return count_drop(DropReason::PoolEmpty);
  }
  packet.resize(PacketBuf::kMaxData);
  const std::size_t octets =
      rtcp_.handle_timeout(now, means.random.next(), borrowed.span(), packet.data());
  packet.resize(octets);
  if (octets != 0) send_rtcp(std::move(packet), out);
}

// ------------------------------------------------------------------------------------- reports

void Leg::fill_report(LegReport& report) const {
  report.received = received_;
  report.received.ssrc = newest_ssrc_;
  report.received.payload_type = newest_type_;
  report.received.first_packet_at = first_packet_at_;
  report.received.last_packet_at = last_packet_at_;
  for (const rtp::Reception& reception : receptions_) {
    const rtp::ReceptionTotals totals = reception.totals();
    report.received.lost += static_cast<std::uint64_t>(std::max<std::int64_t>(0, totals.lost));
    report.received.reordered += totals.reordered;
    report.received.duplicates += totals.duplicates;
    if (newest_ssrc_ == reception.ssrc()) report.received.jitter = reception.jitter();
  }
  report.received.level = level_.levels();
  report.sent = sent_;
  if (is_rtp_endpoint_) fill_far_report(rtcp_.summary().far, report.sent);
  if (streams_.audio().has_sent()) report.sent.ssrc = streams_.audio().ssrc();
  report.drops = drops_;
  report.local_rtp = rtp_port.local;
  if (!endpoint_.has_rtcp_mux()) report.local_rtcp = way_of_rtcp().local;
  report.remote_rtp = endpoint_.rtp();
  report.remote_rtcp = endpoint_.rtcp();
  report.learned_rtp = endpoint_.learned_rtp();
  report.recorded_packets = recorded_packets_;
  report.recording_lost_packets = recording_lost_packets_;
}

void Leg::fill_far_report(const std::optional<rtp::FarReport>& far, LegReport::Sent& sent) const {
  if (!far) return;
  sent.far_fraction_lost = far->fraction_lost;
  sent.far_lost = far->cumulative_lost;
  sent.far_jitter = ticks_to_duration(far->jitter_ticks, streams_.audio().clock_rate());
  sent.round_trips = far->round_trips;
}

void Leg::fill_snapshot(LegSnapshot& snapshot) const {
  snapshot.number = setup_.number;
  snapshot.local_rtp = rtp_port.local;
  snapshot.local_rtcp.reset();
  if (rtcp_port) snapshot.local_rtcp = rtcp_port->local;
  snapshot.learned_rtp = endpoint_.learned_rtp();
  snapshot.learned_rtcp = endpoint_.learned_rtcp();
  snapshot.ice.reset();
  if (endpoint_.ice() != nullptr) snapshot.ice = endpoint_.ice()->snapshot();
  snapshot.streams = streams_.snapshot();
  snapshot.sections.clear();
  if (setup_.sections) {
    setup_.sections->demux().for_each_learned([&](Ssrc ssrc, rtp::SectionIndex section) {
      if (!snapshot.sections.full()) snapshot.sections.push_back({ssrc, section.raw()});
    });
  }
  const auto copy = [](const auto& keys, auto& indices) {
    indices.clear();
    for (std::size_t i = 0; keys && i < keys->streams() && !indices.full(); ++i) {
      indices.push_back(keys->stream(i));
    }
  };
  copy(setup_.receiver, snapshot.received_indices);
  copy(setup_.sender, snapshot.sent_indices);
  copy(setup_.rtcp_receiver, snapshot.received_rtcp_indices);
  copy(setup_.rtcp_sender, snapshot.sent_rtcp_indices);
  const auto clone = [](const std::optional<DtlsKeys>& keys) {
    return keys ? std::optional(keys->clone()) : std::nullopt;
  };
  snapshot.dtls = clone(dtls_keys_);
  snapshot.rtcp_dtls = clone(rtcp_dtls_keys_);
}

void Leg::restore(const LegSnapshot& snapshot, Instant now) {
  streams_.restore(snapshot.streams);
  rtcp_.renew(streams_.audio().ssrc());
  endpoint_.restore(snapshot.learned_rtp, snapshot.learned_rtcp, now);
  if (snapshot.ice && endpoint_.ice() != nullptr) endpoint_.ice()->restore(*snapshot.ice, now);
  for (const LegSnapshot::LearnedSection& each : snapshot.sections) {
    if (setup_.sections) setup_.sections->restore(each.ssrc, each.section, now);
  }
  const auto go_on = [](const auto& keys, const auto& indices) {
    // The only error is libsrtp's; it then counts on from where it is, which is never behind.
    if (keys) (void)keys->restore({indices.begin(), indices.size()});
  };
  if (setup_.receiver) {
    setup_.receiver->restore({snapshot.received_indices.begin(), snapshot.received_indices.size()});
  }
  if (setup_.rtcp_receiver) {
    setup_.rtcp_receiver->restore(
        {snapshot.received_rtcp_indices.begin(), snapshot.received_rtcp_indices.size()});
  }
  go_on(setup_.sender, snapshot.sent_indices);
  go_on(setup_.rtcp_sender, snapshot.sent_rtcp_indices);
  const auto adopt = [](const std::optional<DtlsKeys>& from, std::optional<DtlsKeys>& to,
                        DtlsTransport& dtls) {
    if (!from) return;
    to = from->clone();
    dtls.go_on();
  };
  adopt(snapshot.dtls, dtls_keys_, dtls_);
  adopt(snapshot.rtcp_dtls, rtcp_dtls_keys_, rtcp_dtls_);
}

}  // namespace causeway::engine
