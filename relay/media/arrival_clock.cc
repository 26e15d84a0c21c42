#include "relay/media/arrival_clock.h"

namespace causeway::media {
namespace {

constexpr Duration kPeriod = std::chrono::seconds(2);

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
    most_before_ = most_;
    least_ = most_ = delay;
    least_allowance_ = kLeastAllowance;
    period_end_ = arrival + kPeriod;
  }
  least_ = std::min(least_, delay);
  most_ = std::max(most_, delay);
}

}  // namespace causeway::media
