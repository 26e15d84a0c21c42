#include "control/translate_leg.h"

#include <algorithm>

#include "control/proto_time.h"
#include "control/translate_address.h"
#include "control/translate_codec.h"

namespace causeway::control {

namespace {

using engine::LegSpec;
using std::chrono::hours;
using std::chrono::seconds;

constexpr std::size_t kMaxLabels = 32;
constexpr std::size_t kMaxLabelKey = 63;
constexpr std::size_t kMaxLabelValue = 255;
constexpr std::uint32_t kMaxSsrcs = 8;
constexpr std::size_t kMaxEncodingNames = 64;
constexpr std::uint32_t kMaxExtensionId = 14;
constexpr std::size_t kMaxUri = 255;
constexpr std::size_t kMaxMid = 16;

struct Reader {
  const v1::Leg& leg;
  const Field& field;
  std::span<const std::string> networks;
  LegRequest out{};

  Answer<void> read_labels() { return check_labels(leg.labels(), Field{"labels", &field}); }

  Answer<void> read_network() {
    if (leg.network().empty()) return {};
    const auto found = std::ranges::find(networks, leg.network());
    if (found == networks.end()) {
      return failure(invalid(Field{"network", &field}, "The node has no network of this name."));
    }
    out.network = static_cast<std::uint8_t>(found - networks.begin());
    out.spec.network = leg.network();
    return {};
  }

  Answer<void> read_transport() {
    out.spec.has_ice = leg.transport().has_ice();
    switch (leg.transport().kind()) {
      case v1::TRANSPORT_KIND_UNSPECIFIED:
      case v1::TRANSPORT_KIND_PORT_PAIR:
        return {};
      case v1::TRANSPORT_KIND_RTCP_MUX:
        out.spec.has_rtcp_mux = true;
        return {};
      case v1::TRANSPORT_KIND_SHARED_PORT:
        return read_shared_port();
      default: {
        const Field transport{"transport", &field};
        return failure(invalid(Field{"kind", &transport}, "This is no kind of transport."));
      }
    }
  }

  Answer<void> read_shared_port() {
    if (!leg.transport().has_ice()) {
      const Field transport{"transport", &field};
      return failure(invalid(Field{"ice", &transport},
                             "Legs on a shared port are told apart by ICE, so it is needed."));
    }
    out.spec.has_rtcp_mux = out.spec.has_shared_port = true;
    return {};
  }

  Answer<void> read_addresses() {
    if (leg.has_remote()) {
      const auto remote = read_rtp_address(leg.remote(), Field{"remote", &field});
      if (!remote) return failure(remote.error());
      out.spec.remote_rtp = remote->rtp;
      out.spec.remote_rtcp = remote->rtcp;
    }
    auto accept = translate_accept_from(leg.accept_from(), Field{"accept_from", &field});
    if (!accept) return failure(std::move(accept).error());
    out.spec.accept_from = *accept;
    return {};
  }

  Answer<void> read_limits() {
    if (leg.has_dscp()) {
      if (leg.dscp() > 63)
        return failure(invalid(Field{"dscp", &field}, "A code point is 0 to 63."));
      if (out.spec.has_shared_port) {
        return failure(invalid(Field{"dscp", &field},
                               "What a shared port sends has the code point of its network."));
      }
      out.spec.dscp = static_cast<std::uint8_t>(leg.dscp());
    }
    if (leg.max_ssrcs() > kMaxSsrcs) {
      return failure(invalid(Field{"max_ssrcs", &field}, "1 to 8 SSRCs."));
    }
    if (leg.max_ssrcs() != 0) out.spec.max_ssrcs = static_cast<std::uint8_t>(leg.max_ssrcs());
    return {};
  }

  Answer<void> read_codecs() {
    auto codecs = translate_codecs(leg.codecs(), field);
    if (!codecs) return failure(std::move(codecs).error());
    out.spec.codecs = std::move(*codecs);
    return read_policy();
  }

  Answer<void> read_extensions() {
    // An agreement by SDP says all.
    if (leg.header_extensions().empty() && leg.profile().empty()) return {};
    auto& extensions = out.spec.extensions.emplace();
    for (int i = 0; i < leg.header_extensions_size(); ++i) {
      const Field at{"header_extensions", &field, i};
      auto extension = read_extension(leg.header_extensions(i), at);
      if (!extension) return failure(std::move(extension).error());
      const bool is_used = std::ranges::any_of(extensions, [&](const auto& other) {
        return other.id == extension->id && other.media == extension->media;
      });
      if (is_used) {
        return failure(invalid(Field{"id", &at}, "Another extension of its media has this id."));
      }
      extensions.push_back(std::move(*extension));
    }
    return {};
  }

