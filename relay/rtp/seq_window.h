#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "relay/base/types.h"

namespace causeway::rtp {

/// Which of the last 1024 sequence numbers of a stream have been seen. A value type.
class SeqWindow {
 public:
  static constexpr int kSize = 1024;

  /// Forgets everything; `newest` is seen.
  void restart(SeqNum newest) {
    bits_.fill(0);
    newest_ = newest;
    set(newest);
  }
  /// Moves the window so that `seq` is its newest, and marks it seen. REQUIRES: seq is ahead.
  void advance_to(SeqNum seq) {
    const int steps = seq.distance_from(newest_);
    if (steps >= kSize) return restart(seq);
    for (int i = 1; i < steps; ++i) clear(newest_.plus(i));
    newest_ = seq;
    set(seq);
  }
  [[nodiscard]] SeqNum newest() const { return newest_; }
  /// REQUIRES: seq is inside the window: 0..kSize-1 behind newest().
  [[nodiscard]] bool has(SeqNum seq) const { return (word(seq) & bit(seq)) != 0; }
  /// REQUIRES: as has().
  void set(SeqNum seq) { word(seq) |= bit(seq); }

  friend bool operator==(const SeqWindow&, const SeqWindow&) = default;

 private:
  static constexpr std::size_t index(SeqNum seq) { return seq.raw() % std::size_t{kSize}; }
  static constexpr std::uint64_t bit(SeqNum seq) { return std::uint64_t{1} << (index(seq) % 64); }
  [[nodiscard]] const std::uint64_t& word(SeqNum seq) const { return bits_[index(seq) / 64]; }
  [[nodiscard]] std::uint64_t& word(SeqNum seq) { return bits_[index(seq) / 64]; }
  void clear(SeqNum seq) { word(seq) &= ~bit(seq); }

  std::array<std::uint64_t, kSize / 64> bits_{};
  SeqNum newest_;
};

}  // namespace causeway::rtp
