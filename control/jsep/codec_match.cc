#include "control/jsep/codec_match.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <optional>

#include "relay/base/fmtp.h"
#include "relay/base/text.h"

namespace causeway::jsep {

namespace {

constexpr std::string_view kComfortNoise = "CN";
constexpr std::array kOurCodecs = {
    OurCodec{"opus", 48000, 2, 111, "minptime=10;useinbandfec=1", true},
    OurCodec{"G722", 8000, 1, 9, "", true},
    OurCodec{"PCMU", 8000, 1, 0, "", true},
    OurCodec{"PCMA", 8000, 1, 8, "", true},
    OurCodec{"telephone-event", 48000, 1, 110, "0-16", false},
    OurCodec{"telephone-event", 8000, 1, 101, "0-16", false},
    OurCodec{kComfortNoise, 8000, 1, 13, "", false},
};

/// Opus stands for two channels whatever it carries (RFC 7587 7).
std::uint32_t channels_of(const PayloadFormat& format) {
  return format.channels == 0 ? 1 : format.channels;
}

std::size_t rank(const std::vector<std::string>& names, std::string_view name) {
  const auto found = std::ranges::find_if(
      names, [&](const std::string& each) { return equal_ignoring_case(each, name); });
  return static_cast<std::size_t>(found - names.begin());
}

bool is_in(const std::vector<std::string>& names, std::string_view name) {
  return rank(names, name) != names.size();
}

/// RFC 5761 4: such a type could not be told from RTCP on one port.
bool looks_like_rtcp(PayloadType type) { return type.raw() >= 64 && type.raw() <= 95; }

bool takes(const CodecPolicy& policy, const OurCodec& codec) {
  // Comfort noise that the other side does not know would only be missing there.
  const bool has_other_side = !policy.preferred.empty();
  if (codec.name == kComfortNoise && has_other_side && !is_in(policy.preferred, codec.name)) {
    return false;
  }
  if (!codec.is_audio) return !is_in(policy.deny, codec.name);
  return policy.takes(codec.name) &&
         (!policy.only_preferred || is_in(policy.preferred, codec.name));
}

/// Audio by preference, then what goes beside it where its clock is one of the audio's.
std::vector<Codec> arranged(std::vector<Codec> audio, const std::vector<Codec>& beside,
                            const CodecPolicy& policy) {
  std::ranges::stable_sort(audio, {},
                           [&](const Codec& codec) { return rank(policy.preferred, codec.name); });
  if (audio.empty()) return {};
  const std::size_t count = audio.size();
  for (const Codec& codec : beside) {
    const bool has_audio =
        std::any_of(audio.begin(), audio.begin() + static_cast<std::ptrdiff_t>(count),
                    [&](const Codec& each) { return each.clock == codec.clock; });
    if (has_audio) audio.push_back(codec);
  }
  return audio;
}

constexpr std::array<std::string_view, 4> kVideo = {"VP8", "VP9", "H264", "AV1"};
constexpr RtpClockRate kVideoClock(90'000);
constexpr std::string_view kNack = "nack";
constexpr std::string_view kTransportCc = "transport-cc";
constexpr std::array<std::string_view, 5> kFeedback = {kNack, "nack pli", "ccm fir", "goog-remb",
                                                       kTransportCc};

bool is_video(const PayloadFormat& format) {
  const bool is_known = std::ranges::any_of(kVideo, [&](std::string_view name) {
    return equal_ignoring_case(name, format.encoding_name);
  });
  return is_known && format.clock_rate == kVideoClock && !looks_like_rtcp(format.payload_type);
}

/// That of `codecs` whose packets read as those of a format, by the parameters that `side` chooses.
const Codec* find_alike(const std::vector<Codec>& codecs, const PayloadFormat& format,
                        std::string Codec::*side) {
  const auto found = std::ranges::find_if(codecs, [&](const Codec& codec) {
    return equal_ignoring_case(codec.name, format.encoding_name) &&
           codec.clock == format.clock_rate &&
           reads_alike(codec.name, codec.*side, format.parameters);
  });
  return found == codecs.end() ? nullptr : &*found;
}

constexpr std::string_view kRtx = "rtx";

/// What the relay carries of the other side's, and what it answers itself.
std::vector<std::string> with_ours(std::vector<std::string> other) {
  for (const std::string_view own : {kNack, kTransportCc}) {
    if (!is_in(other, own)) other.emplace_back(own);
  }
  return other;
}

/// The type under which an endpoint sends `repaired` again, where it says so.
std::optional<PayloadType> rtx_type(const MediaSection& section, PayloadType repaired) {
  const auto found = std::ranges::find_if(section.formats, [&](const PayloadFormat& format) {
    return equal_ignoring_case(format.encoding_name, kRtx) && format.clock_rate == kVideoClock &&
           !looks_like_rtcp(format.payload_type) &&
           fmtp_number(format.parameters, "apt") == repaired.raw();
  });
  return found == section.formats.end() ? std::nullopt : std::optional(found->payload_type);
}

/// What of `ours` the format's endpoint has too.
std::vector<std::string> common_feedback(const MediaSection& section, const PayloadFormat& format,
                                         const std::vector<std::string>& ours) {
  std::vector<std::string> common;
  for (const std::string& each : ours) {
    if (is_in(format.feedback, each) || is_in(section.feedback, each)) common.push_back(each);
  }
  return common;
}

/// The payload types of a bundle that stand for something.
class UsedTypes {
 public:
  void add(PayloadType type) { used_.set(type.raw()); }
  void add(const std::vector<Codec>& codecs) {
    for (const Codec& codec : codecs) {
      add(codec.type);
      if (codec.rtx) add(codec.rtx->type);
    }
  }
  /// `wanted` where it is free, else a dynamic type that is; it is then used. Nothing where none
  /// is.
  [[nodiscard]] std::optional<PayloadType> take(std::optional<PayloadType> wanted) {
    if (wanted && !used_.test(wanted->raw())) return mark(*wanted);
    for (const auto& [first, last] : {std::pair{96, 127}, std::pair{35, 63}}) {
      for (int type = first; type <= last; ++type) {
        if (!used_.test(static_cast<std::size_t>(type))) {
          return mark(PayloadType(static_cast<std::uint8_t>(type)));
        }
      }
    }
    return std::nullopt;
  }

 private:
  PayloadType mark(PayloadType type) {
    add(type);
    return type;
  }
  std::bitset<128> used_;
};

}  // namespace

std::span<const std::string_view> our_feedback() { return kFeedback; }

bool CodecPolicy::takes(std::string_view name) const {
  return (allow.empty() || is_in(allow, name)) && !is_in(deny, name);
}

std::span<const OurCodec> our_codecs() { return kOurCodecs; }

const OurCodec* our_codec(std::string_view name, RtpClockRate clock, std::uint32_t channels) {
  const auto* const found = std::ranges::find_if(kOurCodecs, [&](const OurCodec& codec) {
    return equal_ignoring_case(codec.name, name) && RtpClockRate(codec.clock) == clock &&
           codec.channels == channels;
  });
  return found == kOurCodecs.end() ? nullptr : found;
}

std::vector<Codec> match_offer(const std::vector<PayloadFormat>& offered,
                               const CodecPolicy& policy) {
  std::vector<Codec> audio;
  std::vector<Codec> beside;
  for (const PayloadFormat& format : offered) {
    const OurCodec* const ours =
        our_codec(format.encoding_name, format.clock_rate, channels_of(format));
    if (ours == nullptr || !takes(policy, *ours)) continue;
    if (looks_like_rtcp(format.payload_type)) continue;
    (ours->is_audio ? audio : beside)
        .push_back({format.payload_type,
                    format.payload_type,
                    std::string(ours->name),
                    format.clock_rate,
                    ours->channels,
                    format.parameters,
                    std::string(ours->parameters),
                    {}});
  }
  return arranged(std::move(audio), beside, policy);
}

std::vector<Codec> codecs_to_offer(const CodecPolicy& policy) {
  std::vector<Codec> audio;
  std::vector<Codec> beside;
  for (const OurCodec& ours : kOurCodecs) {
    if (!takes(policy, ours)) continue;
    (ours.is_audio ? audio : beside)
        .push_back({PayloadType(ours.type),
                    PayloadType(ours.type),
                    std::string(ours.name),
                    RtpClockRate(ours.clock),
                    ours.channels,
                    "",
                    std::string(ours.parameters),
                    {}});
  }
  return arranged(std::move(audio), beside, policy);
}

std::vector<Codec> match_answer(const std::vector<PayloadFormat>& answered,
                                const std::vector<Codec>& offered) {
  std::vector<Codec> matched;
  bool has_audio = false;
  for (const PayloadFormat& format : answered) {
    const auto found = std::ranges::find_if(offered, [&](const Codec& codec) {
      return equal_ignoring_case(codec.name, format.encoding_name) &&
             codec.clock == format.clock_rate && codec.channels == channels_of(format);
    });
    if (found == offered.end()) continue;
    Codec codec = *found;
    codec.send_type = format.payload_type;
    codec.remote_parameters = format.parameters;
    has_audio = has_audio || our_codec(codec.name, codec.clock, codec.channels)->is_audio;
    matched.push_back(std::move(codec));
  }
  if (!has_audio) matched.clear();
  return matched;
}

std::vector<Codec> match_video_offer(const MediaSection& offered, const CodecPolicy& policy,
                                     std::size_t place) {
  const Video* const theirs = policy.videos ? video_in(*policy.videos, place) : nullptr;
  if (policy.videos && theirs == nullptr) return {};
  std::vector<Codec> matched;
  for (const PayloadFormat& format : offered.formats) {
    if (!is_video(format) || !policy.takes(format.encoding_name)) continue;
    const Codec* const other =
        theirs != nullptr ? find_alike(theirs->codecs, format, &Codec::remote_parameters) : nullptr;
    if (theirs != nullptr && other == nullptr) continue;
    Codec& codec = matched.emplace_back();
    codec.type = codec.send_type = format.payload_type;
    codec.name = format.encoding_name;
    codec.clock = format.clock_rate;
    codec.remote_parameters = format.parameters;
    codec.our_parameters = other != nullptr ? other->remote_parameters : format.parameters;
    codec.feedback = common_feedback(
        offered, format,
        other != nullptr ? with_ours(other->feedback)
                         : std::vector<std::string>{kFeedback.begin(), kFeedback.end()});
    const auto rtx = rtx_type(offered, format.payload_type);
    if (rtx && is_in(codec.feedback, kNack)) codec.rtx = RtxFormat{*rtx, *rtx};
  }
  return matched;
}

namespace {

bool is_same_rtx(const std::optional<RtxFormat>& a, const std::optional<RtxFormat>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->type == b->type && a->send_type == b->send_type;
}

/// Whether two codecs of a bundle are the same one, or have no payload type in common.
bool go_together(const Codec& a, const Codec& b) {
  if (a.type == b.type) {
    return equal_ignoring_case(a.name, b.name) && a.clock == b.clock &&
           a.send_type == b.send_type && is_same_rtx(a.rtx, b.rtx) &&
           reads_alike(a.name, a.remote_parameters, b.remote_parameters);
  }
  const auto types = [](const Codec& codec, bool sent) {
    std::bitset<128> all;
    all.set((sent ? codec.send_type : codec.type).raw());
    if (codec.rtx) all.set((sent ? codec.rtx->send_type : codec.rtx->type).raw());
    return all;
  };
  return (types(a, true) & types(b, true)).none() && (types(a, false) & types(b, false)).none();
}

}  // namespace

void leave_out_ambiguous(std::vector<Codec>& codecs, const std::vector<Video>& beside) {
  std::erase_if(codecs, [&](const Codec& codec) {
    return std::ranges::any_of(beside, [&](const Video& other) {
      return !std::ranges::all_of(other.codecs,
                                  [&](const Codec& known) { return go_together(codec, known); });
    });
  });
}

std::vector<Codec> video_to_offer(const CodecPolicy& policy, std::size_t place,
                                  const std::vector<Codec>& audio, const std::vector<Video>& before,
                                  const std::vector<Video>& beside) {
  const Video* const was = video_in(before, place);
  if (!policy.videos) return was == nullptr ? std::vector<Codec>() : was->codecs;
  const Video* const theirs = video_in(*policy.videos, place);
  if (theirs == nullptr) return {};
  UsedTypes used;
  used.add(audio);
  // What stood for something once does not come to stand for something else (RFC 3264 8.3.2), and
  // what another section has as well is the same there (RFC 8843 9.1).
  std::vector<const Video*> others;
  if (was != nullptr) others.push_back(was);
  for (const std::vector<Video>* list : {&beside, &before}) {
    for (const Video& each : *list) {
      used.add(each.codecs);
      if (&each != was) others.push_back(&each);
    }
  }
  std::vector<Codec> video;
  for (const Codec& other : theirs->codecs) {
    if (!policy.takes(other.name)) continue;
    Codec codec = other;
    codec.rtx.reset();
    codec.feedback = with_ours(std::move(codec.feedback));
    codec.our_parameters = std::move(codec.remote_parameters);
    codec.remote_parameters.clear();
    const PayloadFormat format{codec.type, codec.name, codec.clock, 1, codec.our_parameters, {}};
    const Codec* known = nullptr;
    for (std::size_t i = 0; known == nullptr && i < others.size(); ++i) {
      known = find_alike(others[i]->codecs, format, &Codec::our_parameters);
    }
    // Two of the other side's may read alike here.
    if (known != nullptr && std::ranges::find(video, known->type, &Codec::type) != video.end()) {
      continue;
    }
    const auto type = known != nullptr ? known->type : used.take(codec.type);
    if (!type) continue;
    codec.type = *type;
    codec.send_type = known != nullptr ? known->send_type : codec.type;
    if (known != nullptr) codec.rtx = known->rtx;
    video.push_back(std::move(codec));
  }
  for (Codec& codec : video) {
    const auto rtx = codec.rtx ? std::nullopt : used.take(std::nullopt);
    if (rtx) codec.rtx = RtxFormat{*rtx, *rtx};
  }
  return video;
}

std::vector<Codec> match_video_answer(const MediaSection& answered,
                                      const std::vector<Codec>& offered) {
  std::vector<Codec> matched;
  for (const PayloadFormat& format : answered.formats) {
    const Codec* const found = find_alike(offered, format, &Codec::our_parameters);
    if (found == nullptr) continue;
    Codec& codec = matched.emplace_back(*found);
    codec.send_type = format.payload_type;
    codec.remote_parameters = format.parameters;
    codec.feedback = common_feedback(answered, format, codec.feedback);
    const auto rtx = rtx_type(answered, format.payload_type);
    const bool has_rtx = codec.rtx && rtx && is_in(codec.feedback, kNack);
    codec.rtx = has_rtx ? std::optional(RtxFormat{codec.rtx->type, *rtx}) : std::nullopt;
  }
  return matched;
}

}  // namespace causeway::jsep
