#include "control/jsep/extension_match.h"

#include <algorithm>
#include <array>

namespace causeway::jsep {

namespace {

constexpr std::string_view kMid = "urn:ietf:params:rtp-hdrext:sdes:mid";
constexpr std::string_view kTransportCc =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
constexpr std::string_view kTransportCcFeedback = "transport-cc";

struct OurExtension {
  std::string_view uri;
  std::uint8_t id;  ///< What we offer it as.
  bool in_audio;
  bool in_video;
};
constexpr std::array kOurExtensions = {
    OurExtension{"urn:ietf:params:rtp-hdrext:ssrc-audio-level", 1, true, false},
    OurExtension{"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", 2, true, true},
    OurExtension{kTransportCc, 3, false, true},
    OurExtension{kMid, 4, true, true},
};

/// RFC 8285 4.2: of the one-byte form, since we do not negotiate a mixture.
constexpr std::uint16_t kMaxId = 14;

bool is_ours(std::string_view uri, std::string_view kind) {
  return std::ranges::any_of(kOurExtensions, [&](const OurExtension& each) {
    return each.uri == uri && (kind == "audio" ? each.in_audio : each.in_video);
  });
}

/// Those of the section and of the whole description.
std::vector<HeaderExtension> extensions_of(const SessionDescription& description,
                                           const MediaSection& section) {
  std::vector<HeaderExtension> all = section.shared.header_extensions;
  const auto& common = description.shared.header_extensions;
  all.insert(all.end(), common.begin(), common.end());
  return all;
}

bool is_both_ways(const HeaderExtension& extension) {
  return extension.direction.value_or(Direction::SendRecv) == Direction::SendRecv;
}

bool has(const std::vector<Extension>& extensions, std::string_view uri) {
  return std::ranges::find(extensions, uri, &Extension::uri) != extensions.end();
}

}  // namespace

std::vector<Extension> match_extensions(const SessionDescription& offer,
                                        const MediaSection& section) {
  std::vector<Extension> matched;
  for (const HeaderExtension& each : extensions_of(offer, section)) {
    if (each.id == 0 || each.id > kMaxId || !is_both_ways(each)) continue;
    if (!is_ours(each.uri, section.kind) || has(matched, each.uri)) continue;
    const bool has_mid = section.mid && offer.bundle_of(section) != nullptr;
    if (each.uri == kMid && !has_mid) continue;
    matched.push_back({static_cast<std::uint8_t>(each.id), each.uri});
  }
  return matched;
}

std::vector<Extension> extensions_to_offer(std::string_view kind,
                                           const std::vector<Extension>* before,
                                           const std::vector<Extension>& bundled) {
  if (before != nullptr) return *before;
  std::vector<Extension> extensions;
  for (const OurExtension& each : kOurExtensions) {
    if (!is_ours(each.uri, kind)) continue;
    const auto known = std::ranges::find(bundled, each.uri, &Extension::uri);
    if (known != bundled.end()) {
      extensions.push_back(*known);
      continue;
    }
    const auto is_used = [&](std::uint8_t id) {
      return std::ranges::find(bundled, id, &Extension::id) != bundled.end() ||
             std::ranges::find(extensions, id, &Extension::id) != extensions.end();
    };
    std::uint8_t id = each.id;
    while (is_used(id)) id = static_cast<std::uint8_t>(id % kMaxId + 1);
    extensions.push_back({id, std::string(each.uri)});
  }
  return extensions;
}

std::vector<Extension> match_answered_extensions(const SessionDescription& answer,
                                                 const MediaSection& section,
                                                 const std::vector<Extension>& offered) {
  const auto answered = extensions_of(answer, section);
  std::vector<Extension> matched;
  for (const Extension& each : offered) {
    const bool is_taken = std::ranges::any_of(answered, [&](const HeaderExtension& theirs) {
      return theirs.uri == each.uri && theirs.id == each.id && is_both_ways(theirs);
    });
    if (is_taken) matched.push_back(each);
  }
  return matched;
}

bool says_mid(const std::vector<Extension>& extensions) { return has(extensions, kMid); }

void settle_transport_cc(Video& video) {
  const auto is_feedback = [](const std::string& each) { return each == kTransportCcFeedback; };
  const bool is_answered = std::ranges::any_of(video.codecs, [&](const Codec& codec) {
    return std::ranges::any_of(codec.feedback, is_feedback);
  });
  if (!is_answered) {
    std::erase_if(video.extensions, [](const Extension& each) { return each.uri == kTransportCc; });
  } else if (!has(video.extensions, kTransportCc)) {
    for (Codec& codec : video.codecs) std::erase_if(codec.feedback, is_feedback);
  }
}

}  // namespace causeway::jsep
