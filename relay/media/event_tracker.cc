#include "relay/media/event_tracker.h"

#include <algorithm>

namespace causeway::media {
namespace {

// The last update before a segment's end may have been lost: its length is then anything from here
// on. 100 ms, two updates.
constexpr Duration kMissedUpdates = std::chrono::milliseconds(100);
// Packets of events before the present one may come this much later.
constexpr Duration kOld = std::chrono::seconds(10);

}  // namespace

EventTracker::Step EventTracker::handle(Instant now, const Packet& packet) {
  Step step;
  if (is_same_segment(packet)) {
    step.is_news = is_active() && (packet.event.duration > duration_ || packet.event.is_end);
    if (!is_active()) return step;
  } else if (is_next_segment(packet)) {
    before_ += packet.timestamp.distance_from(segment_);
    segment_ = packet.timestamp;
    duration_ = 0;
    step.is_news = true;
  } else if (is_old(packet)) {
    return step;
  } else {
    step.unfinished = finish();
    begin(packet);
    step.is_news = step.has_begun = true;
  }
  duration_ = std::max(duration_, packet.event.duration);
  volume_ = packet.event.volume;
  step.event = current();
  step.has_ended = packet.event.is_end;
  lost_at_.reset();
  if (!packet.event.is_end) lost_at_ = now + kLostEnd;
  return step;
}

bool EventTracker::is_same_segment(const Packet& packet) const {
  return has_seen_ && packet.ssrc == ssrc_ && packet.clock == clock_ &&
         packet.timestamp == segment_ && packet.event.event == event_;
}

bool EventTracker::is_next_segment(const Packet& packet) const {
  if (!is_active() || packet.has_marker || packet.ssrc != ssrc_ || packet.clock != clock_ ||
      packet.event.event != event_) {
    return false;
  }
  const std::int64_t length = packet.timestamp.distance_from(segment_);
  if (length <= 0 || length > wire::TelephoneEvent::kMaxDuration) return false;
  return length == duration_ ||
         (length > duration_ && length - duration_ <= duration_to_ticks(kMissedUpdates, clock_));
}

bool EventTracker::is_old(const Packet& packet) const {
  if (!has_seen_ || packet.ssrc != ssrc_ || packet.clock != clock_) return false;
  const std::int64_t behind = segment_.distance_from(packet.timestamp);
  return behind > 0 && behind < duration_to_ticks(kOld, clock_);
}

void EventTracker::begin(const Packet& packet) {
  has_seen_ = true;
  ssrc_ = packet.ssrc;
  clock_ = packet.clock;
  event_ = packet.event.event;
  start_ = segment_ = packet.timestamp;
  before_ = 0;
  duration_ = 0;
}

std::optional<TrackedEvent> EventTracker::handle_timeout(Instant now) {
  if (!lost_at_ || now < *lost_at_) return std::nullopt;
  return finish();
}

std::optional<TrackedEvent> EventTracker::finish() {
  if (!is_active()) return std::nullopt;
  lost_at_.reset();
  return current();
}

TrackedEvent EventTracker::current() const {
  return {event_, volume_, start_, before_ + duration_, clock_};
}

}  // namespace causeway::media
