#include "relay/record/packet_order.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace causeway::record {
namespace {

using std::chrono::milliseconds;

/// A step of more than this in sequence numbers is a sender that began anew (RFC 3550 A.1).
constexpr int kMaxDropout = 3000;
/// Timestamps and arrivals that part by more than this are another run (DESIGN.md section 3).
constexpr Duration kMaxParting = std::chrono::seconds(2);
/// A packet that arrives this much before it could have, once its run is in the file.
constexpr Duration kMaxEarly = milliseconds(100);
/// A packet whose place was written longer ago than this is too late; less is trimmed when placed.
constexpr Duration kLateGrace = milliseconds(20);
/// So long a time of nothing but late packets is a sender whose timestamps stood still.
constexpr Duration kStalledClock = milliseconds(200);
constexpr std::size_t kMinStalledPackets = 5;
constexpr std::size_t kMaxLate = 128;
/// A bound, not a tuning: 50 packets a second need 25.
constexpr std::size_t kMaxHeld = 2048;
/// Sound that begins this soon after other sound ends continues it.
constexpr Duration kContinues = milliseconds(80);

}  // namespace

void PacketOrder::restart_numbers(SeqNum seq) {
  if (has_number_) {
    // The step itself is no loss: what is missing is counted anew from here.
    counts_.missing = counts().missing;
    newest_number_ += kMaxDropout + 1;
  }
  first_number_ = newest_number_;
  distinct_ = 1;
  has_number_ = true;
  seen_.restart(seq);
}

PacketOrder::Place PacketOrder::place_of(SeqNum seq) {
  if (!has_number_) {
    restart_numbers(seq);
    return {newest_number_, false, true};
  }
  const int distance = seq.distance_from(seen_.newest());
  if (distance > kMaxDropout || distance < -kMaxDropout) {
    restart_numbers(seq);
    return {newest_number_, false, true};
  }
  if (distance > 0) {
    newest_number_ += distance;
    seen_.advance_to(seq);
    ++distinct_;
    return {newest_number_, false, true};
  }
  const std::int64_t number = newest_number_ + distance;
  if (distance <= -rtp::SeqWindow::kSize || seen_.has(seq)) return {number, true, false};
  seen_.set(seq);
  // One from before the first that was seen was never counted as missing.
  if (number < first_number_) first_number_ = number;
  ++distinct_;
  return {number, false, false};
}

void PacketOrder::note_other(SeqNum seq) { (void)place_of(seq); }

void PacketOrder::push(const Arrived& packet, Instant written) {
  last_arrival_ = packet.arrival;
  const Place place = place_of(packet.seq);
  if (place.is_duplicate) {
    ++counts_.duplicate;
    return;
  }
  ++counts_.received;
  if (place.number <= last_popped_) {
    ++counts_.late;
    return;
  }
  Run& run = run_for(packet, place.is_newest);
  HeldPacket held;
  held.codec_slot = packet.codec_slot;
  held.run = run.id;
  held.arrival = packet.arrival;
  held.ticks = run.last_ticks + packet.timestamp.distance_from(run.last_timestamp);
  held.payload.assign(packet.payload.begin(), packet.payload.end());
  if (place.is_newest) {
    run.last_ticks = held.ticks;
    run.last_timestamp = packet.timestamp;
    run.last_arrival = packet.arrival;
  }
  run.clock.add(held.ticks, packet.arrival);
  if (run.is_written && run.clock.at(held.ticks) + kLateGrace < written) {
    hold_late(place.number, std::move(held), packet.timestamp);
    return;
  }
  give_up_late();
  held_.emplace(place.number, std::move(held));
  if (held_.size() > kMaxHeld) {
    last_popped_ = held_.begin()->first;
    held_.erase(held_.begin());
    ++counts_.late;
  }
}

