#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>

#include "relay/base/time.h"

namespace causeway::worker {

/// How long things took, in buckets whose width grows with the value: eight an octave, so a reading
/// is at most an eighth too high. One thread adds, any thread reads; adding is two plain stores.
///
///     bucket:  0 1 .. 7 | 8 .. 15  | 16 .. 23 | ...
///     from:    0 1 .. 7 | 8 .. 15  | 16,18 .. | ... ns, up to 2^36 ns (69 s)
class DurationHistogram {
 public:
  static constexpr unsigned kSteps = 8;
  static constexpr unsigned kOctaves = 36;
  static constexpr unsigned kBuckets = (kOctaves - 2) * kSteps;

  struct Snapshot {
    std::array<std::uint64_t, kBuckets> counts{};
    std::uint64_t total = 0;
    Duration max{};

    /// The value that `share` (0..1) of all readings do not exceed, rounded up to a bucket's end;
    /// zero when there are no readings.
    [[nodiscard]] Duration quantile(double share) const {
      const auto rank =
          static_cast<std::uint64_t>(std::llround(share * static_cast<double>(total)));
      std::uint64_t seen = 0;
      for (unsigned i = 0; i < kBuckets; ++i) {
        seen += counts[i];
        if (seen != 0 && seen >= rank) return std::min(upper_bound(i), max);
      }
      return max;
    }
  };

  /// Negative values count as zero.
  void add(Duration value) {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
    auto& bucket = counts_[bucket_of(ns)];
    bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (ns > max_.load(std::memory_order_relaxed)) max_.store(ns, std::memory_order_relaxed);
  }
  /// Any thread. Readings that are added meanwhile may be in or not.
  [[nodiscard]] Snapshot snapshot() const {
    Snapshot taken;
    for (unsigned i = 0; i < kBuckets; ++i) {
      taken.counts[i] = counts_[i].load(std::memory_order_relaxed);
      taken.total += taken.counts[i];
    }
    taken.max = Duration(static_cast<std::int64_t>(max_.load(std::memory_order_relaxed)));
    return taken;
  }

  [[nodiscard]] static constexpr unsigned bucket_of(std::uint64_t ns) {
    if (ns < kSteps) return static_cast<unsigned>(ns);
    const auto shift = static_cast<unsigned>(std::bit_width(ns)) - 4;  // leaves 8..15
    const unsigned bucket = shift * kSteps + static_cast<unsigned>(ns >> shift);
    return std::min(bucket, kBuckets - 1);
  }
  /// The largest value of a bucket.
  [[nodiscard]] static constexpr Duration upper_bound(unsigned bucket) {
    if (bucket < 2 * kSteps) return Duration(bucket);
    const unsigned shift = bucket / kSteps - 1;
    const auto first = static_cast<std::int64_t>(kSteps + bucket % kSteps);
    return Duration(((first + 1) << shift) - 1);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::uint64_t> max_{0};
};

}  // namespace causeway::worker
