#include "control/translate_codec.h"

#include <algorithm>
#include <array>
#include <bitset>

#include "control/proto_time.h"
#include "relay/base/fmtp.h"
#include "relay/base/text.h"

namespace causeway::control {

namespace {

using engine::CodecSpec;
using engine::MediaKind;
using std::chrono::milliseconds;

constexpr std::uint32_t kMaxClock = 1'000'000;
constexpr std::uint32_t kMaxChannels = 8;
constexpr std::size_t kMaxFmtp = 1024;

struct StaticType {
  std::uint8_t type;
  std::string_view name;
  std::uint32_t clock;
  std::uint8_t channels = 1;
  bool is_video = false;
};

/// RFC 3551 section 6, tables 4 and 5.
constexpr std::array kStaticTypes = {
    StaticType{0, "PCMU", 8000},
    StaticType{3, "GSM", 8000},
    StaticType{4, "G723", 8000},
    StaticType{5, "DVI4", 8000},
    StaticType{6, "DVI4", 16000},
    StaticType{7, "LPC", 8000},
    StaticType{8, "PCMA", 8000},
    StaticType{9, "G722", 8000},
    StaticType{10, "L16", 44100, 2},
    StaticType{11, "L16", 44100},
    StaticType{12, "QCELP", 8000},
    StaticType{13, "CN", 8000},
    StaticType{14, "MPA", 90000},
    StaticType{15, "G728", 8000},
    StaticType{16, "DVI4", 11025},
    StaticType{17, "DVI4", 22050},
    StaticType{18, "G729", 8000},
    StaticType{25, "CelB", 90000, 1, true},
    StaticType{26, "JPEG", 90000, 1, true},
    StaticType{28, "nv", 90000, 1, true},
    StaticType{31, "H261", 90000, 1, true},
    StaticType{32, "MPV", 90000, 1, true},
    StaticType{33, "MP2T", 90000, 1, true},
    StaticType{34, "H263", 90000, 1, true},
};

const StaticType* static_type(std::uint32_t type) {
  const auto* const found = std::ranges::find(kStaticTypes, type, &StaticType::type);
  return found == kStaticTypes.end() ? nullptr : found;
}

/// What an encoding's RFC fixes.
struct Encoding {
  std::string_view name;
  MediaKind kind;
  std::uint32_t default_clock;  ///< 0: has to be said.
  bool is_clock_fixed;
  std::uint8_t channels;  ///< The only count; 0: any.
};
constexpr std::array kEncodings = {
    Encoding{"PCMU", MediaKind::Audio, 8000, true, 1},
    Encoding{"PCMA", MediaKind::Audio, 8000, true, 1},
    Encoding{"G722", MediaKind::Audio, 8000, true, 1},
    Encoding{"opus", MediaKind::Audio, 48000, true, 2},
    Encoding{"L16", MediaKind::Audio, 0, false, 0},
    Encoding{"telephone-event", MediaKind::TelephoneEvent, 8000, false, 1},
    Encoding{"CN", MediaKind::ComfortNoise, 8000, false, 1},
    Encoding{"rtx", MediaKind::Retransmission, 90'000, false, 1},
};

const Encoding* known_encoding(std::string_view name) {
  const auto* const found = std::ranges::find_if(
      kEncodings, [&](const Encoding& known) { return equal_ignoring_case(known.name, name); });
  return found == kEncodings.end() ? nullptr : found;
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

/// Reads one codec; the functions below each settle a part of `spec`.
struct Reader {
  const v1::CodecParameters& in;
  const Field& field;
  CodecSpec spec{};

  [[nodiscard]] ApiError contradiction(std::string_view name, std::string detail) const {
    return field_error("CODEC_UNSUPPORTED", Field{name, &field}, std::move(detail));
  }
  [[nodiscard]] ApiError wrong(std::string_view name, std::string detail) const {
    return invalid(Field{name, &field}, std::move(detail));
  }

  [[nodiscard]] Answer<PayloadType> read_type(std::uint32_t type, std::string_view name) const {
    if (type > 127) return failure(wrong(name, "A payload type is 0 to 127."));
    if (type >= 64 && type <= 95) {
      return failure(
          wrong(name, "64 to 95 cannot be told from RTCP on one port (RFC 5761 section 4)."));
    }
    return PayloadType(static_cast<std::uint8_t>(type));
  }

  Answer<void> read_types() {
    const auto type = read_type(in.payload_type(), "payload_type");
    if (!type) return failure(type.error());
    spec.payload_type = *type;
    if (!in.has_send_payload_type() || in.send_payload_type() == in.payload_type()) return {};
    const auto sent_as = read_type(in.send_payload_type(), "send_payload_type");
    if (!sent_as) return failure(sent_as.error());
    spec.sent_as = *sent_as;
    return {};
  }

  Answer<void> read_flow() {
    const auto direction = read_direction(in.direction(), Field{"direction", &field});
    if (!direction) return failure(direction.error());
    spec.direction = *direction;
    return {};
  }

  Answer<void> read_encoding() {
    const StaticType* fixed = static_type(in.payload_type());
    spec.encoding_name = in.encoding_name();
    if (spec.encoding_name.empty()) {
      if (fixed == nullptr) {
        return failure(required(Field{"encoding_name", &field},
                                "Only the static payload types of RFC 3551 name themselves."));
      }
      spec.encoding_name = std::string(fixed->name);
    }
    if (spec.encoding_name.size() > 64 || !is_printable(spec.encoding_name) ||
        spec.encoding_name.find_first_of(" /") != std::string::npos) {
      return failure(wrong("encoding_name", "This is no encoding name."));
    }
    if (fixed != nullptr && !equal_ignoring_case(fixed->name, spec.encoding_name)) {
      return failure(contradiction("encoding_name", "Payload type " +
                                                        std::to_string(in.payload_type()) + " is " +
                                                        std::string(fixed->name) + " (RFC 3551)."));
    }
    return {};
  }

  Answer<void> read_clock() {
    const Encoding* known = known_encoding(spec.encoding_name);
    const StaticType* fixed = static_type(in.payload_type());
    std::uint32_t clock = in.clock_rate();
    if (clock == 0 && fixed != nullptr) clock = fixed->clock;
    if (clock == 0 && known != nullptr) clock = known->default_clock;
    if (clock == 0) {
      return failure(
          required(Field{"clock_rate", &field}, "This encoding has no clock of its own."));
    }
    if (clock > kMaxClock) return failure(wrong("clock_rate", "At most 1000000 Hz."));
    const bool contradicts =
        (known != nullptr && known->is_clock_fixed && clock != known->default_clock) ||
        (fixed != nullptr && clock != fixed->clock);
    if (contradicts) {
      const std::uint32_t right = fixed != nullptr ? fixed->clock : known->default_clock;
      return failure(contradiction("clock_rate", "The RTP clock of " + spec.encoding_name + " is " +
                                                     std::to_string(right) + " Hz."));
    }
    spec.clock = RtpClockRate(clock);
    return {};
  }

  Answer<void> read_channels() {
    const Encoding* known = known_encoding(spec.encoding_name);
    const StaticType* fixed = static_type(in.payload_type());
    const std::uint8_t right = fixed != nullptr                           ? fixed->channels
                               : known != nullptr && known->channels != 0 ? known->channels
                                                                          : std::uint8_t{0};
    std::uint32_t channels = in.channels();
    if (channels == 0) channels = right == 0 ? 1 : right;
    if (channels > kMaxChannels) return failure(wrong("channels", "At most 8 channels."));
    if (right != 0 && channels != right) {
      return failure(contradiction("channels", "The rtpmap of " + spec.encoding_name + " has " +
                                                   std::to_string(right) + " channel(s)."));
    }
    spec.channels = static_cast<std::uint8_t>(channels);
    return {};
  }

  Answer<void> read_kind() {
    const Encoding* known = known_encoding(spec.encoding_name);
    const StaticType* fixed = static_type(in.payload_type());
    switch (in.kind()) {
      case v1::MEDIA_KIND_UNSPECIFIED:
        spec.kind = fixed != nullptr && fixed->is_video ? MediaKind::Video : MediaKind::Audio;
        break;
      case v1::MEDIA_KIND_AUDIO:
        spec.kind = MediaKind::Audio;
        break;
      case v1::MEDIA_KIND_VIDEO:
        spec.kind = MediaKind::Video;
        break;
      case v1::MEDIA_KIND_OTHER:
        spec.kind = MediaKind::Other;
        break;
      default:
        return failure(wrong("kind", "This is no media kind."));
    }
    if (known == nullptr) return {};
    const bool is_video = known->kind == MediaKind::Retransmission;
    const bool is_open = in.kind() == v1::MEDIA_KIND_UNSPECIFIED;
    if (!is_open && spec.kind != (is_video ? MediaKind::Video : MediaKind::Audio)) {
      return failure(
          contradiction("kind", spec.encoding_name + (is_video ? " is video." : " is audio.")));
    }
    spec.kind = known->kind;
    return {};
  }

  Answer<void> read_fmtp() {
    if (in.fmtp().size() > kMaxFmtp || !is_printable(in.fmtp())) {
      return failure(wrong("fmtp", "At most 1024 printable ASCII characters."));
    }
    spec.fmtp = in.fmtp();
    return {};
  }

  Answer<void> read_ptime() {
    if (!in.has_ptime()) return {};
    const Field ptime{"ptime", &field};
    const auto span = read_duration(in.ptime(), ptime, milliseconds(1), milliseconds(200));
    if (!span) return failure(span.error());
    const bool is_opus = equal_ignoring_case(spec.encoding_name, "opus");
    const bool is_allowed = is_opus ? *span == milliseconds(10) || *span == milliseconds(20) ||
                                          *span == milliseconds(40) || *span == milliseconds(60)
                                    : *span >= milliseconds(10) && *span <= milliseconds(60) &&
                                          *span % milliseconds(10) == Duration::zero();
    if (!is_allowed) {
      return failure(field_error("PTIME_UNSUPPORTED", ptime,
                                 is_opus ? "Packets of opus are 10, 20, 40 or 60 ms."
                                         : "Packets are 10 to 60 ms in steps of 10 ms."));
    }
    spec.ptime = *span;
    return {};
  }

  Answer<void> read_opus() {
    const bool is_opus = equal_ignoring_case(spec.encoding_name, "opus");
    if (!is_opus) {
      if (in.has_opus()) return failure(wrong("opus", "These settings are for opus only."));
      return {};
    }
    const v1::OpusSettings& opus = in.opus();
    const Field settings{"opus", &field};
    const auto refuse = [&](std::string_view name, std::string detail) {
      return failure(invalid(Field{name, &settings}, std::move(detail)));
    };
    if (opus.bitrate() != 0) {
      if (opus.bitrate() < 6000 || opus.bitrate() > 510'000) {
        return refuse("bitrate", "6000 to 510000 bits a second.");
      }
      spec.opus.bitrate = opus.bitrate();
    }
    if (opus.has_complexity()) {
      if (opus.complexity() > 10) return refuse("complexity", "0 to 10.");
      spec.opus.complexity = static_cast<std::uint8_t>(opus.complexity());
    }
    const auto flag = [&](bool has, bool value, std::string_view parameter) {
      return has ? value : fmtp_number(spec.fmtp, parameter) == 1U;
    };
    spec.opus.has_inband_fec = flag(opus.has_inband_fec(), opus.inband_fec(), "useinbandfec");
    spec.opus.has_dtx = flag(opus.has_dtx(), opus.dtx(), "usedtx");
    spec.opus.is_cbr = flag(opus.has_cbr(), opus.cbr(), "cbr");
    return read_playback_rate(opus.max_playback_rate(), settings);
  }

  /// The planner reads the limit from the fmtp; of two, the lower counts.
  Answer<void> read_playback_rate(std::uint32_t rate, const Field& settings) {
    if (rate == 0) return {};
    static constexpr std::array<std::uint32_t, 5> kRates = {8000, 12000, 16000, 24000, 48000};
    if (std::ranges::find(kRates, rate) == kRates.end()) {
      return failure(
          invalid(Field{"max_playback_rate", &settings}, "8000, 12000, 16000, 24000 or 48000 Hz."));
    }
    const auto limit = fmtp_number(spec.fmtp, "maxplaybackrate");
    if (limit && *limit <= rate) return {};
    spec.fmtp =
        "maxplaybackrate=" + std::to_string(rate) + (spec.fmtp.empty() ? "" : ";") + spec.fmtp;
    return {};
  }
};

/// A payload type for retransmissions of what the leg does not have.
bool repairs_nothing(const CodecSpec& rtx, const std::vector<CodecSpec>& specs) {
  if (rtx.kind != MediaKind::Retransmission) return false;
  const auto apt = fmtp_number(rtx.fmtp, "apt");
  return std::ranges::none_of(specs, [&](const CodecSpec& codec) {
    return codec.kind == MediaKind::Video && codec.send_type().raw() == apt;
  });
}

}  // namespace

Answer<engine::Direction> read_direction(v1::Direction direction, const Field& field) {
  switch (direction) {
    case v1::DIRECTION_UNSPECIFIED:
    case v1::DIRECTION_SENDRECV:
      return engine::Direction::SendRecv;
    case v1::DIRECTION_SENDONLY:
      return engine::Direction::SendOnly;
    case v1::DIRECTION_RECVONLY:
      return engine::Direction::RecvOnly;
    case v1::DIRECTION_INACTIVE:
      return engine::Direction::Inactive;
    default:
      return failure(invalid(field, "This is no direction."));
  }
}

Answer<CodecSpec> translate_codec(const v1::CodecParameters& codec, const Field& field) {
  Reader reader{codec, field};
  for (const auto part : {&Reader::read_types, &Reader::read_encoding, &Reader::read_clock,
                          &Reader::read_channels, &Reader::read_kind, &Reader::read_flow,
                          &Reader::read_fmtp, &Reader::read_ptime, &Reader::read_opus}) {
    if (auto done = (reader.*part)(); !done) return failure(std::move(done).error());
  }
  return std::move(reader.spec);
}

Answer<std::vector<CodecSpec>> translate_codecs(
    const google::protobuf::RepeatedPtrField<v1::CodecParameters>& codecs, const Field& field) {
  std::vector<CodecSpec> specs;
  specs.reserve(static_cast<std::size_t>(codecs.size()));
  std::bitset<128> used;
  for (int i = 0; i < codecs.size(); ++i) {
    const Field at{"codecs", &field, i};
    auto spec = translate_codec(codecs[i], at);
    if (!spec) return failure(std::move(spec).error());
    const std::size_t type = spec->payload_type.raw();
    if (used.test(type)) {
      return failure(field_error("CODEC_UNSUPPORTED", Field{"payload_type", &at},
                                 "Another codec of the leg has this payload type."));
    }
    used.set(type);
    specs.push_back(std::move(*spec));
  }
  for (int i = 0; i < codecs.size(); ++i) {
    if (repairs_nothing(specs[static_cast<std::size_t>(i)], specs)) {
      const Field at{"codecs", &field, i};
      return failure(field_error("CODEC_UNSUPPORTED", Field{"fmtp", &at},
                                 "rtx needs apt, the payload type of a video codec of this leg as "
                                 "it is sent (RFC 4588 section 8.6)."));
    }
  }
  return specs;
}

std::vector<CodecSpec> static_codecs() {
  std::vector<CodecSpec> specs;
  for (const StaticType& type : kStaticTypes) {
    CodecSpec spec;
    spec.payload_type = PayloadType(type.type);
    spec.encoding_name = std::string(type.name);
    spec.clock = RtpClockRate(type.clock);
    spec.channels = type.channels;
    spec.kind = type.is_video ? MediaKind::Video : MediaKind::Audio;
    if (type.name == "CN") spec.kind = MediaKind::ComfortNoise;
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace causeway::control