PacketOrder::Run& PacketOrder::run_for(const Arrived& packet, bool is_newest) {
  if (runs_.empty()) return begin_run(packet);
  Run& run = runs_.back();
  if (run.clock.rate() != packet.clock) return begin_run(packet);
  if (!is_newest) return run;
  const std::int32_t step = packet.timestamp.distance_from(run.last_timestamp);
  const Duration parting =
      (packet.arrival - run.last_arrival) - ticks_to_duration(step, packet.clock);
  if (parting > kMaxParting || parting < -kMaxParting) return begin_run(packet);
  const Instant expected = run.clock.at(run.last_ticks + step);
  if (run.is_written && expected - packet.arrival > kMaxEarly) return begin_run(packet);
  return run;
}

PacketOrder::Run& PacketOrder::begin_run(const Arrived& packet) {
  forget_old_runs();
  Run run{next_run_++, ArrivalClock(packet.clock), packet.timestamp, 0, packet.arrival, false};
  runs_.push_back(std::move(run));
  return runs_.back();
}

const PacketOrder::Run* PacketOrder::find_run(std::uint64_t id) const {
  const auto found =
      std::find_if(runs_.begin(), runs_.end(), [id](const Run& run) { return run.id == id; });
  return found == runs_.end() ? nullptr : &*found;
}

void PacketOrder::forget_old_runs() {
  std::erase_if(runs_, [this](const Run& run) {
    return std::none_of(held_.begin(), held_.end(),
                        [&run](const auto& held) { return held.second.run == run.id; });
  });
}

void PacketOrder::hold_late(std::int64_t number, HeldPacket packet, RtpTimestamp timestamp) {
  late_.push_back({number, timestamp, std::move(packet)});
  const Duration span = late_.back().packet.arrival - late_.front().packet.arrival;
  if (late_.size() >= kMinStalledPackets && span >= kStalledClock) {
    begin_again_with_late();
  } else if (late_.size() > kMaxLate) {
    give_up_late();
  }
}

/// Every packet for some time came too late, so it is not the packets: the sender's timestamps
/// stood still for a while. Their own arrivals say where they belong.
void PacketOrder::begin_again_with_late() {
  Arrived first;
  first.timestamp = late_.front().timestamp;
  first.clock = runs_.back().clock.rate();
  first.arrival = late_.front().packet.arrival;
  Run& run = begin_run(first);
  for (LatePacket& late : late_) {
    HeldPacket& packet = late.packet;
    packet.run = run.id;
    packet.ticks = run.last_ticks + late.timestamp.distance_from(run.last_timestamp);
    run.last_ticks = packet.ticks;
    run.last_timestamp = late.timestamp;
    run.last_arrival = packet.arrival;
    run.clock.add(packet.ticks, packet.arrival);
    held_.emplace(late.number, std::move(packet));
  }
  late_.clear();
}

void PacketOrder::give_up_late() {
  counts_.late += late_.size();
  late_.clear();
}

std::optional<PacketOrder::Due> PacketOrder::pop(Instant until, std::optional<Instant> sound_end) {
  if (held_.empty()) return std::nullopt;
  const auto front = held_.begin();
  const Run* const run = find_run(front->second.run);
  const Instant at = run->clock.at(front->second.ticks);
  // Sound that continues other sound is placed at that one's end, which may be a little earlier.
  const bool continues = sound_end && at >= *sound_end && at - *sound_end < kContinues;
  if (at >= until && !(continues && *sound_end < until)) return std::nullopt;
  Due due{std::move(front->second), at};
  last_popped_ = front->first;
  held_.erase(front);
  const auto written =
      std::find_if(runs_.begin(), runs_.end(), [&](const Run& one) { return one.id == run->id; });
  written->is_written = true;
  return due;
}

StreamCounts PacketOrder::counts() const {
  StreamCounts counts = counts_;
  counts.late += late_.size();
  if (has_number_) {
    const auto expected = static_cast<std::uint64_t>(newest_number_ - first_number_ + 1);
    counts.missing += expected - std::min(expected, distinct_);
  }
  return counts;
}

}  // namespace causeway::record
