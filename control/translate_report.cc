#include "control/translate_report.h"

#include <algorithm>
#include <string>

#include "control/names.h"
#include "control/proto_time.h"
#include "control/translate_codec.h"
#include "relay/base/text.h"
#include "relay/rtp/quality.h"

namespace causeway::control {

namespace {

constexpr Duration kUsualPtime = std::chrono::milliseconds(20);

const engine::CodecSpec* codec_with(const std::vector<engine::CodecSpec>& codecs,
                                    PayloadType type) {
  const auto found = std::ranges::find(codecs, type, &engine::CodecSpec::payload_type);
  return found == codecs.end() ? nullptr : &*found;
}

rtp::CodecQuality quality_of(const engine::CodecSpec* codec) {
  if (codec != nullptr && equal_ignoring_case(codec->encoding_name, "G729")) return rtp::kG729a;
  return rtp::kG711WithPlc;
}

/// An estimate for one direction; nothing before there is anything to judge.
float mos_for(double lost_fraction, Duration jitter, Duration round_trip,
              const engine::CodecSpec* codec) {
  const Duration ptime =
      codec != nullptr && codec->ptime != Duration::zero() ? codec->ptime : kUsualPtime;
  rtp::Listening listening;
  listening.one_way_delay = rtp::estimate_one_way_delay(round_trip, jitter, ptime);
  listening.loss_percent = 100.0 * lost_fraction;
  listening.codec = quality_of(codec);
  return static_cast<float>(rtp::mos_of(listening));
}

void show_codec(const engine::CodecSpec* codec, v1::DirectionReport& out) {
  if (codec == nullptr) return;
  out.mutable_codec()->set_encoding_name(codec->encoding_name);
  out.mutable_codec()->set_payload_type(codec->payload_type.raw());
  out.mutable_codec()->set_channels(codec->channels);
}

double fraction(std::uint64_t lost, std::uint64_t received) {
  return lost + received == 0 ? 0.0
                              : static_cast<double>(lost) / static_cast<double>(lost + received);
}

void show_level(const std::optional<codecs::LevelMeter::Levels>& level, v1::DirectionReport& out) {
  if (!level) return;
  out.mutable_audio_level()->set_now(-int{level->now});
  out.mutable_audio_level()->set_loudest(-int{level->loudest});
}

void show_received(LegState& leg, const engine::LegReport& report, bool is_interval,
                   v1::DirectionReport& out) {
  const engine::LegReport::Received& in = report.received;
  out.set_packets(in.packets);
  out.set_octets(in.octets);
  out.set_lost_packets(static_cast<std::int64_t>(in.lost));
  out.set_reordered_packets(in.reordered);
  out.set_duplicate_packets(in.duplicates);
  out.set_rtcp_packets(in.rtcp_packets);
  out.set_retransmitted_packets(in.retransmitted_packets);
  out.set_retransmitted_octets(in.retransmitted_octets);
  const double lost = fraction(in.lost - std::min(in.lost, leg.reported_lost),
                               in.packets - std::min(in.packets, leg.reported_packets));
  out.set_lost_fraction(static_cast<float>(lost));
  if (is_interval) {
    leg.reported_lost = in.lost;
    leg.reported_packets = in.packets;
  }
  show_level(in.level, out);
  if (in.packets == 0) return;
  leg.max_received_jitter = std::max(leg.max_received_jitter, in.jitter);
  set(*out.mutable_jitter(), in.jitter);
  set(*out.mutable_max_jitter(), leg.max_received_jitter);
  const auto* codec =
      in.payload_type ? codec_with(leg.asked.spec.codecs, *in.payload_type) : nullptr;
  show_codec(codec, out);
  if (leg.carries_sound()) {
    out.set_mos(
        mos_for(fraction(in.lost, in.packets), in.jitter, report.sent.round_trips.last, codec));
  }
  if (in.ssrc) {
    v1::StreamReport& stream = *out.add_streams();
    stream.set_ssrc(in.ssrc->raw());
    if (in.payload_type) stream.set_payload_type(in.payload_type->raw());
    stream.set_packets(in.packets);
    stream.set_octets(in.octets);
    stream.set_lost_packets(static_cast<std::int64_t>(in.lost));
    set(*stream.mutable_jitter(), in.jitter);
  }
}

void show_sent(LegState& leg, const engine::LegReport& report, v1::DirectionReport& out) {
  const engine::LegReport::Sent& sent = report.sent;
  out.set_packets(sent.packets);
  out.set_octets(sent.octets);
  out.set_rtcp_packets(sent.rtcp_packets);
  out.set_retransmitted_packets(sent.retransmitted_packets);
  out.set_retransmitted_octets(sent.retransmitted_octets);
  show_level(sent.level, out);
  if (sent.ssrc) {
    v1::StreamReport& stream = *out.add_streams();
    stream.set_ssrc(sent.ssrc->raw());
    stream.set_packets(sent.packets);
    stream.set_octets(sent.octets);
  }
  const bool has_far_report =
      sent.round_trips.count != 0 || sent.far_lost != 0 || sent.far_jitter != Duration::zero();
  if (!has_far_report) return;
  const double lost = sent.far_fraction_lost / 256.0;
  leg.max_sent_jitter = std::max(leg.max_sent_jitter, sent.far_jitter);
  out.set_lost_packets(sent.far_lost);
  out.set_lost_fraction(static_cast<float>(lost));
  set(*out.mutable_jitter(), sent.far_jitter);
  set(*out.mutable_max_jitter(), leg.max_sent_jitter);
  if (!leg.carries_sound()) return;
  out.set_mos(mos_for(lost, sent.far_jitter, sent.round_trips.last,
                      leg.asked.spec.codecs.empty() ? nullptr : leg.asked.spec.codecs.data()));
}

void show_drops(const engine::LegReport& report, v1::LegReport& out) {
  for (std::size_t i = 0; i < report.drops.size(); ++i) {
    if (report.drops[i] == 0) continue;
    (*out.mutable_drops())[std::string(name_of(static_cast<DropReason>(i)))] = report.drops[i];
  }
}

void show_srtp(const LegState& leg, const engine::LegReport& report, v1::LegReport& out) {
  if (leg.asked.spec.security == engine::Security::Plain) return;
  const auto count = [&](DropReason reason) {
    return report.drops[static_cast<std::size_t>(reason)];
  };
  v1::SrtpReport& srtp = *out.mutable_srtp();
  if (leg.has_receive_keys) srtp.set_receive_suite(suite_of(leg.asked.spec.receive_suite));
  if (leg.has_send_keys) srtp.set_send_suite(suite_of(leg.asked.spec.send_suite));
  if (leg.rtcp_suite) srtp.set_rtcp_suite(suite_of(*leg.rtcp_suite));
  srtp.set_auth_failures(count(DropReason::AuthFailed));
  srtp.set_replayed(count(DropReason::Replayed));
  srtp.set_unknown_mki(count(DropReason::UnknownMki));
  srtp.set_rotations(leg.rotations);
}

void show_decoding(const media::TranscoderCounters& done, v1::DecodeReport& out) {
  out.set_packets(done.decoded);
  out.set_lost_packets(done.lost);
  out.set_fec_recovered_packets(done.fec_recovered);
  out.set_concealed_packets(done.concealed);
  set(*out.mutable_concealed_duration(), done.concealed_time);
  out.set_late_packets(done.late);
  out.set_duplicate_packets(done.duplicate);
  out.set_bad_packets(done.bad_payload);
  out.set_reordered_packets(done.reordered);
  out.set_silences(done.silences);
  out.set_discontinuities(done.discontinuities);
  out.set_telephone_event_packets(done.event_packets);
  out.set_comfort_noise_packets(done.noise_packets);
}

void show_encoding(const media::TranscoderCounters& done, v1::EncodeReport& out) {
  out.set_packets(done.encoded);
  out.set_dtx_fills(done.dtx_fills);
  out.set_dtx_frames(done.dtx_frames);
  out.set_paced_packets(done.paced);
  out.set_telephone_events(done.events);
  out.set_comfort_noise_packets(done.noise_sent);
}

void show_round_trips(const rtp::RoundTrips& measured, v1::RoundTrip& out) {
  set(*out.mutable_last(), measured.last);
  set(*out.mutable_min(), measured.least);
  set(*out.mutable_mean(), measured.mean());
  set(*out.mutable_max(), measured.greatest);
  out.set_samples(measured.count);
}

}  // namespace

v1::CloseReason close_reason(engine::SessionClosed::Reason reason) {
  using Reason = engine::SessionClosed::Reason;
  switch (reason) {
    case Reason::Requested:
      return v1::CLOSE_REASON_DELETED;
    case Reason::LeaseExpired:
      return v1::CLOSE_REASON_LEASE_EXPIRED;
    case Reason::LeaseExpiredSilent:
      return v1::CLOSE_REASON_SILENT;
    case Reason::NodeShutdown:
      return v1::CLOSE_REASON_NODE_SHUTDOWN;
  }
  return v1::CLOSE_REASON_UNSPECIFIED;
}

v1::LegReport show_leg_report(const SessionState& session, LegState& leg,
                              const engine::LegReport& report, const WallClock& wall,
                              bool is_interval) {
  v1::LegReport out;
  out.set_leg(child_name(session.id, ChildKind::Leg, leg.id()));
  *out.mutable_labels() = leg.shown.labels();
  out.set_state(leg.state());
  set(*out.mutable_create_time(), leg.create_time);
  const auto& received = report.received;
  if (received.first_packet_at) {
    set(*out.mutable_first_packet_time(), wall.unix_time(*received.first_packet_at));
  }
  if (received.last_packet_at) {
    set(*out.mutable_last_packet_time(), wall.unix_time(*received.last_packet_at));
  }
  set(*out.mutable_local(), report.local_rtp ? report.local_rtp : leg.local_rtp,
      leg.asked.spec.has_rtcp_mux ? std::nullopt : leg.local_rtcp);
  if (report.remote_rtp) set(*out.mutable_remote(), report.remote_rtp, report.remote_rtcp);
  out.set_is_remote_learned(report.learned_rtp.has_value());
  show_received(leg, report, is_interval, *out.mutable_received());
  show_sent(leg, report, *out.mutable_sent());
  if (report.sent.round_trips.count != 0) {
    show_round_trips(report.sent.round_trips, *out.mutable_round_trip());
  }
  show_drops(report, out);
  show_srtp(leg, report, out);
  if (const auto& done = report.transcoded.from_endpoint) {
    show_decoding(*done, *out.mutable_decoding());
  }
  if (const auto& done = report.transcoded.to_endpoint) {
    show_encoding(*done, *out.mutable_encoding());
  }
  return out;
}

v1::SessionReport show_session_report(SessionState& session, const WallClock& wall,
                                      Duration report_time) {
  v1::SessionReport out;
  out.set_session(session_name(session.id));
  *out.mutable_labels() = session.labels;
  set(*out.mutable_create_time(), session.create_time);
  set(*out.mutable_report_time(), report_time);
  for (const ConnectionState& connection : session.connections) {
    v1::ConnectionReport& shown = *out.add_connections();
    shown.set_connection(child_name(session.id, ChildKind::Connection, connection.id));
    const LegState* from = session.leg(connection.from);
    const LegState* to = session.leg(connection.to);
    if (from != nullptr) shown.set_from_leg(child_name(session.id, ChildKind::Leg, from->id()));
    if (to != nullptr) shown.set_to_leg(child_name(session.id, ChildKind::Leg, to->id()));
    *shown.mutable_plan() = connection.shown_plan;
    shown.set_replans(connection.replans);
  }
  (void)wall;
  return out;
}

}  // namespace causeway::control
