#include "relay/engine/planner.h"

#include <algorithm>
#include <array>
#include <set>

#include "relay/base/fmtp.h"
#include "relay/base/text.h"
#include "relay/media/frame_sender.h"

namespace causeway::engine {

namespace {

using Action = media::Route::Action;
using codecs::CodecConfig;
using codecs::CodecId;

/// Of a default packet, so that it needs no IP fragments on Ethernet: 1500 octets without the
/// headers of IPv6, UDP and RTP and the longest tag of SRTP.
constexpr std::int64_t kMostUsualPayload = 1400;

Error refuse(ErrorCode code, std::string_view reason, std::string field, std::string detail) {
  return Error{code, reason, std::move(field), std::move(detail)};
}

/// Opus runs at five rates (RFC 6716 2): the lowest that carries `rate`.
SampleRate opus_rate_for(SampleRate rate) {
  for (const std::uint32_t opus : {8000U, 12000U, 16000U, 24000U}) {
    if (rate.raw() <= opus) return SampleRate(opus);
  }
  return SampleRate(48000);
}

std::string_view short_name(CodecId id) {
  static constexpr std::array<std::string_view, 5> kNames = {"pcmu", "pcma", "g722", "opus", "l16"};
  return kNames[static_cast<std::size_t>(id)];
}

/// `opus@16k`, `g722@8k`, `pcmu`: the rate is said where the codec leaves a choice.
std::string describe(const CodecConfig& codec) {
  std::string text(short_name(codec.id));
  if (codec.id != CodecId::Pcmu && codec.id != CodecId::Pcma) {
    const std::uint32_t rate = codec.rate.raw();
    text += "@" + (rate % 1000 == 0 ? std::to_string(rate / 1000) + "k" : std::to_string(rate));
  }
  if (codec.channels > 1) text += "/2";
  return text;
}

bool is_secured(const LegSpec& leg) { return leg.security != Security::Plain; }

std::string suite_text(const LegSpec& leg, wire::SrtpSuite suite) {
  return leg.are_suites_known ? std::string(wire::facts_of(suite).name) : "dtls";
}

const CodecSpec* find_format(const LegSpec& leg, const CodecSpec& wanted) {
  const auto found = std::ranges::find_if(
      leg.codecs, [&](const CodecSpec& codec) { return codec.same_format(wanted); });
  return found == leg.codecs.end() ? nullptr : &*found;
}

const CodecSpec* find_kind(const LegSpec& leg, MediaKind kind, RtpClockRate clock) {
  const auto found = std::ranges::find_if(leg.codecs, [&](const CodecSpec& codec) {
    return codec.kind == kind && codec.clock == clock;
  });
  return found == leg.codecs.end() ? nullptr : &*found;
}

const CodecSpec* first_encodable(const LegSpec& leg) {
  const auto found = std::ranges::find_if(leg.codecs, [](const CodecSpec& codec) {
    return codec.kind == MediaKind::Audio && sends(codec.direction) && codec_of(codec).has_value();
  });
  return found == leg.codecs.end() ? nullptr : &*found;
}

bool is_audio_timeline(MediaKind kind) {
  return kind == MediaKind::Audio || kind == MediaKind::TelephoneEvent ||
         kind == MediaKind::ComfortNoise;
}

/// For a leg that names no codecs: every type passes as it is. Of the static types (RFC 3551 6) 0
/// to 23 are audio and join the one timeline; what a dynamic type is cannot be known, so each SSRC
/// keeps a stream of its own.
media::RouteTable routes_for_anything() {
  media::RouteTable routes;
  for (std::uint8_t type = 0; type < 128; ++type) {
    const bool is_audio = type < 24;
    const RtpClockRate clock(is_audio ? 8000 : 90'000);
    routes.set(PayloadType(type), {clock, Action::Pass, PayloadType(type), is_audio});
  }
  return routes;
}

/// The octets of a packet of L16, the only codec whose packets can be too large.
std::int64_t octets_of_l16(const CodecConfig& codec, Duration ptime) {
  return ptime.count() * codec.rate.raw() / 1'000'000'000 * codec.channels * 2;
}

bool ptime_is_encodable(const CodecConfig& codec, Duration ptime) {
  using namespace std::chrono_literals;
  if (codec.id == CodecId::Opus) {
    return ptime == 10ms || ptime == 20ms || ptime == 40ms || ptime == 60ms;
  }
  if (codec.id == CodecId::L16 &&
      octets_of_l16(codec, ptime) > std::int64_t{media::FrameSender::kMaxPayload}) {
    return false;
  }
  return ptime % 10ms == 0ms && ptime >= 10ms && ptime <= 60ms;
}

/// What is sent where nobody says otherwise: 20 ms, less where L16 does not get that into a packet.
/// 44100 Hz has no whole number of samples in 5 ms: its stereo takes 10 ms and two IP fragments.
Duration usual_ptime(const CodecConfig& codec) {
  using namespace std::chrono_literals;
  if (codec.id != CodecId::L16 || octets_of_l16(codec, 20ms) <= kMostUsualPayload) return 20ms;
  const bool is_whole = codec.rate.raw() % 200 == 0;
  return is_whole && octets_of_l16(codec, 10ms) > kMostUsualPayload ? 5ms : 10ms;
}

constexpr SampleRate kNarrow(8'000);

/// What the encoder runs at: no wider than its sources and the endpoint's stated limit. Opus and
/// G.722 leave a choice.
SampleRate encoder_rate(const CodecConfig& codec, SampleRate widest_source, const CodecSpec& spec) {
  if (codec.id == CodecId::G722) return widest_source <= kNarrow ? kNarrow : codec.rate;
  if (codec.id != CodecId::Opus) return codec.rate;
  const auto limit = fmtp_number(spec.fmtp, "maxplaybackrate");
  const SampleRate wanted = opus_rate_for(widest_source);
  if (!limit) return wanted;
  const SampleRate allowed = opus_rate_for(SampleRate(std::max<std::uint32_t>(*limit, 8000)));
  return std::min(wanted, allowed);
}

/// RFC 7587 6.1: the endpoint's limits bind what we send to it.
void apply_opus_limits(codecs::OpusEncoderSettings& opus, const CodecSpec& spec) {
  opus = spec.opus;
  if (const auto limit = fmtp_number(spec.fmtp, "maxaveragebitrate")) {
    opus.bitrate = std::clamp<std::uint32_t>(*limit, 6000, opus.bitrate);
  }
  if (fmtp_number(spec.fmtp, "cbr") == 1U) opus.is_cbr = true;
}

/// Decoders run at the encoder's rate where the format allows it, so that nothing is resampled.
CodecConfig decoder_for(CodecConfig codec, SampleRate encoder) {
  if (codec.id == CodecId::Opus) codec.rate = opus_rate_for(encoder);
  if (codec.id == CodecId::G722 && encoder <= kNarrow) codec.rate = kNarrow;
  return codec;
}

struct Builder {
  const LegSpec& from;
  const LegSpec& to;
  PathPlan plan{};
  const CodecSpec* target = nullptr;  // what we encode towards `to`

  [[nodiscard]] bool may_transcode() const {
    return from.transcoding != TranscodingPolicy::Forbid &&
           to.transcoding != TranscodingPolicy::Forbid;
  }

  /// Whether `to` would rather have this audio in its first codec, and can.
  [[nodiscard]] bool is_out_of_order(const CodecSpec& codec, const CodecSpec& same) const {
    if (to.transcoding != TranscodingPolicy::PreferOrder || !may_transcode()) return false;
    const CodecSpec* first = first_encodable(to);
    return codec.kind == MediaKind::Audio && codec_of(codec) && first != nullptr && first != &same;
  }

  void pass_what_is_common() {
    for (const CodecSpec& codec : from.codecs) {
      // What is sent again is between each leg and the relay.
      if (codec.kind == MediaKind::Retransmission) continue;
      const CodecSpec* same = find_format(to, codec);
      if (same == nullptr || is_out_of_order(codec, *same)) continue;
      if (!receives(codec.direction) || !sends(same->direction)) continue;
      plan.routes.set(codec.payload_type,
                      {codec.clock, Action::Pass, same->send_type(), is_audio_timeline(codec.kind),
                       codec.kind == MediaKind::Video});
    }
  }

  Result<void, Error> transcode_what_is_not() {
    target = first_encodable(to);
    if (target == nullptr || !may_transcode()) return {};
    std::vector<const CodecSpec*> sources;
    for (const CodecSpec& codec : from.codecs) {
      const bool passes = plan.routes[codec.payload_type].action == Action::Pass;
      if (codec.kind == MediaKind::Audio && !passes && codec_of(codec) && receives(codec.direction))
        sources.push_back(&codec);
    }
    if (sources.empty()) return {};
    return transcode(sources);
  }

  Result<void, Error> transcode(const std::vector<const CodecSpec*>& sources) {
    plan.kind = PlanKind::Transcode;
    plan.transcoder.emplace();
    CodecConfig encoder = *codec_of(*target);
    const bool is_usual = target->ptime == Duration::zero();
    const Duration ptime = is_usual ? usual_ptime(encoder) : target->ptime;
    if (!is_usual && !ptime_is_encodable(encoder, ptime)) {
      return failure(refuse(ErrorCode::InvalidArgument, "PTIME_UNSUPPORTED",
                            "legs[" + to.id + "].codecs", "packets of that length cannot be made"));
    }
    SampleRate widest(8000);
    for (const CodecSpec* source : sources) widest = std::max(widest, codec_of(*source)->rate);
    encoder.rate = encoder_rate(encoder, widest, *target);
    if (encoder.id == CodecId::Opus) apply_opus_limits(encoder.opus, *target);
    for (const CodecSpec* source : sources) {
      plan.transcoder->inputs.push_back(
          {source->payload_type, decoder_for(*codec_of(*source), encoder.rate), source->clock});
      plan.routes.set(source->payload_type,
                      {source->clock, Action::Transcode, target->send_type(), true});
    }
    set_output(encoder, ptime);
    carry_events_over();
    return {};
  }

  void set_output(const CodecConfig& encoder, Duration ptime) {
    media::Transcoder::Output& output = plan.transcoder->output;
    output.payload_type = target->send_type();
    output.codec = encoder;
    output.clock = target->clock;
    output.ptime = ptime;
    // RFC 4733 2.1: the events' clock is that of the audio they stand in for.
    if (const auto* event = find_kind(to, MediaKind::TelephoneEvent, target->clock)) {
      output.event_payload_type = event->send_type();
    }
    if (const auto* noise = find_kind(to, MediaKind::ComfortNoise, target->clock)) {
      output.noise_payload_type = noise->send_type();
    }
    output.has_dtx = encoder.opus.has_dtx || output.noise_payload_type.has_value();
  }

  /// Beside transcoded audio, events and comfort noise share its timeline and go the same way;
  /// events also where the endpoint has no type for them, or their place would look like loss.
  void carry_events_over() {
    for (const CodecSpec& codec : from.codecs) {
      if (codec.kind != MediaKind::TelephoneEvent && codec.kind != MediaKind::ComfortNoise)
        continue;
      const bool is_event = codec.kind == MediaKind::TelephoneEvent;
      auto& signals = is_event ? plan.transcoder->events : plan.transcoder->noises;
      signals.push_back({codec.payload_type, codec.clock});
      plan.routes.set(codec.payload_type,
                      {codec.clock, Action::Transcode, target->send_type(), true});
    }
  }

  [[nodiscard]] bool reaches_the_other_side() const {
    return std::ranges::any_of(from.codecs, [&](const CodecSpec& codec) {
      const bool is_media =
          codec.kind != MediaKind::TelephoneEvent && codec.kind != MediaKind::ComfortNoise;
      return is_media && plan.routes[codec.payload_type].action != Action::Drop;
    });
  }

  /// `pcmu`, `opus,h264`: the media that pass, each once however many variants it has.
  [[nodiscard]] std::string passing() const {
    std::string text;
    std::set<std::string> named;
    for (const CodecSpec& codec : from.codecs) {
      if (plan.routes[codec.payload_type].action != Action::Pass) continue;
      if (is_audio_timeline(codec.kind) && codec.kind != MediaKind::Audio) continue;
      const std::string name = to_lower(codec.encoding_name);
      if (named.insert(name).second) text += (text.empty() ? "" : ",") + name;
    }
    if (from.codecs.empty() || to.codecs.empty()) return "any";
    return text;
  }

  [[nodiscard]] bool passes_transport_cc() const {
    const auto media_with_it = [](const LegSpec& leg) {
      std::set<MediaKind> media;
      for (const ExtensionSpec& each : *leg.extensions) {
        if (each.uri == ExtensionSpec::kTransportCc) media.insert(each.media);
      }
      return media;
    };
    const bool has_rtx = std::ranges::find(from.codecs, MediaKind::Retransmission,
                                           &CodecSpec::kind) != from.codecs.end();
    const auto media = media_with_it(from);
    return !plan.transcoder && !has_rtx && !media.empty() && media == media_with_it(to);
  }

  void map_extensions() {
    if (!from.extensions && !to.extensions) return;
    media::ExtensionMaps& maps = plan.extensions.emplace();
    if (!from.extensions || !to.extensions) return;
    maps.has_transport_cc = passes_transport_cc();
    for (const ExtensionSpec& each : *from.extensions) {
      if (each.uri == ExtensionSpec::kMid) continue;
      if (each.uri == ExtensionSpec::kTransportCc && !maps.has_transport_cc) continue;
      const auto same = std::ranges::find_if(*to.extensions, [&](const ExtensionSpec& other) {
        return other.uri == each.uri && other.media == each.media;
      });
      if (same == to.extensions->end()) continue;
      (each.media == MediaKind::Audio ? maps.audio : maps.others).set(each.id, same->id);
    }
  }

  void write_text() {
    std::string& text = plan.text;
    text = "legs/" + from.id + " -> legs/" + to.id + ":";
    if (is_secured(from)) text += " open(" + suite_text(from, from.receive_suite) + ")";
    for (const std::string& recording : plan.recordings) text += " record(" + recording + ")";
    if (plan.kind == PlanKind::Transcode) {
      text += " transcode(";
      for (const auto& input : plan.transcoder->inputs) {
        text += (&input == plan.transcoder->inputs.data() ? "" : "|") + describe(input.codec);
      }
      text += "->" + describe(plan.transcoder->output.codec) + ")";
      if (const std::string others = passing(); !others.empty()) text += " pass(" + others + ")";
    } else {
      const std::string media = passing();
      text += plan.kind == PlanKind::Forward ? " forward(" : " rekey(";
      text += (media.empty() ? "nothing" : media) + ")";
    }
    if (is_secured(to)) text += " seal(" + suite_text(to, to.send_suite) + ")";
    text += is_secured(to) ? " send(srtp)" : " send(rtp)";
  }

  [[nodiscard]] bool holds(const StageSpec& stage) const {
    const auto is_named = [](const std::string& wanted, const CodecConfig& codec) {
      return wanted.empty() || equal_ignoring_case(wanted, short_name(codec.id));
    };
    const auto is_secured_by = [&](const LegSpec& leg, wire::SrtpSuite suite) {
      return is_secured(leg) && (!stage.suite || (leg.are_suites_known && *stage.suite == suite));
    };
    switch (stage.kind) {
      case StageSpec::Kind::Open:
        return is_secured_by(from, from.receive_suite);
      case StageSpec::Kind::Seal:
        return is_secured_by(to, to.send_suite);
      case StageSpec::Kind::Transcode:
        return plan.kind == PlanKind::Transcode &&
               is_named(stage.to_codec, plan.transcoder->output.codec) &&
               std::ranges::any_of(plan.transcoder->inputs, [&](const auto& input) {
                 return is_named(stage.from_codec, input.codec);
               });
      case StageSpec::Kind::Record:
        return true;
    }
    return false;
  }
};

std::string_view name_of(StageSpec::Kind kind) {
  static constexpr std::array<std::string_view, 4> kNames = {"open", "transcode", "record", "seal"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace

std::optional<CodecConfig> codec_of(const CodecSpec& spec) {
  const auto is_named = [&](std::string_view name) {
    return equal_ignoring_case(spec.encoding_name, name);
  };
  const bool is_narrow_mono = spec.clock == RtpClockRate(8000) && spec.channels == 1;
  CodecConfig config;
  config.opus = spec.opus;
  if (is_named("PCMU") && is_narrow_mono) {
    config.id = CodecId::Pcmu;
  } else if (is_named("PCMA") && is_narrow_mono) {
    config.id = CodecId::Pcma;
  } else if (is_named("G722") && is_narrow_mono) {
    config.id = CodecId::G722;
    config.rate = SampleRate(16000);
  } else if (is_named("OPUS") && spec.clock == RtpClockRate(48000)) {
    config.id = CodecId::Opus;
    config.rate = SampleRate(48000);
  } else if (is_named("L16") && spec.channels <= 2) {
    static constexpr std::array<std::uint32_t, 5> kRates = {8000, 16000, 32000, 44100, 48000};
    if (std::ranges::find(kRates, spec.clock.raw()) == kRates.end()) return std::nullopt;
    config.id = CodecId::L16;
    config.rate = SampleRate(spec.clock.raw());
    config.channels = spec.channels;
  } else {
    return std::nullopt;
  }
  return config;
}

Result<PathPlan, Error> plan(const LegSpec& from, const LegSpec& to,
                             std::span<const StageSpec> stages, NothingInCommon nothing) {
  Builder builder{from, to};
  if (from.codecs.empty() || to.codecs.empty()) {
    builder.plan.routes = routes_for_anything();
  } else {
    builder.pass_what_is_common();
    if (const auto done = builder.transcode_what_is_not(); !done) return failure(done.error());
    if (nothing == NothingInCommon::Refused && !builder.reaches_the_other_side()) {
      const bool is_forbidden = !builder.may_transcode();
      return failure(refuse(ErrorCode::FailedPrecondition, "NO_COMMON_CODEC", "",
                            "no codec of leg " + from.id + " can reach leg " + to.id +
                                (is_forbidden ? ": they have none in common and transcoding is "
                                                "forbidden"
                                              : ": they have none in common that we transcode")));
    }
  }
  builder.map_extensions();
  const std::size_t common = std::min(from.video_sections.size(), to.video_sections.size());
  builder.plan.videos = std::max(builder.plan.videos, common);
  const bool has_keys = is_secured(from) || is_secured(to);
  if (builder.plan.kind == PlanKind::Forward && has_keys) builder.plan.kind = PlanKind::Rekey;
  for (const StageSpec& stage : stages) {
    if (stage.kind == StageSpec::Kind::Record) builder.plan.recordings.push_back(stage.recording);
  }
  builder.write_text();
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (builder.holds(stages[i])) continue;
    return failure(refuse(ErrorCode::FailedPrecondition, "PLAN_MISMATCH",
                          "stages[" + std::to_string(i) + "]",
                          "the stage " + std::string(name_of(stages[i].kind)) +
                              " is not part of the plan `" + builder.plan.text + "`"));
  }
  return std::move(builder.plan);
}

Result<std::unique_ptr<media::Path>, Error> compile(const PathPlan& plan) {
  std::unique_ptr<media::Transcoder> transcoder;
  if (plan.transcoder) {
    auto made = media::Transcoder::create(*plan.transcoder);
    if (!made) return failure(made.error());
    transcoder = std::move(*made);
  }
  std::unique_ptr<const media::ExtensionMaps> extensions;
  if (plan.extensions) extensions = std::make_unique<media::ExtensionMaps>(*plan.extensions);
  return std::make_unique<media::Path>(plan.routes, std::move(transcoder), std::move(extensions));
}

}  // namespace causeway::engine
