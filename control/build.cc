#include "control/build.h"

#include <algorithm>
#include <array>

#include "control/names.h"
#include "relay/base/random.h"

namespace causeway::control {

namespace {

using engine::CodecSpec;
using engine::MediaKind;

srtp::SrtpOptions options_of(const KeySet& keys, srtp::RocPolicy roc_policy,
                             const BuildSettings& settings) {
  srtp::SrtpOptions options;
  options.transform = settings.srtp_transform;
  options.roc_on_rekey = roc_policy;
  options.replay_window = keys.replay_window;
  options.initial_roc = keys.initial_roc;
  return options;
}

/// RFC 7022 4.2: 96 random bits, in a form that any parser of SDES takes.
rtp::Cname make_cname() {
  std::array<char, 12> octets;
  fill_random(octets.data(), octets.size());
  return rtp::Cname(to_hex({octets.data(), octets.size()}));
}

Random make_random() {
  Random::Key key;
  fill_random(key.data(), sizeof key);
  return Random(key);
}

/// Whether the plan puts this codec of the receiving leg on the wire.
bool is_sent(const CodecSpec& codec, const engine::PathPlan& plan) {
  if (plan.transcoder && plan.transcoder->output.payload_type == codec.send_type()) return true;
  return plan.routes.any_of([&](const media::Route& route) {
    return route.action == media::Route::Action::Pass && route.out == codec.send_type();
  });
}

}  // namespace

OutgoingAudio outgoing_audio(const engine::LegSpec& leg, const engine::PathPlan* plan) {
  OutgoingAudio audio;
  const CodecSpec* chosen = nullptr;
  for (const CodecSpec& codec : leg.codecs) {
    if (codec.kind != MediaKind::Audio) continue;
    if (chosen == nullptr) chosen = &codec;
    if (plan != nullptr && is_sent(codec, *plan)) {
      chosen = &codec;
      break;
    }
  }
  if (chosen != nullptr) audio.clock = chosen->clock;
  const auto event = std::ranges::find_if(leg.codecs, [&](const CodecSpec& codec) {
    return codec.kind == MediaKind::TelephoneEvent && codec.clock == audio.clock;
  });
  if (event != leg.codecs.end()) audio.telephone_event = event->send_type();
  return audio;
}

Answer<std::unique_ptr<srtp::SrtpReceiver>> build_receiver(const KeySet& keys,
                                                           srtp::RocPolicy roc_policy,
                                                           std::uint8_t max_ssrcs,
                                                           const BuildSettings& settings) {
  srtp::SrtpOptions options = options_of(keys, roc_policy, settings);
  options.max_ssrcs = max_ssrcs;
  auto receiver = srtp::SrtpReceiver::create(keys.keys, options);
  if (!receiver) return failure(from_relay(receiver.error()));
  return std::move(*receiver);
}

Answer<std::unique_ptr<srtp::SrtpSender>> build_sender(const KeySet& keys,
                                                       srtp::RocPolicy roc_policy,
                                                       const BuildSettings& settings) {
  srtp::SrtpOptions options = options_of(keys, roc_policy, settings);
  // It never forgets an SSRC, so a peer that changes its own on and on must not use up its room.
  options.max_ssrcs = 64;
  auto sender = srtp::SrtpSender::create(keys.keys, options);
  if (!sender) return failure(from_relay(sender.error()));
  return std::move(*sender);
}

Answer<std::unique_ptr<engine::Leg>> build_leg(const LegRequest& leg, const KeyRequest& keys,
                                               const LegSetupState& parts, std::uint16_t number,
                                               const OutgoingAudio& audio,
                                               const BuildSettings& settings) {
  const engine::LegSpec& spec = leg.spec;
  engine::LegSetup setup = engine::make_setup(spec, number, leg.network);
  if (keys.receive) {
    auto receiver = build_receiver(*keys.receive, keys.roc_policy, spec.max_ssrcs, settings);
    if (!receiver) return failure(std::move(receiver).error());
    setup.receiver = std::move(*receiver);
  }
  if (keys.send) {
    auto sender = build_sender(*keys.send, keys.roc_policy, settings);
    if (!sender) return failure(std::move(sender).error());
    setup.sender = std::move(*sender);
  }
  if (parts.ice) {
    setup.endpoint.ice = build_agent(*parts.ice, spec.remote_rtp, settings.answers_plain_binding);
  }
  setup.dtls = build_settings(parts);
  setup.audio_clock = audio.clock;
  setup.telephone_event = audio.telephone_event;
  setup.cname = make_cname();
  setup.wall = settings.wall;
  Random random = make_random();
  return std::make_unique<engine::Leg>(std::move(setup), random);
}

Answer<std::unique_ptr<engine::Connection>> build_connection(const engine::PathPlan& plan,
                                                             std::uint16_t from, std::uint16_t to) {
  auto path = engine::compile(plan);
  if (!path) return failure(from_relay(path.error()));
  return std::make_unique<engine::Connection>(from, to, std::move(*path), plan.videos);
}

}  // namespace causeway::control
