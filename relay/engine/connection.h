#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "relay/base/static_vector.h"
#include "relay/media/path.h"
#include "relay/rtp/kept_streams.h"
#include "relay/rtp/rtcp_translator.h"

namespace causeway::engine {

/// The streams of one connection as the RTCP translator sees them.
using ForwardedStreams = StaticVector<rtp::ForwardedStream, 1 + media::OutputStreams::kMaxOthers>;

/// One direction between two legs of a session, by their numbers, and the path that does the work.
/// Made off the worker, with room for what its path may pass.
struct Connection {
  /// `videos`: how many streams of video are kept, where any passes (PathPlan::videos).
  Connection(std::uint16_t from_leg, std::uint16_t to_leg, std::unique_ptr<media::Path> via,
             std::size_t videos = rtp::KeptStreams::kUsual)
      : from(from_leg), to(to_leg), path(std::move(via)), reports(1) {
    if (path->passes_video()) kept = std::make_unique<rtp::KeptStreams>(videos);
    if (!path->passes_other_media()) return;
    reports.resize(1 + media::OutputStreams::kMaxOthers);
    room = std::make_unique<media::OutputStreams::Others>();
  }

  std::uint16_t from;
  std::uint16_t to;
  std::unique_ptr<media::Path> path;
  /// What RTCP has said about the forwarded streams: audio, then OutputStreams::others() where the
  /// path passes such.
  std::vector<rtp::ForwardedReports> reports;
  /// For the streams of the leg `to`, which takes it if it has none.
  media::OutputStreams::Room room;
  /// Video that was sent to the endpoint of the leg `to`, for when it asks again. Null where none
  /// passes.
  std::unique_ptr<rtp::KeptStreams> kept;
};

}  // namespace causeway::engine
