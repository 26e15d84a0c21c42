#include "control/sdp_leg.h"

#include <algorithm>
#include <array>

#include "control/jsep/codec_match.h"
#include "control/proto_time.h"
#include "control/translate_address.h"
#include "control/video_leg.h"
#include "relay/base/text.h"

namespace causeway::control {

namespace {

constexpr std::array kDirections = {
    std::pair{jsep::Direction::SendRecv, v1::DIRECTION_SENDRECV},
    std::pair{jsep::Direction::SendOnly, v1::DIRECTION_SENDONLY},
    std::pair{jsep::Direction::RecvOnly, v1::DIRECTION_RECVONLY},
    std::pair{jsep::Direction::Inactive, v1::DIRECTION_INACTIVE},
};

/// A longer one does not fit the one-byte form (RFC 8285 4.2).
constexpr std::size_t kMaxMid = 16;

std::string hex_of(const jsep::Fingerprint& fingerprint) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const std::uint8_t octet : fingerprint.digest) {
    if (!text.empty()) text += ':';
    text += kDigits[octet >> 4U];
    text += kDigits[octet & 15U];
  }
  return text;
}

/// Collects what differs.
struct Patch {
  const LegState& leg;
  const jsep::Transport& agreed;
  v1::UpdateLegRequest out{};

  void name(const char* path) { out.mutable_update_mask()->add_paths(path); }
  v1::Leg& in() { return *out.mutable_leg(); }

  /// The application may want less than was agreed; the answer then says so too.
  void patch_direction(jsep::Direction direction, jsep::Direction wanted) {
    in().set_direction(direction_of(jsep::lesser(direction, wanted)));
    name("direction");
  }

  /// What of a leg's list is not as `wanted` has it, which is taken out of that.
  template <typename List>
  void patch_list(const char* path, const List& before, List& wanted, List& now) {
    const bool is_same = std::equal(wanted.begin(), wanted.end(), before.begin(), before.end(),
                                    [](const auto& a, const auto& b) {
                                      return a.SerializeAsString() == b.SerializeAsString();
                                    });
    if (is_same) return;
    now.Swap(&wanted);
    name(path);
  }

  void patch_codecs(v1::Leg wanted) {
    patch_list("codecs", leg.shown.codecs(), *wanted.mutable_codecs(), *in().mutable_codecs());
  }

  void patch_extensions(const jsep::Agreed& whole) {
    v1::Leg wanted;
    set_extensions(whole.lines, whole.extensions, whole.videos, wanted);
    patch_list("header_extensions", leg.shown.header_extensions(),
               *wanted.mutable_header_extensions(), *in().mutable_header_extensions());
    if (!whole.video_transport) set_video_sections(whole.lines, whole.videos, wanted);
    patch_list("video_sections", leg.shown.video_sections(), *wanted.mutable_video_sections(),
               *in().mutable_video_sections());
  }

  void patch_remote(const std::optional<SocketAddress>& rtp,
                    const std::optional<SocketAddress>& rtcp) {
    if (!rtp) return;  // on hold: where it was is where it will be
    const engine::LegSpec& spec = leg.asked.spec;
    if (spec.remote_rtp == rtp && spec.remote_rtcp == rtcp) return;
    set(*in().mutable_remote(), rtp, rtcp);
    name("remote");
  }

  void patch_ice(bool is_offer) {
    const IceState& before = *leg.setup.ice;
    const bool is_other = !before.remote || before.remote->ufrag != agreed.ufrag;
    if (is_other) {
      v1::Ice& ice = *in().mutable_transport()->mutable_ice();
      ice.set_remote_ufrag(agreed.ufrag);
      ice.set_remote_password(std::string(agreed.password.reveal()));
      name("transport.ice.remote_ufrag");
      name("transport.ice.remote_password");
      if (before.remote && is_offer) {
        ice.set_restart(true);
        name("transport.ice.restart");
      }
    }
    const bool makes_checks = before.role == ice::Role::Controlling;
    if (makes_checks && !agreed.candidates.empty()) {
      patch_remote(agreed.candidates.front(), std::nullopt);
    }
  }

