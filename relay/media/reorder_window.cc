#include "relay/media/reorder_window.h"

#include <algorithm>

#include "relay/base/check.h"

namespace causeway::media {
namespace {

constexpr int kMemory = 64;
constexpr Duration kStep = std::chrono::milliseconds(5);
constexpr Duration kShrink = std::chrono::milliseconds(10);
constexpr Duration kPeriod = std::chrono::seconds(10);

Duration rounded_up(Duration wait) { return (wait + kStep - Duration(1)) / kStep * kStep; }

}  // namespace

void ReorderWindow::restart(SeqNum next) {
  next_ = next;
  // Nothing before the first packet was had; a packet from there is Late.
  had_ = 0;
  given_up_at_.fill(Instant::min());
  release_packets();
}

ReorderWindow::Place ReorderWindow::place_of(SeqNum seq) const {
  const int ahead = seq.distance_from(next_);
  if (ahead == 0) return Place::Next;
  if (ahead > 0) return holds(seq) ? Place::Duplicate : Place::Ahead;
  if (-ahead > kMemory) return Place::Late;
  return ((had_ >> (-ahead - 1)) & 1U) != 0 ? Place::Duplicate : Place::Late;
}

int ReorderWindow::take(SeqNum seq, Instant now) {
  const int missing = seq.distance_from(next_);
  CAUSEWAY_CHECK(missing >= 0, "a packet is taken in once, and in order");
  for (int i = 0; i < std::min(missing, kMemory); ++i) {
    given_up_at_[seq.plus(-1 - i).raw() % kMemory] = now;
  }
  had_ = missing + 1 < kMemory ? had_ << (missing + 1) : 0;
  had_ |= 1U;
  next_ = seq.plus(1);
  return missing;
}

void ReorderWindow::take_late(SeqNum seq, Instant now, Duration most) {
  const int behind = next_.distance_from(seq);
  if (behind < 1 || behind > kMemory) return;
  had_ |= std::uint64_t{1} << (behind - 1);
  const Instant given_up = given_up_at_[seq.raw() % kMemory];
  if (given_up != Instant::min()) widen(now - given_up, most);
}

void ReorderWindow::widen(Duration lateness, Duration most) {
  const Duration needed = rounded_up(length_ + lateness);
  // A window that would not have saved this packet only costs delay.
  if (needed <= most) {
    length_ = std::max(length_, needed);
    needed_ = std::max(needed_, needed);
  }
}

void ReorderWindow::relax(Instant now) {
  if (length_ == Duration(0)) {
    period_end_.reset();
    return;
  }
  if (!period_end_) {
    period_end_ = now + kPeriod;
    return;
  }
  if (now < *period_end_) return;
  length_ = std::max(length_ - kShrink, std::min(length_, rounded_up(needed_)));
  needed_ = Duration(0);
  period_end_ = now + kPeriod;
}

bool ReorderWindow::hold(wire::OpenRtp& packet, Instant now) {
  const SeqNum seq = packet.seq();
  if (length_ == Duration(0) || seq.distance_from(next_) >= kRoom || slot(seq).is_used) {
    return false;
  }
  slot(seq) = Held{std::move(packet), now, true};
  ++held_;
  return true;
}

bool ReorderWindow::holds(SeqNum seq) const {
  const int ahead = seq.distance_from(next_);
  return held_ > 0 && ahead >= 0 && ahead < kRoom && slot(seq).is_used;
}

std::optional<wire::OpenRtp> ReorderWindow::pop_next(Instant now) {
  if (held_ == 0 || !slot(next_).is_used) return std::nullopt;
  // It waited for the one before it, which came: the window was worth that.
  needed_ = std::max(needed_, std::min(length_, now - slot(next_).since));
  return pop(next_);
}

std::optional<wire::OpenRtp> ReorderWindow::pop_first() {
  for (int i = 0; held_ > 0 && i < kRoom; ++i) {
    if (slot(next_.plus(i)).is_used) return pop(next_.plus(i));
  }
  return std::nullopt;
}

wire::OpenRtp ReorderWindow::pop(SeqNum seq) {
  Held& held = slot(seq);
  held.is_used = false;
  --held_;
  return std::move(held.packet);
}

void ReorderWindow::release_packets() {
  if (held_ > 0) slots_ = {};
  held_ = 0;
}

std::optional<Instant> ReorderWindow::give_up_at() const {
  if (held_ == 0) return std::nullopt;
  Instant earliest = Instant::max();
  for (const Held& held : slots_) {
    if (held.is_used) earliest = std::min(earliest, held.since);
  }
  return earliest + length_;
}

}  // namespace causeway::media
