#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "relay/base/check.h"

namespace causeway::worker {

/// A first-in, first-out queue whose room is allocated when it is made. Single-threaded.
template <typename T>
class FixedQueue {
 public:
  explicit FixedQueue(std::size_t capacity) : items_(capacity) {}

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool full() const { return size_ == items_.size(); }
  [[nodiscard]] std::size_t size() const { return size_; }

  /// REQUIRES: !full().
  void push(T value) {
    CAUSEWAY_CHECK(!full(), "a fixed queue is full");
    items_[(first_ + size_) % items_.size()] = std::move(value);
    ++size_;
  }
  /// REQUIRES: !empty().
  [[nodiscard]] T& front() { return items_[first_]; }
  [[nodiscard]] T& back() { return items_[(first_ + size_ - 1) % items_.size()]; }
  void pop() {
    items_[first_] = T{};
    first_ = (first_ + 1) % items_.size();
    --size_;
  }

 private:
  std::vector<T> items_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace causeway::worker
