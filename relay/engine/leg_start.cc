#include "relay/engine/leg.h"

#include <algorithm>

namespace causeway::engine {

// How a leg begins: what a specification becomes.

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

/// Room for the statistics of what may be received in these formats.
std::vector<rtp::Reception> make_receptions(const PayloadFormats& formats) {
  const bool is_audio_only = !formats.any_of([](const PayloadFormat& format) {
    return format.is_known && (format.kind == MediaKind::Video || format.kind == MediaKind::Other);
  });
  std::vector<rtp::Reception> receptions;
  receptions.reserve(is_audio_only ? kMaxAudioSources : kMaxSources);
  return receptions;
}

std::unique_ptr<rtp::RtxReceiver> make_rtx(const RepairTypes& repair) {
  if (repair.from_endpoint.empty()) return nullptr;
  return std::make_unique<rtp::RtxReceiver>(repair.from_endpoint);
}

std::unique_ptr<rtp::TransportFeedback> make_transport_cc(const ExtensionRules& rules) {
  if (!rules.has_transport_cc()) return nullptr;
  return std::make_unique<rtp::TransportFeedback>();
}

std::unique_ptr<VideoSections> make_sections(const LegSpec& spec) {
  return spec.video_sections.empty() ? nullptr : std::make_unique<VideoSections>(spec);
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

void LegUpdate::set_codecs(const LegSpec& now_known) {
  formats = payload_formats(now_known);
  receptions = make_receptions(*formats);
  repair = repair_types(now_known);
  rtx = make_rtx(repair);
  extensions = extension_rules(now_known);
  sections = make_sections(now_known);
  transport_cc = make_transport_cc(extensions);
}

RtpClockRate audio_clock_of(const LegSpec& spec) {
  const auto audio = std::ranges::find(spec.codecs, MediaKind::Audio, &CodecSpec::kind);
  return audio == spec.codecs.end() ? RtpClockRate(8000) : audio->clock;
}

std::optional<PayloadType> telephone_event_of(const LegSpec& spec) {
  const RtpClockRate clock = audio_clock_of(spec);
  for (const CodecSpec& codec : spec.codecs) {
    if (codec.kind == MediaKind::TelephoneEvent && codec.clock == clock) return codec.send_type();
  }
  return std::nullopt;
}

LegSetup make_setup(const LegSpec& spec, std::uint16_t number, std::uint8_t network) {
  LegSetup setup;
  setup.number = number;
  setup.network = network;
  setup.has_shared_port = spec.has_shared_port;
  setup.is_secure = spec.security != Security::Plain;
  setup.endpoint = {spec.has_rtcp_mux, setup.is_secure,  spec.remote_rtp,
                    spec.remote_rtcp,  spec.accept_from, nullptr};
  setup.formats = payload_formats(spec);
  setup.repair = repair_types(spec);
  setup.rtx = make_rtx(setup.repair);
  setup.extensions = extension_rules(spec);
  setup.sections = make_sections(spec);
  setup.transport_cc = make_transport_cc(setup.extensions);
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
      endpoint_(std::move(setup_.endpoint)),
      dtls_(setup_.dtls),
      rtcp_dtls_(std::move(setup_.dtls)),
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
  endpoint_.start(now);
  watch_mappings(now);
  dtls_.start({handle, false});
  rtcp_dtls_.start({handle, true});
}

}  // namespace causeway::engine
