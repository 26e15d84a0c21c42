#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "relay/base/check.h"

namespace causeway {

/// A bounded queue from one thread to one other thread; neither ever waits. One thread calls
/// try_push, one thread calls try_pop; the ring outlives both.
///
/// Each side keeps a copy of the other's index and reads the shared one only when the copy says
/// full or empty, and the two sides' fields stand on lines of their own: a push or a pop normally
/// touches no cache line that the other core writes.
template <typename T>
class SpscRing {
 public:
  /// `capacity` is rounded up to a power of two.
  explicit SpscRing(std::size_t capacity)
      : mask_(std::bit_ceil(capacity) - 1), slots_(std::make_unique<T[]>(mask_ + 1)) {}

  /// Moves from `value` and returns true, or leaves it alone and returns false when full.
  [[nodiscard]] bool try_push(T& value) {
    const std::size_t tail = producer_.index.load(std::memory_order_relaxed);
    if (tail - producer_.other > mask_) {
      producer_.other = consumer_.index.load(std::memory_order_acquire);
      if (tail - producer_.other > mask_) return false;
    }
    slots_[tail & mask_] = std::move(value);
    producer_.index.store(tail + 1, std::memory_order_release);
    return true;
  }
  [[nodiscard]] bool try_push(T&& value) { return try_push(value); }

  /// The oldest element, or nothing. The slot is left moved-from.
  [[nodiscard]] std::optional<T> try_pop() {
    const std::size_t head = consumer_.index.load(std::memory_order_relaxed);
    if (head == consumer_.other) {
      consumer_.other = producer_.index.load(std::memory_order_acquire);
      if (head == consumer_.other) return std::nullopt;
    }
    std::optional<T> value(std::move(slots_[head & mask_]));
    consumer_.index.store(head + 1, std::memory_order_release);
    return value;
  }

  [[nodiscard]] std::size_t capacity() const { return mask_ + 1; }
  /// Free places as the producer sees them; there may be more. Call from the producer only.
  [[nodiscard]] std::size_t free_for_producer() {
    producer_.other = consumer_.index.load(std::memory_order_acquire);
    return mask_ + 1 - (producer_.index.load(std::memory_order_relaxed) - producer_.other);
  }

 private:
  struct alignas(64) Side {
    std::atomic<std::size_t> index{0};
    std::size_t other = 0;  // this side's copy of the other side's index
  };
  const std::size_t mask_;
  const std::unique_ptr<T[]> slots_;
  Side producer_;
  Side consumer_;
};

}  // namespace causeway
