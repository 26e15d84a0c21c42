#include "relay/media/event_writer.h"

#include <algorithm>
#include <array>

#include "relay/base/check.h"
#include "relay/wire/telephone_event.h"

namespace causeway::media {
namespace {

constexpr int kRepeats = 2;  // After the first, three in all.

}  // namespace

void EventWriter::begin(RtpTimestamp start, std::uint8_t event, std::uint8_t volume) {
  CAUSEWAY_CHECK(!is_active_, "one event at a time");
  is_active_ = is_first_ = true;
  event_ = event;
  volume_ = volume;
  segment_ = start;
  before_ = 0;
  duration_ = 0;
  repeats_ = 0;
}

void EventWriter::update(const Sending& sending, std::int64_t ticks) {
  CAUSEWAY_CHECK(is_active_, "no event to go on with");
  close_full_segments(sending, ticks);
  send(sending, static_cast<std::uint16_t>(std::max<std::int64_t>(duration_, ticks - before_)),
       false);
}

void EventWriter::end(const Sending& sending, std::int64_t ticks) {
  CAUSEWAY_CHECK(is_active_, "no event to end");
  close_full_segments(sending, ticks);
  send(sending, static_cast<std::uint16_t>(std::max<std::int64_t>(duration_, ticks - before_)),
       true);
  is_active_ = false;
  repeats_ = kRepeats;
  repeat_at_ = sending.now + config_.repeat_interval;
}

void EventWriter::close_full_segments(const Sending& sending, std::int64_t ticks) {
  constexpr std::int64_t kFull = wire::TelephoneEvent::kMaxDuration;
  while (ticks - before_ > kFull) {
    send(sending, wire::TelephoneEvent::kMaxDuration, false);
    segment_ = segment_.plus(kFull);
    before_ += kFull;
    duration_ = 0;
  }
}

void EventWriter::flush(const Sending& sending) {
  for (; repeats_ > 0; --repeats_) send(sending, duration_, true);
}

void EventWriter::handle_timeout(const Sending& sending) {
  for (; repeats_ > 0 && repeat_at_ <= sending.now; repeat_at_ += config_.repeat_interval) {
    send(sending, duration_, true);
    --repeats_;
  }
}

std::optional<Instant> EventWriter::next_timeout() const {
  return repeats_ > 0 ? std::optional(repeat_at_) : std::nullopt;
}

void EventWriter::send(const Sending& sending, std::uint16_t duration, bool is_end) {
  duration_ = duration;
  std::array<std::byte, wire::TelephoneEvent::kOctets> payload;
  wire::TelephoneEvent{event_, is_end, volume_, duration}.write(payload);
  send_at(sending, {config_.payload_type, is_first_, payload}, segment_);
  is_first_ = false;
}

void EventWriter::take_over(const EventWriter& old) {
  const Config config = config_;
  const bool fits = old.config_.clock == config.clock;
  if (fits) *this = old;
  config_ = config;
}

}  // namespace causeway::media
