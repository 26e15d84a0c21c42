#include "relay/rtp/reception.h"

#include <algorithm>
#include <cstdlib>

#include "relay/rtp/ntp.h"

namespace causeway::rtp {

namespace {

/// A longer gap than this between two packets says nothing about jitter; keeps ticks in range.
constexpr Duration kLongestGap = std::chrono::seconds(10);

/// 1/65536 s, held to 32 bits (18 hours).
std::uint32_t compact_duration(Duration span) {
  const std::int64_t ns = std::max<std::int64_t>(0, span.count());
  const std::int64_t seconds = ns / 1'000'000'000;
  if (seconds >= 0x10000) return 0xffffffff;
  return static_cast<std::uint32_t>((seconds << 16) + ((ns % 1'000'000'000) << 16) / 1'000'000'000);
}

}  // namespace

Verdict Reception::on_packet(SeqNum seq, RtpTimestamp timestamp, Instant arrival,
                             RtpClockRate clock_rate, std::size_t octets) {
  const Verdict verdict = count(seq);
  if (verdict == Verdict::Duplicate) ++totals_.duplicates;
  if (verdict == Verdict::Duplicate || verdict == Verdict::Suspect) return verdict;
  if (verdict == Verdict::Reordered) {
    ++totals_.reordered;
  } else {
    const bool goes_on = verdict == Verdict::InOrder && totals_.packets != 0;
    if (goes_on && clock_rate == clock_rate_) update_jitter(timestamp, arrival, clock_rate);
    if (clock_rate != clock_rate_) jitter_ = 0;  // it was in ticks of the other clock
    if (!goes_on || timestamp != last_timestamp_ || clock_rate != clock_rate_) {
      last_timestamp_at_ = arrival;
    }
    last_timestamp_ = timestamp;
    clock_rate_ = clock_rate;
  }
  last_arrival_ = arrival;
  ++totals_.packets;
  totals_.octets += octets;
  ++received_;
  return verdict;
}

Verdict Reception::count(SeqNum seq) {
  if (!has_packets()) {
    begin(seq);
    return Verdict::InOrder;
  }
  const int steps = seq.distance_from(seen_.newest());
  if (steps >= kMaxDropout) return suspect(seq);
  if (steps > 0) {
    highest_ += static_cast<std::uint32_t>(steps);
    seen_.advance_to(seq);
    awaited_.reset();
    return Verdict::InOrder;
  }
  const bool is_in_window = -steps < SeqWindow::kSize;
  if (is_in_window && !seen_.has(seq)) {
    seen_.set(seq);
    return Verdict::Reordered;
  }
  return is_in_window && -steps <= kMaxMisorder ? Verdict::Duplicate : suspect(seq);
}

Verdict Reception::suspect(SeqNum seq) {
  if (awaited_ != seq) {
    awaited_ = seq.plus(1);
    return Verdict::Suspect;
  }
  totals_.lost += cumulative_lost();
  ++totals_.restarts;
  begin(seq);
  return Verdict::Restarted;
}

void Reception::begin(SeqNum seq) {
  seen_.restart(seq);
  highest_ = base_ = seq.raw();
  received_ = expected_before_ = received_before_ = 0;
  awaited_.reset();
}

void Reception::update_jitter(RtpTimestamp timestamp, Instant arrival, RtpClockRate clock_rate) {
  const std::int32_t sent = timestamp.distance_from(last_timestamp_);
  const Duration gap = arrival - last_timestamp_at_;
  if (sent == 0 || gap > kLongestGap || gap < -kLongestGap) return;
  const std::int64_t difference = std::abs(duration_to_ticks(gap, clock_rate) - sent);
  // A timestamp jump is not jitter either.
  if (difference > duration_to_ticks(kLongestGap, clock_rate)) return;
  jitter_ += static_cast<std::uint32_t>(difference) - ((jitter_ + 8) >> 4);
}

void Reception::on_sender_report(const wire::SenderInfo& info, Instant arrival) {
  last_sr_ = ArrivedSenderReport{info, arrival};
}

wire::ReportBlock Reception::take_report(Instant now) {
  const std::int64_t expected_interval = expected() - expected_before_;
  const std::int64_t lost_interval = expected_interval - (received_ - received_before_);
  expected_before_ = expected();
  received_before_ = received_;
  wire::ReportBlock block;
  block.ssrc = ssrc_;
  if (expected_interval > 0 && lost_interval > 0) {
    block.fraction_lost = static_cast<std::uint8_t>(
        std::min<std::int64_t>(255, lost_interval * 256 / expected_interval));
  }
  block.cumulative_lost =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(cumulative_lost(), -0x800000, 0x7fffff));
  block.extended_highest_seq = highest_;
  block.jitter = jitter_ticks();
  if (last_sr_) {
    block.last_sr = wire::compact_ntp(last_sr_->info.ntp);
    block.delay_since_last_sr = compact_duration(now - last_sr_->arrival);
  }
  return block;
}

std::optional<std::int64_t> Reception::lost_up_to(std::uint32_t extended_seq) const {
  if (!has_packets() || extended_seq < base_ || extended_seq > highest_) return std::nullopt;
  const std::uint32_t back = highest_ - extended_seq;
  if (back >= SeqWindow::kSize) return std::nullopt;
  std::int64_t received = received_;
  for (std::uint32_t i = 0; i < back; ++i) {
    received -= seen_.has(seen_.newest().plus(-static_cast<int>(i))) ? 1 : 0;
  }
  return std::int64_t{extended_seq} - base_ + 1 - received;
}

Duration Reception::jitter() const {
  return clock_rate_.raw() == 0 ? Duration(0) : ticks_to_duration(jitter_ticks(), clock_rate_);
}

std::optional<CaptureTime> Reception::capture_of(RtpTimestamp timestamp,
                                                 RtpClockRate clock_rate) const {
  if (!last_sr_ || !has_packets() || clock_rate_.raw() == 0) return std::nullopt;
  if (clock_rate != clock_rate_) return std::nullopt;  // the SR is in ticks of the other
  const std::int32_t ticks = timestamp.distance_from(last_sr_->info.rtp_timestamp);
  const Duration since = ticks_to_duration(ticks, clock_rate_);
  if (since > std::chrono::minutes(1) || since < -std::chrono::minutes(1)) return std::nullopt;
  return CaptureTime{ntp_plus(last_sr_->info.ntp, since), last_sr_->arrival + since};
}

ReceptionTotals Reception::totals() const {
  ReceptionTotals totals = totals_;
  totals.lost += cumulative_lost();
  return totals;
}

}  // namespace causeway::rtp
