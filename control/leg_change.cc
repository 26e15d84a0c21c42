#include "control/leg_change.h"

#include <algorithm>
#include <array>

#include "control/lookup.h"
#include "control/proto_time.h"
#include "control/sdp_leg.h"
#include "control/session_draft.h"
#include "control/update_mask.h"

namespace causeway::control {

namespace {

using google::protobuf::FieldMask;

constexpr std::array<std::string_view, 15> kChangeable = {
    "labels",        "remote",        "accept_from",    "security",          "dscp",
    "max_ssrcs",     "codecs",        "codec_policy",   "direction",         "first_packet_timeout",
    "media_timeout", "transport.ice", "transport.kind", "header_extensions", "video_sections"};

constexpr Duration kMaxGrace = std::chrono::seconds(60);

bool is_same(const google::protobuf::FieldMask& mask, std::string_view path) {
  return std::ranges::find(mask.paths(), path) != mask.paths().end();
}

/// Ports do not change; whether RTCP goes over that of RTP may be agreed on later (RFC 5761 5.1.1).
Answer<void> check_kind(const LegState& before, const v1::Leg& after, const Field& field) {
  const auto is_pair = [](v1::TransportKind kind) {
    return kind == v1::TRANSPORT_KIND_UNSPECIFIED || kind == v1::TRANSPORT_KIND_PORT_PAIR;
  };
  const v1::TransportKind was = before.shown.transport().kind();
  const v1::TransportKind now = after.transport().kind();
  const bool is_of_pair = is_pair(now) || now == v1::TRANSPORT_KIND_RTCP_MUX;
  if (was == now || (before.local_rtcp && is_of_pair)) return {};
  const Field transport{"transport", &field};
  return failure(invalid(Field{"kind", &transport},
                         "It changes between PORT_PAIR and RTCP_MUX only, and only where the leg "
                         "was made with a pair."));
}

/// What of a leg's security a request is about.
struct SecurityScope {
  bool receive = false;
  bool send = false;
  bool whole = false;
};
SecurityScope scope_of(const FieldMask& mask) {
  SecurityScope scope;
  scope.whole = is_same(mask, "security") || is_same(mask, "security.sdes");
  scope.receive = scope.whole || touches(mask, "security.sdes.receive");
  scope.send = scope.whole || touches(mask, "security.sdes.send");
  return scope;
}

}  // namespace

Answer<const LegState*> LegChange::before(const std::string& leg, const std::string& etag) const {
  const LegState* const found = session_.leg(leg);
  if (found == nullptr) return failure(no_leg(session_.id, leg));
  if (auto checked = check_etag(etag, found->etag); !checked) {
    return failure(std::move(checked).error());
  }
  return found;
}

Answer<void> LegChange::prepare(const std::string& id, const v1::UpdateLegRequest& in) {
  const Lock lock(session_.data);
  const auto found = before(id, in.leg().etag());
  if (!found) return failure(found.error());
  const LegState& leg = **found;
  const Field field("leg");
  auto mask = read_update_mask(in.update_mask(), in.has_update_mask(), in.leg(), kChangeable);
  if (!mask) return failure(std::move(mask).error());
  v1::Leg merged = leg.shown;
  merge(in.leg(), *mask, merged);
  auto asked = translate_leg(merged, field, plane_.networks(), leg.id());
  if (!asked) {
    wipe_keys(merged);
    return failure(std::move(asked).error());
  }
  after_ = leg;
  asked->spec.receive_suite = leg.asked.spec.receive_suite;
  asked->spec.send_suite = leg.asked.spec.send_suite;
  if (asked->spec.security == leg.asked.spec.security) {
    asked->spec.are_suites_known = leg.asked.spec.are_suites_known;
  }
  after_.asked = std::move(*asked);
  auto checked = check_network(plane_, after_.asked, field);
  if (checked && touches(*mask, "dscp") && after_.asked.spec.dscp != leg.asked.spec.dscp) {
    checked = failure(absent_feature("Leg.dscp (update)"));
  }
  if (checked && touches(*mask, "transport.kind")) checked = check_kind(leg, merged, field);
  if (checked && touches(*mask, "security")) checked = prepare_security(leg, merged, *mask, field);
  if (checked) checked = prepare_setup(leg, merged, *mask, field);
  if (!checked) {
    wipe_keys(merged);
    return checked;
  }
  after_.shown = public_leg(merged, keys_);
  wipe_keys(merged);
  show_setup(setup_, after_.shown);
  // Keys that the request does not speak of are still there, so they are still shown.
  if (merged.security().has_sdes()) {
    const v1::SdesSecurity& old = leg.shown.security().sdes();
    v1::SdesSecurity& now = *after_.shown.mutable_security()->mutable_sdes();
    if (!keys_.receive && leg.has_receive_keys) *now.mutable_receive() = old.receive();
    if (!keys_.send && leg.has_send_keys) *now.mutable_send() = old.send();
  }
  const bool has_new_codecs = touches(*mask, "codecs") || touches(*mask, "codec_policy") ||
                              touches(*mask, "header_extensions") ||
                              touches(*mask, "video_sections");
  if (has_new_codecs || touches(*mask, "security")) {
    if (auto planned = prepare_plans(has_new_codecs, field); !planned) return planned;
  }
  if (touches(*mask, "codecs")) record_new_codecs(leg);
  prepare_update(leg, *mask);
  return prepare_keys();
}

Answer<void> LegChange::prepare_security(const LegState& before, const v1::Leg& in,
                                         const FieldMask& mask, const Field& field) {
  if (after_.asked.spec.security != before.asked.spec.security) {
    // Another kind of protection: nothing of the old one is kept.
    update_.is_secure = after_.asked.spec.security != engine::Security::Plain;
    after_.has_receive_keys = after_.has_send_keys = false;
    after_.rtcp_suite.reset();
    has_update_ = true;
  }
  if (!in.security().has_sdes()) return {};
  const SecurityScope scope = scope_of(mask);
  v1::Security security;
  v1::SdesSecurity& sdes = *security.mutable_sdes();
  sdes.set_roc_policy(in.security().sdes().roc_policy());
  if (scope.receive && in.security().sdes().has_receive()) {
    *sdes.mutable_receive() = in.security().sdes().receive();
  }
  if (scope.send && in.security().sdes().has_send()) {
    *sdes.mutable_send() = in.security().sdes().send();
  }
  SendKey send_key = SendKey::Keep;
  if (update_.is_secure) {
    send_key = SendKey::Make;
  } else if (scope.send) {
    send_key = scope.whole ? SendKey::KeepIfFits : SendKey::Make;
  }
  const Field security_field{"security", &field};
  auto keys = translate_security(security, security_field, send_key, after_.asked.spec);
  if (sdes.has_receive()) wipe_keys(*sdes.mutable_receive());
  if (sdes.has_send()) wipe_keys(*sdes.mutable_send());
  if (!keys) return failure(std::move(keys).error());
  keys_ = std::move(*keys);
  return {};
}

/// ICE and DTLS.
Answer<void> LegChange::prepare_setup(const LegState& before, const v1::Leg& merged,
                                      const FieldMask& mask, const Field& field) {
  setup_ = before.setup;
  if (setup_.ice) setup_.ice->is_new = false;
  const bool is_asked = touches(mask, "transport.ice") || touches(mask, "security") ||
                        (touches(mask, "remote") && setup_.ice);
  if (!is_asked) return {};
  if (before.setup.ice.has_value() != merged.transport().has_ice()) {
    const Field transport{"transport", &field};
    return failure(invalid(Field{"ice", &transport}, "Whether a leg has ICE does not change."));
  }
  auto setup = draft_setup(merged, field, &before.setup, plane_.identity(),
                           plane_.route(session_.handle.worker));
  if (!setup) return failure(std::move(setup).error());
  setup_ = std::move(*setup);
  if (build_update(before.setup, setup_, after_.asked.spec.remote_rtp, update_)) has_update_ = true;
  shakes_hands_again_ = update_.has_new_association && setup_.dtls;
  if (shakes_hands_again_) after_.asked.spec.are_suites_known = false;
  after_.setup = setup_;
  return {};
}

Answer<void> LegChange::prepare(const std::string& id, const v1::RotateKeysRequest& in) {
  const Lock lock(session_.data);
  const auto found = before(id, in.etag());
  if (!found) return failure(found.error());
  const LegState& leg = **found;
  if (leg.asked.spec.security != engine::Security::Sdes) {
    return failure(api_error("LEG_NOT_READY", "The leg is not SDES."));
  }
  if (!in.has_receive() && !in.has_send()) {
    return failure(required(Field("receive"), "At least one direction gets new keys."));
  }
  if (in.has_receive() && !has_material(in.receive())) {
    return failure(required(Field("receive"), "The endpoint's new keys are needed."));
  }
  Duration grace = srtp::SrtpReceiver::kKeyGrace;
  if (in.has_grace()) {
    const auto span = read_duration(in.grace(), Field("grace"), Duration::zero(), kMaxGrace);
    if (!span) return failure(span.error());
    grace = *span;
  }
  after_ = leg;
  engine::LegSpec& spec = after_.asked.spec;
  if (in.has_receive()) {
    auto keys = translate_keys(in.receive(), Field("receive"));
    if (!keys) return failure(std::move(keys).error());
    spec.receive_suite = keys->keys.suite;
    keys_.receive = std::move(*keys);
  }
  if (in.has_send()) {
    const Field send("send");
    const auto suite = read_suite(in.send().suite(), Field{"suite", &send});
    if (!suite) return failure(suite.error());
    const std::uint32_t tag = keys_.receive ? keys_.receive->tag : 1;
    auto keys = has_material(in.send())
                    ? translate_keys(in.send(), send)
                    : make_keys(suite->value_or(spec.send_suite), tag, in.send(), send);
    if (!keys) return failure(std::move(keys).error());
    spec.send_suite = keys->keys.suite;
    keys_.send = std::move(*keys);
  }
  const auto policy =
      read_roc_policy(leg.shown.security().sdes().roc_policy(), Field("roc_policy"));
  if (policy) keys_.roc_policy = *policy;
  show_security(keys_, after_.shown);
  ++after_.rotations;
  if (auto planned = prepare_plans(false, Field("leg")); !planned) return planned;
  update_.key_grace = grace;
  return prepare_keys();
}

Answer<void> LegChange::prepare_plans(bool has_new_codecs, const Field& field) {
  const std::string leg_field = field.text();
  for (const ConnectionState& connection : session_.connections) {
    const bool is_from = connection.from == after_.number;
    const bool is_to = connection.to == after_.number;
    if (!is_from && !is_to) continue;
    Replanned next{connection, nullptr};
    const LegState& from = is_from ? after_ : *session_.leg(connection.from);
    const LegState& to = is_to ? after_ : *session_.leg(connection.to);
    const Field at(leg_field.empty() ? "leg" : std::string_view(leg_field));
    const ConnectionState* const sound = session_.sound_to(connection.to);
    if (sound != nullptr && sound->id != connection.id && from.carries_sound()) {
      return failure(absent_feature("Two connections of sound to one leg (a mix)"));
    }
    const auto plan = plan_connection(next.connection, from, to, at, is_to ? leg_field : "");
    if (!plan) return failure(plan.error());
    if (has_new_codecs) {
      auto built = build_connection(*plan, connection.from, connection.to);
      if (!built) return failure(std::move(built).error());
      next.built = std::move(*built);
    }
    if (is_to && from.carries_sound()) follow_plan(after_, &next.connection);
    replanned_.push_back(std::move(next));
  }
  if (has_new_codecs && session_.sound_to(after_.number) == nullptr) {
    follow_plan(after_, nullptr);
  }
  return {};
}

Answer<void> LegChange::prepare_keys() {
  const BuildSettings settings = plane_.build_settings();
  if (keys_.receive) {
    auto receiver =
        build_receiver(*keys_.receive, keys_.roc_policy, after_.asked.spec.max_ssrcs, settings);
    if (!receiver) return failure(std::move(receiver).error());
    update_.receiver = std::move(*receiver);
    after_.has_receive_keys = true;
    has_update_ = true;
  }
  if (keys_.send) {
    auto sender = build_sender(*keys_.send, keys_.roc_policy, settings);
    if (!sender) return failure(std::move(sender).error());
    update_.sender = std::move(*sender);
    after_.has_send_keys = true;
    after_.send_crypto = crypto_of(*keys_.send);
    has_update_ = true;
  }
  return {};
}

void LegChange::prepare_update(const LegState& before, const FieldMask& mask) {
  const engine::LegSpec& spec = after_.asked.spec;
  const auto take = [&](std::string_view field, auto&& set) {
    if (!touches(mask, field)) return;
    set();
    has_update_ = true;
  };
  take("remote", [&] {
    update_.remote_rtp = spec.remote_rtp;
    update_.remote_rtcp = spec.remote_rtcp;
    learns_again_ = !spec.has_ice;
  });
  take("accept_from", [&] {
    update_.accept_from = spec.accept_from;
    learns_again_ = !spec.has_ice;
  });
  take("transport.kind", [&] { update_.has_rtcp_mux = spec.has_rtcp_mux; });
  take("direction", [&] {
    update_.direction = spec.direction;
    if (!is_agreement_) after_.wanted_direction = direction_of(after_.shown.direction());
  });
  take("first_packet_timeout", [&] { update_.first_packet_timeout = spec.first_packet_timeout; });
  take("media_timeout", [&] { update_.media_timeout = spec.media_timeout; });
  take("max_ssrcs", [&] { update_.max_ssrcs = spec.max_ssrcs; });
  if (touches(mask, "codecs") || touches(mask, "header_extensions") ||
      touches(mask, "video_sections")) {
    update_.set_codecs(spec);
    has_update_ = true;
  }
  if (after_.audio != before.audio) {
    update_.audio_clock = after_.audio.clock;
    update_.telephone_event = after_.audio.telephone_event;
    has_update_ = true;
  }
}

void LegChange::record_new_codecs(const LegState& before) {
  std::ranges::copy_if(after_.asked.spec.codecs, std::back_inserter(new_codecs_),
                       [&](const engine::CodecSpec& codec) {
                         const auto& known = before.asked.spec.codecs;
                         return std::ranges::find(known, codec) == known.end();
                       });
}

void LegChange::tell_recorder() {
  if (new_codecs_.empty()) return;
  std::vector<std::string> ids;
  {
    const Lock lock(session_.data);
    ids = session_.recordings;
  }
  for (const std::string& id : ids) {
    const auto channel = plane_.recordings().channel_of(session_.id, id, after_.number);
    const auto number = plane_.recordings().number(session_.id, id);
    if (!channel || !number) continue;
    for (record::RecordedCodec& codec : recorded_codecs(new_codecs_)) {
      plane_.node().add_recorded_codec(*number, *channel, std::move(codec));
    }
  }
}

Answer<void> LegChange::carry_out() {
  tell_recorder();
  auto command = std::make_unique<engine::UpdateLeg>();
  for (Replanned& next : replanned_) {
    if (!next.built) continue;
    command->replanned.push_back(std::move(next.built));
    ++next.connection.replans;
  }
  if (has_update_ || !command->replanned.empty()) {
    command->leg = {session_.handle, after_.number};
    command->update = std::move(update_);
    auto done = control::carry_out<engine::UpdateLeg>(
        plane_, session_, std::move(command), [this](engine::UpdateLeg&) {
          // Before what is learned, and what is agreed on, from now on.
          const Lock lock(session_.data);
          LegState* const leg = session_.leg(after_.number);
          if (leg == nullptr) return;
          if (learns_again_) {
            leg->learned_rtp.reset();
            leg->learned_rtcp.reset();
          }
          if (shakes_hands_again_) {
            leg->asked.spec.are_suites_known = false;
            leg->has_receive_keys = leg->has_send_keys = false;
            leg->rtcp_suite.reset();
            leg->shown.mutable_security()->mutable_dtls()->clear_suite();
          }
        });
    if (!done) return failure(std::move(done).error());
  }
  const Lock lock(session_.data);
  commit();
  return {};
}

void LegChange::commit() {
  LegState* const leg = session_.leg(after_.number);
  if (leg == nullptr) return;
  // What the engine has said meanwhile stays.
  if (after_.setup.dtls) {
    after_.has_receive_keys = leg->has_receive_keys;
    after_.has_send_keys = leg->has_send_keys;
    after_.rtcp_suite = after_.asked.spec.has_rtcp_mux ? std::nullopt : leg->rtcp_suite;
    after_.asked.spec.receive_suite = leg->asked.spec.receive_suite;
    after_.asked.spec.send_suite = leg->asked.spec.send_suite;
    after_.asked.spec.are_suites_known = leg->asked.spec.are_suites_known;
    after_.shown.mutable_security()->mutable_dtls()->set_suite(
        leg->shown.security().dtls().suite());
  }
  after_.learned_rtp = leg->learned_rtp;
  after_.learned_rtcp = leg->learned_rtcp;
  after_.is_silent = leg->is_silent;
  after_.was_said_active = leg->was_said_active;
  after_.digits_until = leg->digits_until;
  after_.negotiation = leg->negotiation;
  after_.etag = leg->etag;
  after_.etag.change();
  const std::uint16_t number = after_.number;
  *leg = std::move(after_);
  for (Replanned& next : replanned_) {
    ConnectionState* const connection = session_.connection(next.connection.id);
    if (connection == nullptr) continue;
    const bool has_changed = connection->shown_plan.text() != next.connection.shown_plan.text() ||
                             connection->shown_plan.kind() != next.connection.shown_plan.kind();
    *connection = std::move(next.connection);
    if (!has_changed) continue;
    plane_.publish_plan(session_, *connection);
  }
  // A handshake may have ended since these plans were made.
  plane_.name_suites(session_, number);
  plane_.publish_active_legs(session_);
}

Answer<void> update_outgoing_audio(ControlPlane& plane, SessionState& session, std::uint16_t leg) {
  auto command = std::make_unique<engine::UpdateLeg>();
  OutgoingAudio audio;
  {
    const Lock lock(session.data);
    LegState* const state = session.leg(leg);
    if (state == nullptr) return {};
    const ConnectionState* const connection = session.sound_to(leg);
    audio = connection == nullptr ? outgoing_audio(state->asked.spec, nullptr) : connection->audio;
    if (audio == state->audio) return {};
    state->audio = audio;
  }
  command->leg = {session.handle, leg};
  command->update.audio_clock = audio.clock;
  command->update.telephone_event = audio.telephone_event;
  auto done = carry_out(plane, session, std::move(command));
  if (!done) return failure(std::move(done).error());
  return {};
}

}  // namespace causeway::control
