#include "relay/engine/leg.h"

#include <algorithm>
#include <cstring>

#include "relay/engine/outbox.h"

namespace causeway::engine {

namespace {

/// RFC 3551 section 6: the clocks of the static types; video types run at 90 kHz.
RtpClockRate static_clock(std::uint8_t type) {
  switch (type) {
    case 6:
      return RtpClockRate(16000);
    case 10:
    case 11:
      return RtpClockRate(44100);
    case 16:
      return RtpClockRate(11025);
    case 17:
      return RtpClockRate(22050);
    case 14:
      return RtpClockRate(90000);
    default:
      return RtpClockRate(type >= 24 && type < 72 ? 90000U : 8000U);
  }
}

std::optional<SocketAddress> port_above(std::optional<SocketAddress> address) {
  if (address) address->port = UdpPort(static_cast<std::uint16_t>(address->port.raw() + 1));
  return address;
}

/// Room for the statistics of what may be received in these formats.
std::vector<rtp::Reception> make_receptions(const PayloadFormats& formats) {
  const bool is_audio_only = !formats.any_of([](const PayloadFormat& format) {
    return format.is_known && (format.kind == MediaKind::Video || format.kind == MediaKind::Other);
  });
  std::vector<rtp::Reception> receptions;
  receptions.reserve(is_audio_only ? kMaxAudioSources : kMaxSources);
  return receptions;
}

}  // namespace

PayloadFormats payload_formats(const LegSpec& spec) {
  PayloadFormats formats;
  if (spec.codecs.empty()) {
    for (std::uint8_t type = 0; type < 128; ++type) {
      formats.set(PayloadType(type), {true, MediaKind::Other, static_clock(type)});
    }
    return formats;
  }
  for (const CodecSpec& codec : spec.codecs) {
    formats.set(codec.payload_type, {true, codec.kind, codec.clock});
  }
  return formats;
}

void LegUpdate::set_formats(PayloadFormats now_known) {
  receptions = make_receptions(now_known);
  formats = std::move(now_known);
}

RtpClockRate audio_clock_of(const LegSpec& spec) {
  const auto audio = std::ranges::find(spec.codecs, MediaKind::Audio, &CodecSpec::kind);
  return audio == spec.codecs.end() ? RtpClockRate(8000) : audio->clock;
}

std::optional<PayloadType> telephone_event_of(const LegSpec& spec) {
  const RtpClockRate clock = audio_clock_of(spec);
  for (const CodecSpec& codec : spec.codecs) {
    if (codec.kind == MediaKind::TelephoneEvent && codec.clock == clock) return codec.payload_type;
  }
  return std::nullopt;
}

LegSetup make_setup(const LegSpec& spec, std::uint16_t number, std::uint8_t network) {
  LegSetup setup;
  setup.number = number;
  setup.network = network;
  setup.has_rtcp_mux = spec.has_rtcp_mux;
  setup.remote_rtp = spec.remote_rtp;
  setup.remote_rtcp = spec.remote_rtcp;
  setup.accept_from = spec.accept_from;
  setup.is_secure = spec.security == Security::Sdes;
  setup.formats = payload_formats(spec);
  setup.audio_clock = audio_clock_of(spec);
  setup.telephone_event = telephone_event_of(spec);
  setup.direction = spec.direction;
  setup.first_packet_timeout = spec.first_packet_timeout;
  setup.media_timeout = spec.media_timeout;
  setup.max_ssrcs = spec.max_ssrcs;
  setup.dscp = spec.dscp;
  return setup;
}

Leg::Leg(LegSetup setup, Random& random)
    : setup_(std::move(setup)),
      streams_(setup_.audio_clock, random),
      receptions_(make_receptions(setup_.formats)) {
  make_digit_sender();
}

Leg::~Leg() = default;

void Leg::start(Instant now, LegHandle handle, Random& random) {
  handle_ = handle;
  rtcp_ =
      rtp::RtcpSession({streams_.audio().ssrc(), setup_.cname, setup_.wall}, now, random.next());
  started_at_ = now;
  arm_filters(now);
}

/// Whom the endpoint's packets are expected from: a source of its own where one was named, else
/// the address we send to. RTCP comes from the next higher port unless said (RFC 3550 section 11).
void Leg::arm_filters(Instant now) {
  const AcceptFrom& accept = setup_.accept_from;
  const auto rtp = accept.source_rtp ? accept.source_rtp : setup_.remote_rtp;
  auto rtcp = accept.source_rtcp;
  if (!rtcp) rtcp = accept.source_rtp ? port_above(rtp) : signalled_rtcp();
  rtp_filter_.arm(accept, rtp, setup_.is_secure, now);
  rtcp_filter_.arm(accept, rtcp, setup_.is_secure, now);
}

// ---------------------------------------------------------------------------------- the way in

Result<wire::OpenRtp, DropReason> Leg::receive_rtp(Datagram& in, Outbox& out) {
  const std::size_t octets = in.packet.size();
  auto packet = [&]() -> Result<wire::OpenRtp, DropReason> {
    auto sealed = wire::SealedRtp::parse(std::move(in.packet));
    if (!sealed) return failure(sealed.error());
    if (!rtp_filter_.admits(in.from)) return failure(DropReason::UnexpectedSource);
    auto opened = open(std::move(*sealed), in.arrival);
    if (!opened) {
      note_auth_failure(opened.error(), in.arrival, out);
      return opened;
    }
    if (auto known = check_source(*opened, in, out); !known) return failure(known.error());
    if (!receives(setup_.direction)) return failure(DropReason::Paused);
    if (!setup_.formats[opened->payload_type()].is_known) {
      return failure(DropReason::UnknownPayloadType);
    }
    if (auto counted = account(*opened, in.arrival, octets, out); !counted) {
      return failure(counted.error());
    }
    return opened;
  }();
  if (!packet) {
    count_drop(packet.error());
    return packet;
  }
  note_media(*packet, in, out);
  tap(RecordTap::Point::AsReceived, packet->bytes(), in.arrival, out);
  return packet;
}

Result<wire::OpenRtp, DropReason> Leg::open(wire::SealedRtp sealed, Instant now) {
  if (!setup_.is_secure) return wire::open_plain(std::move(sealed));
  if (!setup_.receiver) return failure(DropReason::LegNotReady);
  return setup_.receiver->open(std::move(sealed), now);
}

Result<void, DropReason> Leg::check_source(const wire::OpenRtp& packet, const Datagram& in,
                                           Outbox& out) {
  SourceFilter::Seen seen{in.from, packet.ssrc(), packet.seq(), true};
  if (setup_.is_secure) seen.is_newest = setup_.receiver->last_opened().is_newest;
  switch (rtp_filter_.on_authentic(in.arrival, seen)) {
    case SourceFilter::Verdict::Reject:
      return failure(rtp_filter_.learned() ? DropReason::UnexpectedSource : DropReason::NotLatched);
    case SourceFilter::Verdict::AcceptAndLearned:
      out.events.emplace_back(in.arrival, AddressLearned{handle_, in.from, false});
      break;
    case SourceFilter::Verdict::Accept:
      break;
  }
  return {};
}

Result<void, DropReason> Leg::account(const wire::OpenRtp& packet, Instant arrival,
                                      std::size_t octets, Outbox& out) {
  const RtpClockRate clock = setup_.formats[packet.payload_type()].clock;
  // Under SRTP the replay window has seen to duplicates; here they are told from the sequence.
  const rtp::Verdict verdict =
      reception_for(packet.ssrc())
          .on_packet(packet.seq(), packet.timestamp(), arrival, clock, octets);
  if (verdict == rtp::Verdict::Duplicate) return failure(DropReason::Duplicate);
  ++received_.packets;
  received_.octets += octets;
  if (newest_ssrc_ && *newest_ssrc_ != packet.ssrc()) {
    out.events.emplace_back(arrival, SsrcChanged{handle_, *newest_ssrc_, packet.ssrc()});
  }
  newest_ssrc_ = packet.ssrc();
  newest_type_ = packet.payload_type();
  return {};
}

rtp::Reception* Leg::reception_of(Ssrc ssrc) {
  const auto known = std::ranges::find(receptions_, ssrc, &rtp::Reception::ssrc);
  return known == receptions_.end() ? nullptr : &*known;
}

rtp::Reception& Leg::reception_for(Ssrc ssrc) {
  if (rtp::Reception* known = reception_of(ssrc)) return *known;
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
  watch_events(packet, in.arrival, out);
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
  out.events.emplace_back(now, SrtpFailed{handle_, reason});
}

Result<wire::OpenRtcp, DropReason> Leg::receive_rtcp(Datagram& in, Outbox& out) {
  SourceFilter& filter = setup_.has_rtcp_mux ? rtp_filter_ : rtcp_filter_;
  auto compound = [&]() -> Result<wire::OpenRtcp, DropReason> {
    auto sealed = wire::SealedRtcp::parse(std::move(in.packet));
    if (!sealed) return failure(sealed.error());
    if (!filter.admits(in.from)) return failure(DropReason::UnexpectedSource);
    if (setup_.is_secure && !setup_.receiver) return failure(DropReason::LegNotReady);
    auto opened = setup_.is_secure ? setup_.receiver->open(std::move(*sealed), in.arrival)
                                   : wire::open_plain(std::move(*sealed));
    if (!opened) {
      note_auth_failure(opened.error(), in.arrival, out);
      return opened;
    }
    if (setup_.has_rtcp_mux) {
      // On the shared port RTP does the learning; RTCP is only heard from whom RTP has found.
      const auto& learned = rtp_filter_.learned();
      if (rtp_filter_.is_latching() && (!learned || *learned != in.from)) {
        return failure(learned ? DropReason::UnexpectedSource : DropReason::NotLatched);
      }
      return opened;
    }
    switch (filter.on_authentic_rtcp(in.arrival, in.from, rtp_filter_)) {
      case SourceFilter::Verdict::Reject:
        return failure(filter.learned() ? DropReason::UnexpectedSource : DropReason::NotLatched);
      case SourceFilter::Verdict::AcceptAndLearned:
        out.events.emplace_back(in.arrival, AddressLearned{handle_, in.from, true});
        break;
      case SourceFilter::Verdict::Accept:
        break;
    }
    return opened;
  }();
  if (!compound) {
    count_drop(compound.error());
  } else {
    ++received_.rtcp_packets;
  }
  return compound;
}

rtp::RtcpNews Leg::take_rtcp(const wire::OpenRtcp& compound, Instant arrival) {
  const BorrowedReceptions borrowed = borrow_receptions();
  return rtcp_.on_rtcp(compound, arrival, borrowed.span());
}

std::uint8_t Leg::far_loss_percent() const {
  const auto far = rtcp_.summary().far;
  return far ? static_cast<std::uint8_t>(far->fraction_lost * 100 / 256) : std::uint8_t{0};
}

// --------------------------------------------------------------------------------- the way out

const std::optional<SocketAddress>& Leg::remote_rtp() const {
  return rtp_filter_.learned() ? rtp_filter_.learned() : setup_.remote_rtp;
}

std::optional<SocketAddress> Leg::remote_rtcp() const {
  if (setup_.has_rtcp_mux) return remote_rtp();
  return rtcp_filter_.learned() ? rtcp_filter_.learned() : signalled_rtcp();
}

std::optional<SocketAddress> Leg::signalled_rtcp() const {
  return setup_.remote_rtcp ? setup_.remote_rtcp : port_above(setup_.remote_rtp);
}

bool Leg::can_send() const { return sends(setup_.direction) && remote_rtp().has_value(); }

void Leg::send_rtp(Instant now, wire::OpenRtp&& packet, Outbox& out) {
  if (!sends(setup_.direction)) return count_drop(DropReason::Paused);
  const auto& to = remote_rtp();
  if (!to) return count_drop(DropReason::NoRemote);
  tap(RecordTap::Point::AsSent, packet.bytes(), now, out);
  const std::size_t payload_octets = packet.payload().size();
  if (packet.ssrc() == rtcp_.ssrc()) {
    rtcp_.on_sent(packet.timestamp(), now, streams_.audio().clock_rate(), payload_octets);
  }
  if (!setup_.is_secure) {
    return send_datagram(rtp_port.socket, *to, std::move(packet).take(), out);
  }
  if (!setup_.sender) return count_drop(DropReason::LegNotReady);
  auto sealed = setup_.sender->seal(std::move(packet));
  if (!sealed) return count_drop(sealed.error());
  if (setup_.sender->key_is_low() && !has_said_key_expiring_) {
    has_said_key_expiring_ = true;
    out.events.emplace_back(now, KeyExpiring{handle_});
  }
  send_datagram(rtp_port.socket, *to, std::move(*sealed), out);
}

void Leg::send_rtcp(PacketBuf packet, Outbox& out) {
  const auto to = remote_rtcp();
  // RFC 3264 8.4: hold stops RTP, RTCP goes on.
  if (!to || setup_.direction == Direction::Inactive) return;
  if (setup_.is_secure) {
    if (!setup_.sender) return count_drop(DropReason::LegNotReady);
    auto sealed = setup_.sender->seal_rtcp(std::move(packet));
    if (!sealed) return count_drop(sealed.error());
    packet = std::move(*sealed);
  }
  ++sent_.rtcp_packets;
  const SocketId socket = rtcp_port ? rtcp_port->socket : rtp_port.socket;
  out.transmits.push_back({socket, *to, std::move(packet)});
}

void Leg::send_datagram(SocketId socket, const SocketAddress& to, PacketBuf&& packet, Outbox& out) {
  ++sent_.packets;
  sent_.octets += packet.size();
  out.transmits.push_back({socket, to, std::move(packet)});
}

// ------------------------------------------------------------------------------------- changes

void Leg::apply(LegUpdate& update, Instant now, Outbox&) {
  if (update.remote_rtp) setup_.remote_rtp = *update.remote_rtp;
  if (update.remote_rtcp) setup_.remote_rtcp = *update.remote_rtcp;
  if (update.accept_from) std::swap(setup_.accept_from, *update.accept_from);
  if (update.remote_rtp || update.remote_rtcp || update.accept_from) {
    arm_filters(now);
  }
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
  if (update.formats) std::swap(setup_.formats, *update.formats);
  if (update.receptions.capacity() > receptions_.capacity()) {
    // Room enough: this allocates nothing.
    update.receptions.assign(receptions_.begin(), receptions_.end());
    std::swap(receptions_, update.receptions);
  }
  if (update.audio_clock) setup_.audio_clock = *update.audio_clock;
  if (update.telephone_event) setup_.telephone_event = *update.telephone_event;
  if (update.telephone_event || update.audio_clock) make_digit_sender();
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

// -------------------------------------------------------------------------------------- digits

void Leg::make_digit_sender() {
  digits_.reset();
  if (!setup_.telephone_event) return;
  digits_.emplace(*setup_.telephone_event, setup_.audio_clock, std::chrono::milliseconds(20));
}

bool Leg::send_digits(Instant now, std::span<const media::TelephoneEventSender::Digit> digits) {
  if (!digits_ || digits_->room() < digits.size()) return false;
  return std::ranges::all_of(digits,
                             [&](const auto& digit) { return digits_->enqueue(now, digit); });
}

void Leg::play_digits(Instant now, const Means& means, Outbox& out) {
  media::Emit emit{means.pool, streams_.audio(), means.sent};
  digits_->handle_timeout(now, emit);
  for (wire::OpenRtp& packet : means.sent) send_rtp(now, std::move(packet), out);
  means.sent.clear();
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
  if (digits_) consider(digits_->next_timeout());
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
  if (digits_ && digits_->next_timeout() && *digits_->next_timeout() <= now) {
    play_digits(now, means, out);
  }
  if (is_rtp_endpoint_ && rtcp_.next_timeout() <= now) send_own_rtcp(now, means, out);
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
  report.sent = sent_;
  if (is_rtp_endpoint_) fill_far_report(rtcp_.summary().far, report.sent);
  if (streams_.audio().has_sent()) report.sent.ssrc = streams_.audio().ssrc();
  report.drops = drops_;
  report.local_rtp = rtp_port.local;
  if (rtcp_port) report.local_rtcp = rtcp_port->local;
  report.remote_rtp = remote_rtp();
  report.remote_rtcp = remote_rtcp();
  report.learned_rtp = rtp_filter_.learned();
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
  snapshot.learned_rtp = rtp_filter_.learned();
  snapshot.learned_rtcp = rtcp_filter_.learned();
  snapshot.streams = streams_.snapshot();
  const auto copy = [](const auto& keys, auto& indices) {
    indices.clear();
    for (std::size_t i = 0; keys && i < keys->streams() && !indices.full(); ++i) {
      indices.push_back(keys->stream(i));
    }
  };
  copy(setup_.receiver, snapshot.received_indices);
  copy(setup_.sender, snapshot.sent_indices);
}

void Leg::restore(const LegSnapshot& snapshot, Instant now) {
  streams_.restore(snapshot.streams);
  rtcp_.renew(streams_.audio().ssrc());
  if (snapshot.learned_rtp) {
    rtp_filter_.restore_learned(*snapshot.learned_rtp, Ssrc(0), SeqNum(0), now);
  }
  if (snapshot.learned_rtcp) {
    rtcp_filter_.restore_learned(*snapshot.learned_rtcp, Ssrc(0), SeqNum(0), now);
  }
  if (setup_.receiver) {
    setup_.receiver->restore({snapshot.received_indices.begin(), snapshot.received_indices.size()});
  }
  if (setup_.sender) {
    // The only error is libsrtp's; it then counts on from where it is, which is never behind.
    (void)setup_.sender->restore({snapshot.sent_indices.begin(), snapshot.sent_indices.size()});
  }
}

}  // namespace causeway::engine
