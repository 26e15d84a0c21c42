#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <utility>

#include "relay/base/check.h"

namespace causeway {

/// A vector of at most N default-constructible elements that never allocates. A value type.
template <typename T, std::size_t N>
class StaticVector {
 public:
  StaticVector() = default;
  StaticVector(std::initializer_list<T> values) {
    for (const T& value : values) push_back(value);
  }

  /// REQUIRES: !full().
  T& push_back(T value) {
    CAUSEWAY_CHECK(size_ < N, "static vector is full");
    return items_[size_++] = std::move(value);
  }
  [[nodiscard]] bool full() const { return size_ == N; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  static constexpr std::size_t capacity() { return N; }
  void clear() {
    while (size_ > 0) items_[--size_] = T{};
  }
  /// Removes one element, the last takes its place.
  void erase_unordered(std::size_t index) {
    items_[index] = std::move(items_[size_ - 1]);
    items_[--size_] = T{};
  }

  T& operator[](std::size_t index) { return items_[index]; }
  const T& operator[](std::size_t index) const { return items_[index]; }
  T* begin() { return items_.data(); }
  T* end() { return items_.data() + size_; }
  const T* begin() const { return items_.data(); }
  const T* end() const { return items_.data() + size_; }

 private:
  std::array<T, N> items_{};
  std::size_t size_ = 0;
};

}  // namespace causeway
