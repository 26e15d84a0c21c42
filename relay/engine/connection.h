#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "relay/base/static_vector.h"
#include "relay/media/path.h"
#include "relay/rtp/rtcp_translator.h"

namespace causeway::engine {

class Leg;

/// The streams of one connection as the RTCP translator sees them.
using ForwardedStreams = StaticVector<rtp::ForwardedStream, 1 + media::OutputStreams::kMaxOthers>;

/// One direction between two legs of a session, by their numbers, and the path that does the work.
struct Connection {
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  std::unique_ptr<media::Path> path;
  /// What RTCP has said about the forwarded streams: audio, then OutputStreams::others().
  std::array<rtp::ForwardedReports, 1 + media::OutputStreams::kMaxOthers> reports{};
};

}  // namespace causeway::engine
