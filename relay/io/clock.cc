#include "relay/io/clock.h"

#include <ctime>

namespace causeway::io {

namespace {

Duration read(clockid_t clock) {
  timespec at{};
  ::clock_gettime(clock, &at);
  return std::chrono::seconds(at.tv_sec) + Duration(at.tv_nsec);
}

}  // namespace

Instant now() { return Instant(read(CLOCK_MONOTONIC)); }

WallClock read_wall_clock() {
  // Taken to belong to the middle between two readings of the other.
  const Duration before = read(CLOCK_MONOTONIC);
  const Duration wall = read(CLOCK_REALTIME);
  const Duration after = read(CLOCK_MONOTONIC);
  return WallClock(wall - before - (after - before) / 2);
}

void ArrivalClock::begin_batch() {
  const Instant steady = now();
  begin_batch(steady, read(CLOCK_REALTIME) - steady.time_since_epoch());
}

void ArrivalClock::begin_batch(Instant now, Duration offset) {
  const Duration change = offset - offset_;
  is_trusted_ = !has_offset_ || (change < kStep && change > -kStep);
  has_offset_ = true;
  offset_ = offset;
  now_ = now;
}

Instant ArrivalClock::arrival(Duration unix_time) const {
  const Instant at{unix_time - offset_};
  return is_trusted_ && at <= now_ && now_ - at <= kOldest ? at : now_;
}

}  // namespace causeway::io
