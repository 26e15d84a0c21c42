#include "relay/rtp/sender.h"

#include <algorithm>

#include "relay/rtp/ntp.h"

namespace causeway::rtp {

namespace {

/// Extrapolating a timeline further than this says nothing; keeps ticks in range.
constexpr Duration kLongestPause = std::chrono::hours(24);

std::int64_t ticks_between(Instant from, Instant to, RtpClockRate clock_rate) {
  return duration_to_ticks(std::clamp(to - from, -kLongestPause, kLongestPause), clock_rate);
}

/// From 1/65536 s.
Duration from_compact(std::uint32_t span) {
  return Duration(static_cast<std::int64_t>(std::uint64_t{span} * 1'000'000'000 >> 16));
}

}  // namespace

void SentReports::on_sent(NtpTime ntp, Instant at) {
  sent_[next_] = Sent{wire::compact_ntp(ntp), at};
  next_ = static_cast<std::uint8_t>((next_ + 1U) % sent_.size());
  count_ = static_cast<std::uint8_t>(std::min<std::size_t>(count_ + 1U, sent_.size()));
}

std::optional<Instant> SentReports::sent_at(std::uint32_t last_sr) const {
  if (last_sr == 0) return std::nullopt;
  for (std::size_t i = 0; i < count_; ++i) {
    if (sent_[i].compact == last_sr) return sent_[i].at;
  }
  return std::nullopt;
}

std::optional<Duration> SentReports::round_trip(const wire::ReportBlock& block, Instant now) const {
  const auto sent = sent_at(block.last_sr);
  if (!sent) return std::nullopt;
  const Duration round_trip = now - *sent - from_compact(block.delay_since_last_sr);
  if (round_trip < -std::chrono::seconds(1)) return std::nullopt;
  return std::max(round_trip, Duration(0));
}

void RoundTrips::add(Duration measured) {
  least = count == 0 ? measured : std::min(least, measured);
  greatest = std::max(greatest, measured);
  last = measured;
  sum += measured;
  ++count;
}

FarReport make_far_report(const wire::ReportBlock& block, Instant now, const SentReports& sent,
                          const std::optional<FarReport>& before) {
  FarReport far{now,
                block.fraction_lost,
                block.cumulative_lost,
                block.extended_highest_seq,
                block.jitter,
                before ? before->round_trips : RoundTrips()};
  if (const auto measured = sent.round_trip(block, now)) far.round_trips.add(*measured);
  return far;
}

void Sender::renew(Ssrc ssrc) {
  if (ssrc == ssrc_) return;
  ssrc_ = ssrc;
  packets_ = octets_ = 0;
  reports_ = SentReports();
  far_.reset();
}

void Sender::on_sent(RtpTimestamp timestamp, Instant at, RtpClockRate clock_rate,
                     std::size_t payload_octets) {
  if (clock_rate != clock_rate_) timeline_.reset();  // its timestamp was of the other clock
  if (packets_ == 0 || timestamp != last_timestamp_) last_timestamp_at_ = at;
  clock_rate_ = clock_rate;
  last_timestamp_ = timestamp;
  last_sent_ = at;
  ++packets_;
  octets_ += payload_octets;
}

void Sender::set_timeline(NtpTime ntp, RtpTimestamp timestamp, Instant at) {
  timeline_ = Anchor{at, ntp, timestamp};
}

bool Sender::is_active(Instant now, Duration interval) const {
  return has_sent() && now - last_sent_ < 2 * interval;
}

wire::SenderInfo Sender::make_report(Instant now) {
  const Anchor anchor = timeline_.value_or(
      Anchor{last_timestamp_at_, wall_clock_.ntp(last_timestamp_at_), last_timestamp_});
  wire::SenderInfo info;
  info.ssrc = ssrc_;
  info.ntp = ntp_plus(anchor.ntp, now - anchor.at);
  info.rtp_timestamp = anchor.timestamp.plus(ticks_between(anchor.at, now, clock_rate_));
  info.packets = static_cast<std::uint32_t>(packets_);
  info.octets = static_cast<std::uint32_t>(octets_);
  reports_.on_sent(info.ntp, now);
  return info;
}

void Sender::on_report_block(const wire::ReportBlock& block, Instant now) {
  far_ = make_far_report(block, now, reports_, far_);
}

}  // namespace causeway::rtp