  Answer<void> read_video_sections() {
    const int count = leg.video_sections_size();
    if (static_cast<std::size_t>(count) > engine::VideoSectionSpec::kMost) {
      return failure(invalid(Field{"video_sections", &field}, "At most 4 sections."));
    }
    for (int i = 0; i < count; ++i) {
      const Field at{"video_sections", &field, i};
      auto section = read_video_section(leg.video_sections(i), at);
      if (!section) return failure(std::move(section).error());
      const auto& sections = out.spec.video_sections;
      const bool is_used = !section->mid.empty() &&
                           std::ranges::find(sections, section->mid,
                                             &engine::VideoSectionSpec::mid) != sections.end();
      if (is_used) return failure(invalid(Field{"mid", &at}, "Another section has this mid."));
      out.spec.video_sections.push_back(std::move(*section));
    }
    return {};
  }

  Answer<engine::VideoSectionSpec> read_video_section(const v1::VideoSection& in,
                                                      const Field& at) const {
    engine::VideoSectionSpec section;
    if (in.mid().size() > kMaxMid) {
      return failure(invalid(Field{"mid", &at}, "At most 16 octets."));
    }
    section.mid = in.mid();
    const auto direction = read_direction(in.direction(), Field{"direction", &at});
    if (!direction) return failure(direction.error());
    section.direction = *direction;
    for (int i = 0; i < in.payload_types_size(); ++i) {
      const auto same = std::ranges::find_if(out.spec.codecs, [&](const auto& codec) {
        return codec.kind == engine::MediaKind::Video &&
               codec.payload_type.raw() == in.payload_types(i);
      });
      if (same == out.spec.codecs.end()) {
        return failure(invalid(Field{"payload_types", &at, i},
                               "It is the payload type of no video codec of this leg."));
      }
      section.types.push_back(same->payload_type);
    }
    if (static_cast<std::size_t>(in.ssrcs_size()) > engine::VideoSectionSpec::kMaxSsrcs) {
      return failure(invalid(Field{"ssrcs", &at}, "At most 8 SSRCs."));
    }
    for (const std::uint32_t ssrc : in.ssrcs()) section.ssrcs.emplace_back(ssrc);
    return section;
  }

  static Answer<engine::ExtensionSpec> read_extension(const v1::HeaderExtension& in,
                                                      const Field& at) {
    engine::ExtensionSpec extension;
    if (in.id() == 0) return failure(required(Field{"id", &at}, "An id is needed."));
    if (in.id() > kMaxExtensionId) {
      return failure(invalid(Field{"id", &at}, "Ids are 1 to 14 (RFC 8285 section 4.2)."));
    }
    extension.id = static_cast<std::uint8_t>(in.id());
    const bool is_printable =
        std::ranges::all_of(in.uri(), [](char c) { return c > ' ' && c <= '~'; });
    if (in.uri().empty()) return failure(required(Field{"uri", &at}, "A URI is needed."));
    if (in.uri().size() > kMaxUri || !is_printable) {
      return failure(invalid(Field{"uri", &at}, "At most 255 printable ASCII characters."));
    }
    extension.uri = in.uri();
    if (in.media() == v1::MEDIA_KIND_VIDEO) {
      extension.media = engine::MediaKind::Video;
    } else if (in.media() != v1::MEDIA_KIND_UNSPECIFIED && in.media() != v1::MEDIA_KIND_AUDIO) {
      return failure(invalid(Field{"media", &at}, "Extensions are of AUDIO or VIDEO."));
    }
    if (in.mid().size() > kMaxMid ||
        (!in.mid().empty() && in.uri() != engine::ExtensionSpec::kMid)) {
      return failure(
          invalid(Field{"mid", &at}, "At most 16 octets, of urn:ietf:params:rtp-hdrext:sdes:mid."));
    }
    extension.mid = in.mid();
    return extension;
  }

  Answer<void> read_policy() {
    const Field policy{"codec_policy", &field};
    const auto check = [&](const auto& names, std::string_view name) -> Answer<void> {
      if (static_cast<std::size_t>(names.size()) > kMaxEncodingNames) {
        return failure(invalid(Field{name, &policy}, "At most 64 encoding names."));
      }
      return {};
    };
    if (auto done = check(leg.codec_policy().allow(), "allow"); !done) return done;
    if (auto done = check(leg.codec_policy().deny(), "deny"); !done) return done;
    switch (leg.codec_policy().transcoding()) {
      case v1::TRANSCODING_POLICY_UNSPECIFIED:
      case v1::TRANSCODING_POLICY_AVOID:
        return {};
      case v1::TRANSCODING_POLICY_FORBID:
        out.spec.transcoding = engine::TranscodingPolicy::Forbid;
        return {};
      case v1::TRANSCODING_POLICY_PREFER_ORDER:
        return failure(absent_feature("Leg.codec_policy.PREFER_ORDER"));
      default:
        return failure(invalid(Field{"transcoding", &policy}, "This is no transcoding policy."));
    }
  }

