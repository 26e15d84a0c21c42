#include "relay/record/spec.h"

#include <algorithm>

namespace causeway::record {

SampleRate recording_rate(const std::vector<ChannelSpec>& channels) {
  SampleRate rate{8000};
  for (const ChannelSpec& channel : channels) {
    for (const RecordedCodec& codec : channel.codecs) {
      if (codec.kind != PayloadKind::Audio) continue;
      if (codec.codec.id == codecs::CodecId::Pcmu || codec.codec.id == codecs::CodecId::Pcma) {
        continue;
      }
      rate = std::max(rate,
                      codec.codec.rate > SampleRate{16000} ? SampleRate{48000} : SampleRate{16000});
    }
  }
  return rate;
}

Duration codec_delay(codecs::CodecId id) {
  switch (id) {
    case codecs::CodecId::Opus:
      return ticks_to_duration(312, RtpClockRate{48000});
    case codecs::CodecId::G722:
      return ticks_to_duration(22, RtpClockRate{16000});
    case codecs::CodecId::Pcmu:
    case codecs::CodecId::Pcma:
    case codecs::CodecId::L16:
      break;
  }
  return Duration{};
}

std::string_view name_of(DegradeReason reason) {
  switch (reason) {
    case DegradeReason::None:
      return "none";
    case DegradeReason::RingFull:
      return "ring_full";
    case DegradeReason::DiskFull:
      return "disk_full";
    case DegradeReason::DiskError:
      return "disk_error";
    case DegradeReason::CannotOpen:
      return "cannot_open";
    case DegradeReason::UnknownCodec:
      return "unknown_codec";
    case DegradeReason::RecorderSlow:
      return "recorder_slow";
  }
  return "none";
}

}  // namespace causeway::record
