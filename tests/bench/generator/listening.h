#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/generator/speech.h"

namespace causeway::bench {

/// What one leg received, to be listened to.
struct Arrivals {
  std::vector<std::int64_t> at_ns;
  Frames payloads;
};

/// When each frame of what was spoken was sent, and which frame of the speech it was.
struct Spoken {
  std::vector<std::int64_t> sent_ns;
  std::size_t first_frame = 0;
};

/// Whether what arrived is what was spoken.
struct Verdict {
  std::size_t windows = 0;  ///< Seconds of speech that were looked at.
  double median_correlation = 0;
  double worst_correlation = 0;
  /// From a sample's place in the speech that was sent to its place in what arrived: what the
  /// codecs look ahead, what the relay holds back, and the way. The endpoint's own jitter buffer
  /// and the 20 ms of the packet itself are not part of it.
  double delay_ms = 0;
  /// Of a payload, on average: what the other side's encoder was really set to.
  double octets = 0;
  /// Opus: bandwidth and channels of the packet in the middle ("NB mono"); empty for others.
  std::string opus;
};

/// Looks for each second of what arrived in what was spoken, up to 150 ms before the instant at
/// which it arrived, by normalised cross-correlation at 8 kHz.
[[nodiscard]] Verdict listen(const Speech& speech, Payload payload, const Arrivals& arrivals,
                             const Spoken& spoken);

}  // namespace causeway::bench