  Answer<void> read_behaviour() {
    const auto direction = read_direction(leg.direction(), Field{"direction", &field});
    if (!direction) return failure(direction.error());
    out.spec.direction = *direction;
    const auto read = [&](bool has, const auto& value, std::string_view name,
                          Duration& timeout) -> Answer<void> {
      if (!has) return {};
      const auto span = read_duration(value, Field{name, &field}, Duration::zero(), hours(24));
      if (!span) return failure(span.error());
      timeout = *span;
      return {};
    };
    if (auto done = read(leg.has_first_packet_timeout(), leg.first_packet_timeout(),
                         "first_packet_timeout", out.spec.first_packet_timeout);
        !done) {
      return done;
    }
    return read(leg.has_media_timeout(), leg.media_timeout(), "media_timeout",
                out.spec.media_timeout);
  }

  Answer<void> read_security_kind() {
    if (leg.security().has_sdes()) out.spec.security = engine::Security::Sdes;
    if (leg.security().has_dtls()) {
      out.spec.security = engine::Security::Dtls;
      out.spec.are_suites_known = false;
    }
    return {};
  }
};

}  // namespace

Answer<void> check_labels(const google::protobuf::Map<std::string, std::string>& labels,
                          const Field& field) {
  if (labels.size() > kMaxLabels) return failure(invalid(field, "At most 32 labels."));
  for (const auto& [key, value] : labels) {
    if (key.empty() || key.size() > kMaxLabelKey) {
      return failure(invalid(field, "The key of a label is 1 to 63 octets."));
    }
    if (value.size() > kMaxLabelValue) {
      return failure(invalid(field, "The value of a label is at most 255 octets."));
    }
  }
  return {};
}

Answer<LegRequest> translate_leg(const v1::Leg& leg, const Field& field,
                                 std::span<const std::string> networks, std::string_view id) {
  Reader reader{leg, field, networks};
  reader.out.spec.id = std::string(id);
  for (const auto part : {&Reader::read_labels, &Reader::read_network, &Reader::read_transport,
                          &Reader::read_addresses, &Reader::read_limits, &Reader::read_codecs,
                          &Reader::read_extensions, &Reader::read_video_sections,
                          &Reader::read_behaviour, &Reader::read_security_kind}) {
    if (auto done = (reader.*part)(); !done) return failure(std::move(done).error());
  }
  return std::move(reader.out);
}

Answer<KeyRequest> translate_security(const v1::Security& security, const Field& field,
                                      SendKey send_key, LegSpec& spec) {
  KeyRequest request;
  if (!security.has_sdes()) return request;
  const v1::SdesSecurity& sdes = security.sdes();
  const Field sdes_field{"sdes", &field};
  const auto policy = read_roc_policy(sdes.roc_policy(), Field{"roc_policy", &sdes_field});
  if (!policy) return failure(policy.error());
  request.roc_policy = *policy;

  const Field receive_field{"receive", &sdes_field};
  std::uint32_t tag = 1;
  if (sdes.has_receive() && has_material(sdes.receive())) {
    auto keys = translate_keys(sdes.receive(), receive_field);
    if (!keys) return failure(std::move(keys).error());
    spec.receive_suite = keys->keys.suite;
    tag = keys->tag;
    request.receive = std::move(*keys);
  } else if (sdes.has_receive()) {
    const auto suite = read_suite(sdes.receive().suite(), Field{"suite", &receive_field});
    if (!suite) return failure(suite.error());
    if (*suite) spec.receive_suite = **suite;
  }

  if (send_key == SendKey::Keep) return request;
  const Field send_field{"send", &sdes_field};
  if (has_material(sdes.send())) {
    auto keys = translate_keys(sdes.send(), send_field);
    if (!keys) return failure(std::move(keys).error());
    spec.send_suite = keys->keys.suite;
    request.send = std::move(*keys);
    return request;
  }
  const auto asked = read_suite(sdes.send().suite(), Field{"suite", &send_field});
  if (!asked) return failure(asked.error());
  const wire::SrtpSuite suite = asked->value_or(spec.receive_suite);
  // An offerer that hands over the answerer's keys goes on with the key that it has sent out.
  const bool is_kept =
      send_key == SendKey::KeepIfFits && !sdes.has_send() && suite == spec.send_suite;
  if (is_kept) return request;
  auto keys = make_keys(suite, tag, sdes.send(), send_field);
  if (!keys) return failure(std::move(keys).error());
  spec.send_suite = suite;
  request.send = std::move(*keys);
  return request;
}

void show_security(const KeyRequest& keys, v1::Leg& out) {
  if (!out.security().has_sdes()) return;
  v1::SdesSecurity& sdes = *out.mutable_security()->mutable_sdes();
  if (keys.receive) *sdes.mutable_receive() = public_keys(*keys.receive);
  if (keys.send) *sdes.mutable_send() = public_keys(*keys.send);
}

void show_made_send_key(const KeyRequest& keys, v1::Leg& out) {
  if (!keys.send || !keys.send->is_made) return;
  show_made_keys(*keys.send, *out.mutable_security()->mutable_sdes()->mutable_send());
}

}  // namespace causeway::control
