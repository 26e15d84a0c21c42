#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "relay/base/time.h"

namespace causeway::engine {

/// The next deadline of each session, by slot: a binary heap that knows where each slot stands, so
/// that moving a deadline is O(log n) and finding the earliest O(1). Allocates only when grown.
class TimerHeap {
 public:
  /// Room for the slots 0..slots-1.
  explicit TimerHeap(std::size_t slots);

  /// Sets, moves or (nullopt) removes the deadline of `slot`.
  void set(std::uint32_t slot, std::optional<Instant> at);
  [[nodiscard]] std::optional<Instant> at(std::uint32_t slot) const;
  /// The earliest deadline.
  [[nodiscard]] std::optional<Instant> next() const;
  /// The slot whose deadline is next() if it is not after `now`.
  [[nodiscard]] std::optional<std::uint32_t> due(Instant now) const;

 private:
  static constexpr std::uint32_t kAbsent = 0xffffffff;
  struct Entry {
    Instant at;
    std::uint32_t slot;
  };
  void place(std::size_t position, Entry entry);
  void sift_up(std::size_t position);
  void sift_down(std::size_t position);

  std::vector<Entry> heap_;
  std::vector<std::uint32_t> where_;
};

}  // namespace causeway::engine
