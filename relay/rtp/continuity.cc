#include "relay/rtp/continuity.h"

#include <algorithm>
#include <cstdlib>

#include "relay/base/check.h"

namespace causeway::rtp {

namespace {

/// No packet lasts longer (RFC 7587 4.2), so a larger step between neighbours is silence.
constexpr Duration kLongestPacket = std::chrono::milliseconds(120);
/// A pause in one call beyond which its exact length no longer matters; keeps ticks in range.
constexpr Duration kLongestPause = std::chrono::hours(24);

Duration span_of(std::int64_t ticks, RtpClockRate rate) {
  return rate.raw() == 0 ? Duration(0) : ticks_to_duration(ticks, rate);
}

Duration magnitude(Duration span) { return span < Duration(0) ? -span : span; }

}  // namespace

OutputStream::OutputStream(Ssrc ssrc, SeqNum first, RtpTimestamp first_timestamp,
                           RtpClockRate clock_rate)
    : ssrc_(ssrc), clock_rate_(clock_rate), next_timestamp_(first_timestamp) {
  used_.restart(first.plus(-1));
}

Result<Placed, DropReason> OutputStream::map(const InputPacket& in) {
  if (is_straggler(in)) return refuse(in, DropReason::Late);
  if (!is_mapping_ || in.ssrc != source_.ssrc || in.clock_rate != clock_rate_) {
    return begin_mapping(in);
  }
  const int steps = in.seq.distance_from(source_.seq);
  if (std::abs(steps) > kMaxDropout || has_jumped(in)) return begin_mapping(in);
  return steps > 0 ? Result<Placed, DropReason>(advance(in, steps)) : place_behind(in, -steps);
}

bool OutputStream::is_straggler(const InputPacket& in) const {
  return is_mapping_ && in.ssrc != source_.ssrc && left_ssrc_ == in.ssrc &&
         in.arrival - left_at_ < kStragglerGuard;
}

bool OutputStream::has_jumped(const InputPacket& in) const {
  const Duration step = span_of(in.timestamp.distance_from(source_.timestamp), in.clock_rate);
  // A packet that is behind in both is an old one, not a jump.
  if (in.seq.distance_from(source_.seq) <= 0 && step <= Duration(0)) return false;
  // A burst after a stall has the gap in its arrival times only: no jump either.
  return magnitude(step) > kMaxTimestampJump &&
         magnitude(step - (in.arrival - last_timestamp_at_)) > kMaxTimestampJump;
}

Placed OutputStream::begin_mapping(const InputPacket& in) {
  const bool is_swap = has_sent_ && !is_mapping_ && in.clock_rate == clock_rate_ && ticks_ != 0;
  bool starts_timeline = true;
  if (has_sent_) {
    const bool is_new_clock = in.clock_rate != clock_rate_;
    set_clock_rate(in.clock_rate);
    const RtpTimestamp by_time = timestamp_at(in.arrival);
    const std::int64_t late = by_time.distance_from(next_timestamp_);
    // From packets of our own to forwarded ones of the same talkspurt: where the packet comes about
    // when the next one was due, its own arrival jitter must not become a step of the timeline.
    if (is_swap && magnitude(span_of(late, clock_rate_)) <= kSwapTolerance) {
      starts_timeline = starts_timeline_;
    } else if (is_mapping_ || is_new_clock || late > 0) {
      next_timestamp_ = by_time;
    }
  }
  clock_rate_ = in.clock_rate;
  if (is_mapping_ && in.ssrc != source_.ssrc) {
    left_ssrc_ = source_.ssrc;
    left_at_ = in.arrival;
  }
  is_mapping_ = true;
  age_ = 0;
  const SeqNum seq = take_next_seq();
  seq_offset_ = seq.distance_from(in.seq);
  timestamp_offset_ = next_timestamp_.raw() - in.timestamp.raw();
  source_ = Source{in.ssrc, in.seq, in.timestamp};
  set_last(next_timestamp_, in.arrival);
  next_timestamp_ = last_timestamp_.plus(ticks_);
  starts_timeline_ = false;
  refused_.reset();
  return Placed{ssrc_, seq, last_timestamp_, starts_timeline};
}

Placed OutputStream::advance(const InputPacket& in, int steps) {
  const std::int64_t ticks = in.timestamp.distance_from(source_.timestamp);
  if (steps == 1 && ticks > 0 && span_of(ticks, clock_rate_) <= kLongestPacket) {
    ticks_ = static_cast<std::uint32_t>(ticks);
  }
  const SeqNum seq = in.seq.plus(seq_offset_);
  used_.advance_to(seq);
  age_ = static_cast<std::uint16_t>(std::min(0xffff, age_ + steps));
  source_.seq = in.seq;
  source_.timestamp = in.timestamp;
  set_last(in.timestamp.plus(timestamp_offset_), in.arrival);
  next_timestamp_ = last_timestamp_.plus(ticks_);
  refused_.reset();
  return Placed{ssrc_, seq, last_timestamp_, false};
}

Result<Placed, DropReason> OutputStream::place_behind(const InputPacket& in, int steps) {
  const Duration behind = span_of(source_.timestamp.distance_from(in.timestamp), in.clock_rate);
  if (steps > age_ || steps >= SeqWindow::kSize || behind > kMaxTimestampJump) {
    return refuse(in, DropReason::Late);
  }
  const SeqNum seq = in.seq.plus(seq_offset_);
  if (used_.has(seq)) return refuse(in, DropReason::Duplicate);
  used_.set(seq);
  last_sent_ = std::max(last_sent_, in.arrival);
  refused_.reset();
  return Placed{ssrc_, seq, in.timestamp.plus(timestamp_offset_), false};
}

Result<Placed, DropReason> OutputStream::refuse(const InputPacket& in, DropReason reason) {
  const bool continues = refused_ && refused_->ssrc == in.ssrc && in.seq == refused_->seq.plus(1);
  if (continues && in.arrival - last_sent_ >= kStragglerGuard) return begin_mapping(in);
  refused_ = Source{in.ssrc, in.seq, in.timestamp};
  return failure(reason);
}

Placed OutputStream::append(std::uint32_t duration_ticks, Instant now) {
  const Placed placed = append_at(next_timestamp_, now);
  ticks_ = duration_ticks;
  next_timestamp_ = placed.timestamp.plus(duration_ticks);
  return placed;
}

Placed OutputStream::append_at(RtpTimestamp timestamp, Instant now) {
  leave_mapping();
  const bool is_old = has_sent_ && timestamp.distance_from(last_timestamp_) < 0;
  const Placed placed{ssrc_, take_next_seq(), timestamp, starts_timeline_};
  starts_timeline_ = false;
  set_last(is_old ? last_timestamp_ : timestamp, now);
  return placed;
}

void OutputStream::resume(Instant now, RtpClockRate clock_rate) {
  leave_mapping();
  const bool is_new_clock = clock_rate != clock_rate_;
  set_clock_rate(clock_rate);
  starts_timeline_ = true;
  if (!has_sent_) return;
  const RtpTimestamp by_time = timestamp_at(now);
  // The end of the last packet was reckoned in its own clock's ticks.
  if (is_new_clock || by_time.distance_from(next_timestamp_) > 0) next_timestamp_ = by_time;
}

void OutputStream::renew(Ssrc ssrc, SeqNum first) {
  leave_mapping();
  ssrc_ = ssrc;
  used_.restart(first.plus(-1));
  starts_timeline_ = true;
}

void OutputStream::skip_sequence(int packets) {
  CAUSEWAY_CHECK(packets >= 0 && packets < kMaxDropout, "a takeover skips a few packets only");
  leave_mapping();
  if (packets > 0) used_.advance_to(used_.newest().plus(packets));
}

std::optional<StreamMap> OutputStream::mapping() const {
  if (!is_mapping_) return std::nullopt;
  return StreamMap{source_.ssrc, ssrc_, seq_offset_,   timestamp_offset_,
                   clock_rate_,  age_,  used_.newest()};
}

RtpTimestamp OutputStream::timestamp_at(Instant now) const {
  const Duration elapsed = std::clamp(now - last_timestamp_at_, Duration(0), kLongestPause);
  return last_timestamp_.plus(std::max<std::int64_t>(1, duration_to_ticks(elapsed, clock_rate_)));
}

void OutputStream::set_last(RtpTimestamp timestamp, Instant at) {
  if (!has_sent_ || timestamp != last_timestamp_) last_timestamp_at_ = at;
  last_timestamp_ = timestamp;
  last_sent_ = has_sent_ ? std::max(last_sent_, at) : at;
  has_sent_ = true;
}

void OutputStream::set_clock_rate(RtpClockRate clock_rate) {
  if (clock_rate != clock_rate_) ticks_ = 0;  // they were ticks of the other clock
  clock_rate_ = clock_rate;
}

SeqNum OutputStream::take_next_seq() {
  const SeqNum next = used_.newest().plus(1);
  used_.advance_to(next);
  return next;
}

void OutputStream::leave_mapping() {
  is_mapping_ = false;
  left_ssrc_.reset();
  refused_.reset();
}

}  // namespace causeway::rtp
