#pragma once

#include <algorithm>

#include "relay/base/time.h"
#include "relay/base/types.h"

namespace causeway::media {

/// When a packet of a given RTP timestamp should have come, had the network been at its best: the
/// least delay of the last 2 to 4 s, so that clock drift and a new route are followed. And how much
/// later than that packets really come: the greatest delay of the same time. A sender that speaks
/// in bursts (a file read in blocks of 256 ms) shows it with its first one: the packets that came
/// early in it say how late the first of the next will be. A value; one RTP stream.
///
///     arrival - RTP time
///        |----x---------x------- allowance(): the height of this line above the other
///        |  x    x   x    x
///        |--x---------x-----x--- expected()
class ArrivalClock {
 public:
  /// Before anything is known about the network: patience. Afterwards never less than
  /// kLeastAllowance: schedulers alone make packets come a few milliseconds late.
  static constexpr Duration kFirstAllowance = std::chrono::milliseconds(60);
  static constexpr Duration kLeastAllowance = std::chrono::milliseconds(5);
  /// More than this is no jitter: ffmpeg reads 512 ms at once where a file has 8-bit samples.
  static constexpr Duration kMostAllowance = std::chrono::milliseconds(500);

  /// Forgets everything; `arrival` is that of the first packet.
  void restart(RtpTimestamp timestamp, Instant arrival, RtpClockRate clock);
  /// Takes note of a packet. REQUIRES: restart() was called.
  void observe(RtpTimestamp timestamp, Instant arrival);

  /// The best-case arrival of a packet with this timestamp.
  [[nodiscard]] Instant expected(RtpTimestamp timestamp) const {
    return at_ + least() + ticks_to_duration(timestamp.distance_from(timestamp_), clock_);
  }
  /// How much later than expected() a packet may come without being late.
  [[nodiscard]] Duration allowance() const {
    const Duration spread = std::max(most_, most_before_) - least();
    return std::clamp(spread, least_allowance_, kMostAllowance);
  }
  [[nodiscard]] RtpClockRate clock() const { return clock_; }

 private:
  [[nodiscard]] Duration least() const { return std::min(least_, least_before_); }

  RtpClockRate clock_{8000};
  // A packet of timestamp_ that had taken as long as the first one would have come at at_. Both
  // move with the stream, so that neither wraps.
  RtpTimestamp timestamp_;
  Instant at_{};
  // The least and the greatest delay, relative to at_, of this period and of the one before it.
  Duration least_{};
  Duration least_before_{};
  Duration most_{};
  Duration most_before_{};
  Instant period_end_{};
  Duration least_allowance_ = kFirstAllowance;  // While the first period lasts.
};

}  // namespace causeway::media
