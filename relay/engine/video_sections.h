#pragma once

#include <cstdint>
#include <optional>

#include "relay/base/payload_type_map.h"
#include "relay/base/result.h"
#include "relay/base/static_vector.h"
#include "relay/engine/spec.h"
#include "relay/rtp/bundle_demux.h"
#include "relay/wire/rtcp.h"
#include "relay/wire/rtp.h"

namespace causeway::engine {

/// The sections m=video of a leg whose endpoint bundles (adr/0025): which one a packet is of, and
/// what may flow in it. Made off the worker; nothing allocates after that. Belongs to one thread.
class VideoSections {
 public:
  /// REQUIRES: spec.video_sections is not empty.
  explicit VideoSections(const LegSpec& spec);

  /// The number of the section of an authentic packet of video. Errors: NoPath, UnknownPayloadType
  /// (see rtp::BundleDemux), Paused (the section receives nothing).
  [[nodiscard]] Result<std::uint8_t, DropReason> section_of(const wire::OpenRtp& packet,
                                                            Instant now);
  /// What packets of this type, one of the leg's, are sent as in a section; nothing where it does
  /// not take them, or is none.
  [[nodiscard]] std::optional<PayloadType> type_in(std::uint8_t section, PayloadType type) const {
    if (section >= sections_.size()) return std::nullopt;
    return sections_[section].sent[type];
  }
  [[nodiscard]] bool sends_anything(std::uint8_t section) const {
    return section < sections_.size() &&
           sections_[section].sent.any_of([](const auto& type) { return type.has_value(); });
  }
  /// What an authentic compound says of MIDs (RFC 8843 15).
  void learn(const wire::RtcpCompound& compound, Instant now) { demux_.learn(compound, now); }
  /// Goes on with what was learned by those of an earlier description.
  void take_over(const VideoSections& before) { demux_.take_over(before.demux_); }

  /// What was learned, for a snapshot, and back.
  [[nodiscard]] const rtp::BundleDemux& demux() const { return demux_; }
  void restore(Ssrc ssrc, std::uint8_t section, Instant now) {
    demux_.bind(ssrc, rtp::SectionIndex(section), now);
  }

 private:
  struct Section {
    bool receives = false;
    PayloadTypeMap<std::optional<PayloadType>> sent;  // by send_type()
  };
  rtp::BundleDemux demux_;
  StaticVector<Section, VideoSectionSpec::kMost> sections_;
};

}  // namespace causeway::engine