  void patch_dtls() {
    v1::DtlsSecurity dtls;
    for (const jsep::Fingerprint& each : agreed.fingerprints) {
      v1::Fingerprint& out_print = *dtls.add_remote_fingerprints();
      out_print.set_hash_function(each.hash_function);
      out_print.set_value(hex_of(each));
    }
    dtls.set_setup(agreed.is_active ? v1::DTLS_SETUP_ACTIVE : v1::DTLS_SETUP_PASSIVE);
    dtls.set_remote_tls_id(agreed.tls_id);
    v1::DtlsSecurity before = leg.shown.security().dtls();
    before.clear_local_fingerprint();
    before.clear_suite();
    if (before.SerializeAsString() == dtls.SerializeAsString()) return;
    *in().mutable_security()->mutable_dtls() = std::move(dtls);
    name("security");
  }

  void patch_transport(bool is_offer) {
    if (leg.setup.ice) {
      patch_ice(is_offer);
    } else {
      const bool is_other = agreed.has_rtcp_mux != leg.asked.spec.has_rtcp_mux;
      if (is_other && (agreed.has_rtcp_mux || leg.local_rtcp)) {
        in().mutable_transport()->set_kind(agreed.has_rtcp_mux ? v1::TRANSPORT_KIND_RTCP_MUX
                                                               : v1::TRANSPORT_KIND_PORT_PAIR);
        name("transport.kind");
      }
      patch_remote(agreed.remote_rtp, agreed.remote_rtcp);
    }
    patch_keys();
  }

  void patch_keys() {
    if (!agreed.fingerprints.empty()) return patch_dtls();
    const engine::Security now = leg.asked.spec.security;
    if (agreed.crypto.empty()) {
      if (now == engine::Security::Plain) return;
      in().mutable_security()->mutable_plain();
      name("security");
      return;
    }
    in().mutable_security()->mutable_sdes()->mutable_receive()->set_crypto(
        std::string(agreed.crypto.reveal()));
    name("security");
  }
};

}  // namespace

v1::Direction direction_of(jsep::Direction direction) {
  return kDirections[static_cast<std::size_t>(direction)].second;
}

jsep::Direction direction_of(v1::Direction direction) {
  for (const auto& [ours, theirs] : kDirections) {
    if (theirs == direction) return ours;
  }
  return jsep::Direction::SendRecv;
}

Answer<void> apply_profile(v1::Leg& leg, const Field& field) {
  if (leg.profile().empty()) return {};
  const jsep::Profile* const profile = jsep::profile_named(leg.profile());
  if (profile == nullptr) {
    return failure(invalid(Field{"profile", &field}, "The relay has no profile of this name."));
  }
  if (profile->has_ice) {
    if (leg.transport().kind() == v1::TRANSPORT_KIND_UNSPECIFIED) {
      leg.mutable_transport()->set_kind(v1::TRANSPORT_KIND_RTCP_MUX);
    }
    if (!leg.transport().has_ice()) {
      leg.mutable_transport()->mutable_ice()->set_role(profile->is_lite ? v1::ICE_ROLE_LITE
                                                                        : v1::ICE_ROLE_CONTROLLING);
    }
  }
  if (profile->is_latching && !leg.has_accept_from()) leg.mutable_accept_from()->mutable_latch();
  if (leg.security().kind_case() != v1::Security::KIND_NOT_SET) return {};
  switch (profile->keying) {
    case jsep::Keying::None:
      break;
    case jsep::Keying::Sdes:
    case jsep::Keying::SdesOrPlain:
      leg.mutable_security()->mutable_sdes();
      break;
    case jsep::Keying::Dtls:
      leg.mutable_security()->mutable_dtls();
      break;
  }
  return {};
}

Answer<jsep::SessionDescription> read_sdp(std::string_view text, const Field& field) {
  if (text.empty()) return failure(required(field, "A description is needed."));
  auto parsed = jsep::parse_sdp(text);
  if (!parsed) {
    return failure(field_error("SDP_INVALID", field, parsed.error().to_string() + "."));
  }
  return std::move(*parsed);
}

ApiError refuse_sdp(const jsep::Refusal& refusal, const Field& field) {
  const std::string detail = refusal.to_string() + ".";
  switch (refusal.reason) {
    case jsep::Refusal::Reason::NoCommonCodec:
      return field_error("NO_COMMON_CODEC", field, detail);
    case jsep::Refusal::Reason::CryptoInvalid:
      return field_error("CRYPTO_INVALID", field, detail);
    case jsep::Refusal::Reason::SdpInvalid:
      break;
  }
  return field_error("SDP_INVALID", field, detail);
}

