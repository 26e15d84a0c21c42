#include "relay/media/telephone_events.h"

#include <algorithm>

namespace causeway::media {
namespace {

// A stream that was silent for longer has to be told how much time has passed.
constexpr Duration kIdle = std::chrono::milliseconds(100);

HeardEvent heard(const TrackedEvent& event) {
  return {event.event, event.volume, ticks_to_duration(event.ticks, event.clock)};
}

}  // namespace

Result<TelephoneEventReceiver::Heard, DropReason> TelephoneEventReceiver::handle_packet(
    Instant now, const wire::OpenRtp& packet, RtpClockRate clock) {
  const auto event = wire::TelephoneEvent::parse(packet.payload());
  if (!event) return failure(event.error());
  const auto step =
      tracker_.handle(now, {packet.ssrc(), packet.timestamp(), clock, packet.has_marker(), *event});
  Heard result;
  if (step.unfinished) result.events[0] = heard(*step.unfinished);
  if (step.has_ended) result.events[1] = heard(step.event);
  return result;
}

std::optional<HeardEvent> TelephoneEventReceiver::handle_timeout(Instant now) {
  const auto event = tracker_.handle_timeout(now);
  return event ? std::optional(heard(*event)) : std::nullopt;
}

TelephoneEventSender::TelephoneEventSender(PayloadType payload_type, RtpClockRate clock,
                                           Duration interval)
    : writer_({payload_type, clock, interval}), interval_(interval) {}

bool TelephoneEventSender::enqueue(Instant now, const Digit& digit) {
  if (count_ == kMaxDigits) return false;
  digits_[(first_ + count_) % kMaxDigits] = digit;
  ++count_;
  if (state_ == State::Idle) {
    state_ = State::Waiting;
    due_ = now;
  }
  return true;
}

void TelephoneEventSender::cancel(Instant now) {
  if (state_ == State::Idle) return;
  if (state_ == State::Waiting) {
    count_ = 0;
    state_ = State::Idle;
    return;
  }
  count_ = 1;
  Digit& digit = digits_[first_];
  if (state_ == State::Playing) {
    const Duration so_far = std::max(now - began_, interval_);
    digit.duration = std::chrono::ceil<DigitTime>(std::min<Duration>(digit.duration, so_far));
    due_ = now;
  }
}

void TelephoneEventSender::handle_timeout(Instant now, Emit& out) {
  TranscoderCounters uncounted;
  const Sending sending{now, out, uncounted};
  // More than once where the worker is late. A digit lasts, so that this comes to an end.
  while (state_ != State::Idle && due_ <= now) step(sending);
  writer_.handle_timeout(sending);
}

void TelephoneEventSender::step(const Sending& sending) {
  switch (state_) {
    case State::Waiting:
      return begin(sending);
    case State::Playing:
      return play(sending);
    case State::Pausing:
      return pause_over(sending);
    case State::Idle:
      return;
  }
}

std::optional<Instant> TelephoneEventSender::next_timeout() const {
  const auto repeat = writer_.next_timeout();
  if (state_ == State::Idle) return repeat;
  return repeat ? std::min(due_, *repeat) : due_;
}

void TelephoneEventSender::begin(const Sending& sending) {
  writer_.flush(sending);
  rtp::OutputStream& stream = sending.out.stream;
  const RtpClockRate clock = writer_.config().clock;
  const bool is_idle = !stream.has_sent() || sending.now - stream.last_sent() > kIdle;
  if (is_idle || stream.clock_rate() != clock) stream.resume(sending.now, clock);
  RtpTimestamp start = stream.next_timestamp();
  if (has_sent_ && start.distance_from(writer_.end_timestamp()) < 0) {
    // No audio moves the stream's timeline along: this event begins as much later as time went by.
    start = start_.plus(duration_to_ticks(sending.now - began_, clock));
  }
  start_ = start;
  began_ = sending.now;
  has_sent_ = true;
  state_ = State::Playing;
  const Duration length = current().duration;
  writer_.begin(start_, current().event, current().volume);
  writer_.update(sending, duration_to_ticks(std::min(interval_, length), clock));
  due_ = began_ + std::min(interval_, length);
}

void TelephoneEventSender::play(const Sending& sending) {
  const Duration elapsed = sending.now - began_;
  const Duration length = current().duration;
  const RtpClockRate clock = writer_.config().clock;
  if (elapsed < length) {
    // A packet covers the time until the next one.
    writer_.update(sending, duration_to_ticks(std::min(elapsed + interval_, length), clock));
    due_ = std::min(sending.now + interval_, began_ + length);
    return;
  }
  writer_.end(sending, duration_to_ticks(length, clock));
  state_ = State::Pausing;
  due_ = std::max(sending.now, began_ + length + current().gap);
}

void TelephoneEventSender::pause_over(const Sending& sending) {
  first_ = (first_ + 1) % kMaxDigits;
  --count_;
  if (count_ > 0) return begin(sending);
  writer_.flush(sending);
  state_ = State::Idle;
  // Sound that follows must not begin before the event's end.
  rtp::OutputStream& stream = sending.out.stream;
  const std::int32_t behind = writer_.end_timestamp().distance_from(stream.next_timestamp());
  if (behind > 0) stream.skip(static_cast<std::uint32_t>(behind));
}

}  // namespace causeway::media
