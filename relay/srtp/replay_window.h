#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "relay/srtp/rules.h"

namespace causeway::srtp {

/// Which of the last N indices have been seen (RFC 3711 3.3.2): N bits, index i at bit i mod N.
/// check() first, then the tag, then commit(): an index is only ever spent by an authentic packet.
template <typename R = Rules>
class ReplayWindow {
 public:
  /// Allocates. REQUIRES: `size` is a power of two, at least 64.
  explicit ReplayWindow(std::size_t size) : words_(size / 64), mask_(size - 1) {}

  /// Whether any index was seen, and the highest one.
  [[nodiscard]] bool is_used() const { return is_used_; }
  [[nodiscard]] std::uint64_t newest() const { return newest_; }
  [[nodiscard]] bool is_newer(std::uint64_t index) const { return !is_used_ || index > newest_; }

  /// Whether `index` is new: ahead of everything, or inside the window and not seen.
  [[nodiscard]] bool check(std::uint64_t index) const {
    if (is_newer(index)) return true;
    return newest_ - index < words_.size() * 64 + R::kWindowSlack && !is_set(index);
  }
  /// Marks `index` as seen. REQUIRES: check(index).
  void commit(std::uint64_t index) {
    if (is_newer(index)) {
      if (!is_used_ || index - newest_ > mask_) {
        std::ranges::fill(words_, 0);
      } else {
        for (std::uint64_t i = newest_ + 1; i < index; ++i) clear_bit(i);
      }
      newest_ = index;
      is_used_ = true;
    }
    word(index) |= bit(index);
  }
  /// Forgets everything.
  void clear() {
    std::ranges::fill(words_, 0);
    newest_ = 0;
    is_used_ = false;
  }
  /// As if `newest` and every index before it had been seen.
  void restore(std::uint64_t newest) {
    std::ranges::fill(words_, ~std::uint64_t{0});
    newest_ = newest;
    is_used_ = true;
  }
  /// As if `newest` had been heard of, but nothing seen: where another key's indices go on.
  void expect(std::uint64_t newest) {
    clear();
    newest_ = newest;
    is_used_ = true;
  }

 private:
  [[nodiscard]] std::uint64_t& word(std::uint64_t index) { return words_[(index & mask_) / 64]; }
  [[nodiscard]] static std::uint64_t bit(std::uint64_t index) {
    return std::uint64_t{1} << (index % 64);
  }
  [[nodiscard]] bool is_set(std::uint64_t index) const {
    return (words_[(index & mask_) / 64] & bit(index)) != 0;
  }
  void clear_bit(std::uint64_t index) { word(index) &= ~bit(index); }

  std::vector<std::uint64_t> words_;
  std::uint64_t mask_;
  std::uint64_t newest_ = 0;
  bool is_used_ = false;
};

}  // namespace causeway::srtp