namespace {

bool is_rtx(const v1::CodecParameters& codec) {
  return equal_ignoring_case(codec.encoding_name(), "rtx");
}

/// Video that was agreed on, as it looks from the other leg of the call.
std::vector<jsep::Video> seen_from_beside(const std::vector<jsep::Video>& agreed) {
  std::vector<jsep::Video> videos;
  for (const jsep::Video& each : agreed) {
    jsep::Video& video = videos.emplace_back();
    video.place = each.place;
    video.direction = jsep::turned(each.direction);
    for (const jsep::Codec& codec : each.codecs) {
      jsep::Codec& seen = video.codecs.emplace_back(codec);
      seen.send_type = codec.type;
      seen.our_parameters.clear();
      seen.rtx.reset();
    }
  }
  return videos;
}

/// A section of a leg that the application, or an offer, has given its codecs, from the same side;
/// nothing where it is a free place. `section`: null where the leg lists none.
std::optional<jsep::Video> seen_from_beside(const v1::Leg& leg, const v1::VideoSection* section) {
  jsep::Video video;
  for (const v1::CodecParameters& codec : leg.codecs()) {
    if (codec.kind() != v1::MEDIA_KIND_VIDEO || is_rtx(codec)) continue;
    const bool is_of_it = section == nullptr || section->payload_types().empty() ||
                          std::ranges::find(section->payload_types(), codec.payload_type()) !=
                              section->payload_types().end();
    if (!is_of_it) continue;
    jsep::Codec& each = video.codecs.emplace_back();
    each.type = each.send_type = PayloadType(static_cast<std::uint8_t>(codec.payload_type()));
    each.name = codec.encoding_name();
    each.clock = RtpClockRate(codec.clock_rate());
    each.remote_parameters = codec.fmtp();
    each.feedback = {jsep::our_feedback().begin(), jsep::our_feedback().end()};
    video.direction = jsep::turned(direction_of(codec.direction()));
  }
  if (video.codecs.empty()) return std::nullopt;
  if (section == nullptr) return video;
  video.direction = jsep::turned(direction_of(section->direction()));
  const bool is_free = section->mid().empty() && section->direction() == v1::DIRECTION_INACTIVE;
  return is_free ? std::nullopt : std::optional(std::move(video));
}

/// The video of the other leg of a call as it looks from this one; nothing where it is not known.
std::optional<std::vector<jsep::Video>> videos_of(SessionState& session, const LegState& other)
    CAUSEWAY_REQUIRES(session.data) {
  if (const jsep::Agreed* const heard = other.negotiation.heard.get()) {
    return seen_from_beside(heard->videos);
  }
  if (other.shown.codecs().empty()) return std::nullopt;
  std::vector<jsep::Video> videos;
  const LegState* const carrier = video_carrier(session, other);
  if (carrier == nullptr) return videos;
  // A port that was offered is no video yet, nor one that has just been refused video any more.
  if (const jsep::Agreed* const agreed = other.negotiation.agreed.get()) {
    return seen_from_beside(agreed->videos);
  }
  const auto& sections = carrier->shown.video_sections();
  for (int i = 0; i < std::max(1, sections.size()); ++i) {
    auto video = seen_from_beside(carrier->shown, sections.empty() ? nullptr : &sections[i]);
    if (!video) continue;
    video->place = static_cast<std::uint8_t>(i);
    videos.push_back(std::move(*video));
  }
  return videos;
}

/// What the endpoint of a leg has for sound, by name: what it said last, or what the application
/// said of it.
std::vector<std::string> audio_of(const LegState& leg) {
  std::vector<std::string> names;
  if (const jsep::Agreed* const heard = leg.negotiation.heard.get()) {
    for (const jsep::Codec& codec : heard->codecs) {
      if (!equal_ignoring_case(codec.name, "telephone-event")) names.push_back(codec.name);
    }
    return names;
  }
  for (const engine::CodecSpec& codec : leg.asked.spec.codecs) {
    const bool counts =
        codec.kind == engine::MediaKind::Audio || codec.kind == engine::MediaKind::ComfortNoise;
    if (counts) names.push_back(codec.encoding_name);
  }
  return names;
}

}  // namespace

