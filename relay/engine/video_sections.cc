#include "relay/engine/video_sections.h"

#include <algorithm>
#include <vector>

namespace causeway::engine {

namespace {

/// The id of the MID in the packets of video; 0: they have none.
std::uint8_t mid_id(const LegSpec& spec) {
  if (!spec.extensions) return 0;
  const auto found = std::ranges::find_if(*spec.extensions, [](const ExtensionSpec& each) {
    return each.uri == ExtensionSpec::kMid && each.media == MediaKind::Video;
  });
  return found == spec.extensions->end() ? std::uint8_t{0} : found->id;
}

}  // namespace

VideoSections::VideoSections(const LegSpec& spec) : demux_(mid_id(spec)) {
  for (const VideoSectionSpec& each : spec.video_sections) {
    if (sections_.full()) return;
    const auto index = static_cast<std::uint8_t>(sections_.size());
    Section& section = sections_.push_back({});
    if (each.is_free()) continue;
    std::vector<PayloadType> received;
    std::vector<const CodecSpec*> own;
    for (const CodecSpec& codec : spec.codecs) {
      const auto& types = each.types;
      const bool is_of_it =
          types.empty() || std::ranges::find(types, codec.payload_type) != types.end();
      if (codec.kind != MediaKind::Video || !is_of_it) continue;
      received.push_back(codec.payload_type);
      own.push_back(&codec);
    }
    // A route leads to the first codec of the leg that reads alike; the section may have another.
    for (const CodecSpec& codec : spec.codecs) {
      if (codec.kind != MediaKind::Video || !sends(each.direction)) continue;
      const auto same = std::ranges::find_if(own, [&](const CodecSpec* other) {
        return other == &codec || other->same_format(codec);
      });
      if (same != own.end()) section.sent.set(codec.send_type(), (*same)->send_type());
    }
    for (const CodecSpec* codec : own) {
      if (sends(each.direction)) section.sent.set(codec->send_type(), codec->send_type());
    }
    section.receives = receives(each.direction);
    // What was checked before (translate_leg) always has room.
    (void)demux_.add({rtp::SectionIndex(index), each.mid, received, each.ssrcs});
  }
}

Result<std::uint8_t, DropReason> VideoSections::section_of(const wire::OpenRtp& packet,
                                                           Instant now) {
  const auto found = demux_.route(packet, now);
  if (!found) return failure(found.error());
  if (!sections_[found->raw()].receives) return failure(DropReason::Paused);
  return found->raw();
}

}  // namespace causeway::engine
