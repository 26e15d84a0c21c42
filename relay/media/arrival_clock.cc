#include "relay/media/arrival_clock.h"

namespace causeway::media {
namespace {

constexpr Duration kPeriod = std::chrono::seconds(2);
// The allowance halves in about 90 packets, 1.8 s at 20 ms.
constexpr int kDecay = 128;

}  // namespace

void ArrivalClock::restart(RtpTimestamp timestamp, Instant arrival, RtpClockRate clock) {
  *this = ArrivalClock{};
  clock_ = clock;
  timestamp_ = timestamp;
  at_ = arrival;
  period_end_ = arrival + kPeriod;
}

void ArrivalClock::observe(RtpTimestamp timestamp, Instant arrival) {
  at_ += ticks_to_duration(timestamp.distance_from(timestamp_), clock_);
  timestamp_ = timestamp;
  const Duration delay = arrival - at_;
  if (arrival >= period_end_) {
    least_before_ = least_;
    least_ = delay;
    period_end_ = arrival + kPeriod;
  }
  least_ = std::min(least_, delay);
  const Duration above = std::clamp(delay - least(), Duration(0), kMostAllowance);
  jitter_ = std::max(above, jitter_ - jitter_ / kDecay);
}

}  // namespace causeway::media
