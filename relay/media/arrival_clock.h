#pragma once

#include <algorithm>

#include "relay/base/time.h"
#include "relay/base/types.h"

namespace causeway::media {

/// When a packet of a given RTP timestamp should have come, had the network been at its best: the
/// least delay of the last 2 to 4 s, so that clock drift and a new route are followed. And how much
/// later than that packets really come. A value; one RTP stream.
///
///     arrival - RTP time
///        |    x         x    <- allowance(): their height above the line, held for about 2 s
///        |  x    x   x    x
///        |--x---------x-----x--- expected()
class ArrivalClock {
 public:
  /// Before anything is known about the network: patience. Afterwards never less than
  /// kLeastAllowance: schedulers alone make packets come a few milliseconds late.
  static constexpr Duration kFirstAllowance = std::chrono::milliseconds(60);
  static constexpr Duration kLeastAllowance = std::chrono::milliseconds(5);
  /// More than this is no jitter to wait for: the endpoint has given up before.
  static constexpr Duration kMostAllowance = std::chrono::milliseconds(60);

  /// Forgets everything; `arrival` is that of the first packet.
  void restart(RtpTimestamp timestamp, Instant arrival, RtpClockRate clock);
  /// Takes note of a packet. REQUIRES: restart() was called.
  void observe(RtpTimestamp timestamp, Instant arrival);

  /// The best-case arrival of a packet with this timestamp.
  [[nodiscard]] Instant expected(RtpTimestamp timestamp) const {
    return at_ + least() + ticks_to_duration(timestamp.distance_from(timestamp_), clock_);
  }
  /// How much later than expected() a packet may come without being late.
  [[nodiscard]] Duration allowance() const { return std::max(jitter_, kLeastAllowance); }
  [[nodiscard]] RtpClockRate clock() const { return clock_; }

 private:
  [[nodiscard]] Duration least() const { return std::min(least_, least_before_); }

  RtpClockRate clock_{8000};
  // A packet of timestamp_ that had taken as long as the first one would have come at at_. Both
  // move with the stream, so that neither wraps.
  RtpTimestamp timestamp_;
  Instant at_{};
  // The least delay, relative to at_, of this period and of the one before it.
  Duration least_{};
  Duration least_before_{};
  Instant period_end_{};
  Duration jitter_ = kFirstAllowance;
};

}  // namespace causeway::media
