#include "control/session_state.h"

#include <algorithm>
#include <array>

#include "control/names.h"
#include "control/proto_time.h"
#include "control/sdp_leg.h"
#include "relay/base/fmtp.h"
#include "relay/engine/session.h"

namespace causeway::control {

Etag::Etag() { fill_random(&instance_, sizeof instance_); }

std::string Etag::text() const {
  std::array<char, 8> octets;
  for (std::size_t i = 0; i < 4; ++i) {
    octets[i] = static_cast<char>(instance_ >> (8 * i));
    octets[4 + i] = static_cast<char>(revision_ >> (8 * (3 - i)));
  }
  return to_hex({octets.data(), octets.size()});
}

SessionState::SessionState(std::string session_id) : id(std::move(session_id)) {}
SessionState::~SessionState() = default;

bool LegState::is_ready() const {
  const bool has_keys =
      asked.spec.security == engine::Security::Plain || (has_receive_keys && has_send_keys);
  return has_keys && (learned_rtp || (asked.spec.remote_rtp && !asked.spec.has_ice));
}

v1::LegState LegState::state() const {
  if (!is_ready()) return v1::LEG_STATE_WAITING;
  return is_silent ? v1::LEG_STATE_SILENT : v1::LEG_STATE_ACTIVE;
}

bool LegState::carries_sound() const {
  const auto& codecs = asked.spec.codecs;
  return codecs.empty() || std::ranges::any_of(codecs, [](const engine::CodecSpec& codec) {
           return codec.kind != engine::MediaKind::Video &&
                  codec.kind != engine::MediaKind::Retransmission;
         });
}

LegState* SessionState::leg(std::string_view leg_id) {
  const auto found =
      std::ranges::find_if(legs, [&](const LegState& leg) { return leg.id() == leg_id; });
  return found == legs.end() ? nullptr : &*found;
}

LegState* SessionState::leg(std::uint16_t number) {
  const auto found = std::ranges::find(legs, number, &LegState::number);
  return found == legs.end() ? nullptr : &*found;
}

ConnectionState* SessionState::connection(std::string_view connection_id) {
  const auto found = std::ranges::find(connections, connection_id, &ConnectionState::id);
  return found == connections.end() ? nullptr : &*found;
}

ConnectionState* SessionState::sound_to(std::uint16_t leg_number) {
  for (ConnectionState& connection : connections) {
    if (connection.to != leg_number) continue;
    const LegState* const from = leg(connection.from);
    if (from != nullptr && from->carries_sound()) return &connection;
  }
  return nullptr;
}

namespace {

/// Whether a codec of video is one of a section's, `rtx` by what it repairs.
bool is_of(const v1::VideoSection& place, const v1::CodecParameters& codec) {
  const auto has = [&](std::uint32_t type) {
    return std::ranges::find(place.payload_types(), type) != place.payload_types().end();
  };
  const auto repaired = fmtp_number(codec.fmtp(), "apt");
  return has(codec.payload_type()) || (repaired && has(*repaired));
}

/// A section that the relay takes, of a leg as it is shown. `place`: of a section of a bundle of
/// which there may be several; null: it is all of its kind.
void show_section(const v1::Leg& leg, const v1::VideoSection* place, v1::MediaSection& section) {
  const bool is_video = section.kind() == v1::MEDIA_KIND_VIDEO;
  section.set_direction(leg.direction());
  for (const v1::CodecParameters& codec : leg.codecs()) {
    if ((codec.kind() == v1::MEDIA_KIND_VIDEO) != is_video) continue;
    if (place != nullptr && !is_of(*place, codec)) continue;
    *section.add_codecs() = codec;
    if (!is_video) continue;
    section.set_direction(
        direction_of(jsep::lesser(direction_of(codec.direction()), direction_of(leg.direction()))));
  }
  if (place != nullptr) {
    section.set_direction(direction_of(
        jsep::lesser(direction_of(place->direction()), direction_of(leg.direction()))));
  }
  *section.mutable_local() = leg.local();
  *section.mutable_remote() = leg.has_learned() ? leg.learned() : leg.remote();
}

/// A leg without the sections of its descriptions.
v1::Leg show_bare_leg(const SessionState& session, const LegState& leg) {
  v1::Leg out = leg.shown;
  out.set_name(child_name(session.id, ChildKind::Leg, leg.id()));
  out.set_etag(leg.etag.text());
  set(*out.mutable_create_time(), leg.create_time);
  out.set_state(leg.state());
  set(*out.mutable_local(), leg.local_rtp,
      leg.asked.spec.has_rtcp_mux ? std::nullopt : leg.local_rtcp);
  if (leg.learned_rtp || leg.learned_rtcp) {
    set(*out.mutable_learned(), leg.learned_rtp, leg.learned_rtcp);
  }
  return out;
}

}  // namespace

v1::Leg show_leg(SessionState& session, const LegState& leg) {
  v1::Leg out = show_bare_leg(session, leg);
  if (!leg.negotiation.agreed) return out;
  const LegState* const video = leg.video_leg ? session.leg(*leg.video_leg) : nullptr;
  // One section of sound is the relay's, and perhaps some of pictures.
  const jsep::Agreed& agreed = *leg.negotiation.agreed;
  for (std::size_t i = 0; i < agreed.lines.size(); ++i) {
    const jsep::Line& line = agreed.lines[i];
    v1::MediaSection& section = *out.add_media();
    section.set_mid(line.mid.value_or(""));
    section.set_kind(line.kind == "audio"   ? v1::MEDIA_KIND_AUDIO
                     : line.kind == "video" ? v1::MEDIA_KIND_VIDEO
                                            : v1::MEDIA_KIND_UNSPECIFIED);
    section.set_direction(v1::DIRECTION_INACTIVE);
    const bool is_elsewhere = line.kind == "video" && agreed.video_transport;
    if (!line.is_ours || (is_elsewhere && video == nullptr)) continue;
    if (!is_elsewhere) {
      const jsep::Video* const place = jsep::video_of_line(agreed.videos, i);
      const bool is_listed = place != nullptr && place->place < out.video_sections_size();
      show_section(out, is_listed ? &out.video_sections(place->place) : nullptr, section);
      continue;
    }
    show_section(show_bare_leg(session, *video), nullptr, section);
    section.set_leg(child_name(session.id, ChildKind::Leg, video->id()));
  }
  return out;
}

v1::Connection show_connection(const SessionState& session, const ConnectionState& connection) {
  v1::Connection out = connection.asked;
  out.set_name(child_name(session.id, ChildKind::Connection, connection.id));
  out.set_etag(connection.etag.text());
  set(*out.mutable_create_time(), connection.create_time);
  *out.mutable_plan() = connection.shown_plan;
  return out;
}

v1::Session show_session_basics(SessionState& session, const WallClock& wall) {
  v1::Session out;
  out.set_name(session_name(session.id));
  out.set_etag(session.etag.text());
  set(*out.mutable_create_time(), session.create_time);
  out.set_state(session.is_closed()   ? v1::SESSION_STATE_CLOSED
                : session.is_orphaned ? v1::SESSION_STATE_ORPHANED
                                      : v1::SESSION_STATE_OPEN);
  *out.mutable_labels() = session.labels;
  set(*out.mutable_lease(), session.lease);
  out.set_lease_expiry(session.lease_expiry);
  set(*out.mutable_expire_time(), wall.unix_time(session.expires_at));
  return out;
}

v1::Session show_session(SessionState& session, const WallClock& wall) {
  v1::Session out = show_session_basics(session, wall);
  for (const LegState& leg : session.legs) *out.add_legs() = show_leg(session, leg);
  for (const ConnectionState& connection : session.connections) {
    *out.add_connections() = show_connection(session, connection);
  }
  return out;
}

}  // namespace causeway::control