jsep::CodecPolicy codec_policy(SessionState& session, const LegState& leg) {
  jsep::CodecPolicy policy;
  const v1::CodecPolicy& asked = leg.shown.codec_policy();
  policy.allow.assign(asked.allow().begin(), asked.allow().end());
  policy.deny.assign(asked.deny().begin(), asked.deny().end());
  for (const ConnectionState& connection : session.connections) {
    if (connection.from != leg.number && connection.to != leg.number) continue;
    const LegState* const other =
        session.leg(connection.from == leg.number ? connection.to : connection.from);
    if (other == nullptr) continue;
    if (!policy.videos) policy.videos = videos_of(session, *other);
    for (const std::string& name : audio_of(*other)) {
      const bool is_known = std::ranges::find(policy.preferred, name) != policy.preferred.end();
      if (!is_known) policy.preferred.push_back(name);
    }
  }
  policy.only_preferred =
      asked.transcoding() == v1::TRANSCODING_POLICY_FORBID && !policy.preferred.empty();
  return policy;
}

void set_codecs(const std::vector<jsep::Codec>& codecs, std::uint32_t ptime_ms, v1::Leg& out) {
  for (const jsep::Codec& codec : codecs) {
    v1::CodecParameters& each = *out.add_codecs();
    each.set_payload_type(codec.type.raw());
    each.set_encoding_name(codec.name);
    each.set_clock_rate(codec.clock.raw());
    each.set_channels(codec.channels);
    each.set_fmtp(codec.remote_parameters);
    if (codec.send_type != codec.type) each.set_send_payload_type(codec.send_type.raw());
    const jsep::OurCodec* const ours = jsep::our_codec(codec.name, codec.clock, codec.channels);
    if (ours != nullptr && ours->is_audio) {
      set(*each.mutable_ptime(), std::chrono::milliseconds(ptime_ms));
    }
  }
}

namespace {

/// A leg has a codec once, however many of its sections do; it flows as far as it does in any.
void add_video_codec(const v1::CodecParameters& codec, v1::Leg& out) {
  for (v1::CodecParameters& known : *out.mutable_codecs()) {
    if (known.payload_type() != codec.payload_type()) continue;
    known.set_direction(direction_of(
        jsep::greater(direction_of(known.direction()), direction_of(codec.direction()))));
    return;
  }
  *out.add_codecs() = codec;
}

void set_video(const jsep::Video& video, v1::Leg& out) {
  for (const jsep::Codec& codec : video.codecs) {
    v1::CodecParameters each;
    each.set_payload_type(codec.type.raw());
    each.set_encoding_name(codec.name);
    each.set_clock_rate(codec.clock.raw());
    each.set_fmtp(codec.remote_parameters);
    each.set_kind(v1::MEDIA_KIND_VIDEO);
    each.set_direction(direction_of(video.direction));
    if (codec.send_type != codec.type) each.set_send_payload_type(codec.send_type.raw());
    add_video_codec(each, out);
    if (!codec.rtx) continue;
    v1::CodecParameters rtx;
    rtx.set_payload_type(codec.rtx->type.raw());
    rtx.set_encoding_name("rtx");
    rtx.set_clock_rate(codec.clock.raw());
    rtx.set_fmtp("apt=" + std::to_string(codec.send_type.raw()));
    rtx.set_kind(v1::MEDIA_KIND_VIDEO);
    rtx.set_direction(direction_of(video.direction));
    if (codec.rtx->send_type != codec.rtx->type) {
      rtx.set_send_payload_type(codec.rtx->send_type.raw());
    }
    add_video_codec(rtx, out);
  }
}

/// What all sections have: a leg knows of one list for its video.
std::vector<jsep::Extension> common_extensions(const std::vector<jsep::Video>& videos) {
  if (videos.empty()) return {};
  std::vector<jsep::Extension> common = videos.front().extensions;
  std::erase_if(common, [&](const jsep::Extension& each) {
    return !std::ranges::all_of(videos, [&](const jsep::Video& video) {
      return std::ranges::any_of(video.extensions, [&](const jsep::Extension& other) {
        return other.id == each.id && other.uri == each.uri;
      });
    });
  });
  return common;
}

/// What packets can say of a line's mid.
std::string mid_to_say(const jsep::Line& line) {
  const std::string mid = line.mid.value_or("");
  return mid.size() <= kMaxMid ? mid : "";
}

}  // namespace

void set_videos(const std::vector<jsep::Video>& videos, v1::Leg& out) {
  for (const jsep::Video& each : videos) set_video(each, out);
}

