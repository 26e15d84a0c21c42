#include "relay/record/arrival_clock.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "relay/record/samples.h"

namespace causeway::record {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
/// Shorter than this, two packets say nothing about crystals.
constexpr std::int64_t kMinSpanNs = 3 * kNsPerSecond;
/// Crystals are specified to 100 ppm or better. Two of them differ by less than this; a steeper
/// line is jitter over a short time.
constexpr std::int64_t kMaxDriftPpb = 300'000;

constexpr std::int64_t scaled(std::int64_t ns, std::int64_t ppb) {
  return ns / 1000 * ppb / 1'000'000;
}

}  // namespace

std::int64_t ArrivalClock::sent_ns(std::int64_t ticks) const {
  return time_of(ticks - first_ticks_, rate_.raw()).count();
}

void ArrivalClock::add(std::int64_t ticks, Instant arrival) {
  if (empty()) {
    first_ticks_ = ticks;
    first_arrival_ = arrival;
  }
  const std::int64_t sent = sent_ns(ticks);
  if (learn(sent, (arrival - first_arrival_).count() - sent)) fit();
}

/// True where the line may have to move.
bool ArrivalClock::learn(std::int64_t sent, std::int64_t delay) {
  const std::int64_t index =
      sent >= 0 ? sent / kNsPerSecond : (sent - kNsPerSecond + 1) / kNsPerSecond;
  const auto same = std::find_if(seconds_.begin(), seconds_.end(),
                                 [index](const Second& second) { return second.index >= index; });
  if (same != seconds_.end() && same->index == index) {
    if (delay >= same->delay_ns) return false;
    *same = {index, sent, delay};
    return true;
  }
  if (same != seconds_.end() && seconds_.full()) return false;  // older than all that is kept
  if (seconds_.full()) {
    std::move(seconds_.begin() + 1, seconds_.end(), seconds_.begin());
    seconds_[kSeconds - 1] = {index, sent, delay};
  } else {
    const auto place = same - seconds_.begin();
    seconds_.push_back({});
    std::move_backward(seconds_.begin() + place, seconds_.end() - 1, seconds_.end());
    *(seconds_.begin() + place) = {index, sent, delay};
  }
  while (index - seconds_[0].index >= static_cast<std::int64_t>(kSeconds)) {
    std::move(seconds_.begin() + 1, seconds_.end(), seconds_.begin());
    seconds_.erase_unordered(seconds_.size() - 1);
  }
  return true;
}

void ArrivalClock::fit() {
  const std::int64_t span = seconds_[seconds_.size() - 1].sent_ns - seconds_[0].sent_ns;
  // Believed as it is, jitter and all: doubting small drifts was measured to cost more than it
  // saves.
  drift_ppb_ = span < kMinSpanNs
                   ? 0
                   : std::clamp(lower_hull_drift_ppb(), -kMaxDriftPpb, std::int64_t{kMaxDriftPpb});
  offset_ns_ = INT64_MAX;
  for (const Second& second : seconds_) {
    offset_ns_ = std::min(offset_ns_, second.delay_ns - scaled(second.sent_ns, drift_ppb_));
  }
}

/// The slope of that edge of the points' lower convex hull that spans the middle of their time: the
/// line under all points whose distances to them add up to the least.
std::int64_t ArrivalClock::lower_hull_drift_ppb() const {
  std::array<Second, kSeconds> hull;
  std::size_t size = 0;
  const auto slope = [](const Second& from, const Second& to) {
    return static_cast<double>(to.delay_ns - from.delay_ns) /
           static_cast<double>(std::max<std::int64_t>(to.sent_ns - from.sent_ns, 1));
  };
  for (const Second& second : seconds_) {
    while (size >= 2 && slope(hull[size - 2], hull[size - 1]) >= slope(hull[size - 2], second)) {
      --size;
    }
    hull[size++] = second;
  }
  const std::int64_t middle = (hull[0].sent_ns + hull[size - 1].sent_ns) / 2;
  std::size_t edge = 0;
  while (edge + 2 < size && hull[edge + 1].sent_ns < middle) ++edge;
  return static_cast<std::int64_t>(slope(hull[edge], hull[edge + 1]) * 1e9);
}

Instant ArrivalClock::at(std::int64_t ticks) const {
  const std::int64_t sent = sent_ns(ticks);
  return first_arrival_ + Duration(sent + offset_ns_ + scaled(sent, drift_ppb_));
}

}  // namespace causeway::record
