#include "relay/engine/timer_heap.h"

namespace causeway::engine {

TimerHeap::TimerHeap(std::size_t slots) : where_(slots, kAbsent) { heap_.reserve(slots); }

void TimerHeap::set(std::uint32_t slot, std::optional<Instant> at) {
  const std::uint32_t position = where_[slot];
  if (!at) {
    if (position == kAbsent) return;
    where_[slot] = kAbsent;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (position == heap_.size()) return;
    place(position, last);
    sift_up(position);
    sift_down(where_[last.slot]);
  } else if (position == kAbsent) {
    heap_.push_back({*at, slot});
    where_[slot] = static_cast<std::uint32_t>(heap_.size() - 1);
    sift_up(heap_.size() - 1);
  } else if (heap_[position].at != *at) {
    heap_[position].at = *at;
    sift_up(position);
    sift_down(where_[slot]);
  }
}

std::optional<Instant> TimerHeap::at(std::uint32_t slot) const {
  if (where_[slot] == kAbsent) return std::nullopt;
  return heap_[where_[slot]].at;
}

std::optional<Instant> TimerHeap::next() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().at;
}

std::optional<std::uint32_t> TimerHeap::due(Instant now) const {
  if (heap_.empty() || heap_.front().at > now) return std::nullopt;
  return heap_.front().slot;
}

void TimerHeap::place(std::size_t position, Entry entry) {
  heap_[position] = entry;
  where_[entry.slot] = static_cast<std::uint32_t>(position);
}

void TimerHeap::sift_up(std::size_t position) {
  const Entry moving = heap_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (heap_[parent].at <= moving.at) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, moving);
}

void TimerHeap::sift_down(std::size_t position) {
  const Entry moving = heap_[position];
  while (true) {
    std::size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].at < heap_[child].at) ++child;
    if (heap_[child].at >= moving.at) break;
    place(position, heap_[child]);
    position = child;
  }
  place(position, moving);
}

}  // namespace causeway::engine