void set_extensions(const std::vector<jsep::Line>& lines, const std::vector<jsep::Extension>& audio,
                    const std::vector<jsep::Video>& videos, v1::Leg& out) {
  const auto add = [&](v1::MediaKind media, const jsep::Extension& extension) -> auto& {
    v1::HeaderExtension& each = *out.add_header_extensions();
    each.set_id(extension.id);
    each.set_uri(extension.uri);
    each.set_media(media);
    return each;
  };
  const auto line = std::ranges::find_if(
      lines, [](const jsep::Line& each) { return each.is_ours && each.kind == "audio"; });
  for (const jsep::Extension& extension : audio) {
    v1::HeaderExtension& each = add(v1::MEDIA_KIND_AUDIO, extension);
    const bool has_mid = extension.uri == engine::ExtensionSpec::kMid && line != lines.end();
    if (has_mid) each.set_mid(mid_to_say(*line));
  }
  for (const jsep::Extension& each : common_extensions(videos)) add(v1::MEDIA_KIND_VIDEO, each);
}

void set_video_sections(const std::vector<jsep::Line>& lines,
                        const std::vector<jsep::Video>& videos, v1::Leg& out) {
  for (std::size_t place = 0; place < jsep::kMaxVideos; ++place) {
    const jsep::Video* const video = jsep::video_in(videos, place);
    const bool is_last =
        std::ranges::none_of(videos, [&](const jsep::Video& each) { return each.place >= place; });
    if (is_last) return;
    v1::VideoSection& section = *out.add_video_sections();
    section.set_direction(v1::DIRECTION_INACTIVE);
    if (video == nullptr) continue;
    section.set_mid(mid_to_say(lines[video->line]));
    section.set_direction(direction_of(video->direction));
    for (const jsep::Codec& codec : video->codecs) section.add_payload_types(codec.type.raw());
    for (const Ssrc ssrc : video->ssrcs) section.add_ssrcs(ssrc.raw());
  }
}

v1::UpdateLegRequest update_of(const jsep::Agreed& agreed, const LegState& leg, bool is_offer) {
  Patch patch{leg, agreed};
  patch.patch_direction(agreed.direction, leg.wanted_direction);
  if (agreed.has_no_audio) return std::move(patch.out);
  v1::Leg wanted;
  set_codecs(agreed.codecs, agreed.ptime_ms, wanted);
  if (!agreed.video_transport) set_videos(agreed.videos, wanted);
  patch.patch_codecs(std::move(wanted));
  patch.patch_extensions(agreed);
  patch.patch_transport(is_offer);
  return std::move(patch.out);
}

v1::UpdateLegRequest video_update_of(const jsep::Agreed& agreed, const LegState& video_leg,
                                     jsep::Direction wanted) {
  Patch patch{video_leg, *agreed.video_transport};
  patch.patch_direction(agreed.videos.front().direction, wanted);
  v1::Leg leg;
  set_videos(agreed.videos, leg);
  patch.patch_codecs(std::move(leg));
  patch.patch_transport(false);
  return std::move(patch.out);
}

namespace {

jsep::OurTransport our_transport(const LegState& leg) {
  jsep::OurTransport our;
  our.rtp = leg.local_rtp.value_or(SocketAddress{});
  if (leg.setup.ice) {
    our.ufrag = leg.setup.ice->local->ufrag;
    our.password = leg.setup.ice->local->password.reveal();
  }
  if (leg.setup.dtls) {
    const dtls::Fingerprint ours = leg.setup.dtls->identity->fingerprint();
    jsep::Fingerprint& shown = our.fingerprint.emplace();
    shown.hash_function = std::string(dtls::name_of(ours.function));
    for (const std::byte& octet : ours.digest) shown.digest.push_back(load_u8(&octet));
  }
  if (leg.send_crypto && leg.asked.spec.security == engine::Security::Sdes) {
    our.crypto = leg.send_crypto->reveal();
    our.crypto.remove_prefix(std::min(our.crypto.size(), our.crypto.find(' ') + 1));
  }
  return our;
}

}  // namespace

jsep::OurSide our_side(SessionState& session, const LegState& leg) {
  jsep::OurSide our{our_transport(leg), "", leg.negotiation.version, leg.wanted_direction, {}};
  // A number that is the leg's own (RFC 8866 5.2).
  our.session_id = std::to_string(
      std::chrono::duration_cast<std::chrono::microseconds>(leg.create_time).count());
  const LegState* const video = leg.video_leg ? session.leg(*leg.video_leg) : nullptr;
  if (video != nullptr) our.video = our_transport(*video);
  return our;
}

}  // namespace causeway::control
