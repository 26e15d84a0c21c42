#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace causeway::record {

/// The last stretch of a recording that is still open: a window of PCM into which sound is put at
/// any position, of any channel, and whose oldest part is taken away for good. What nobody put is
/// silence; what two streams put on one channel is added up. Pure; not thread-safe.
///
/// Positions count samples per channel from the beginning of the recording.
class PcmTimeline {
 public:
  /// At least `window` samples per channel can be open at a time (a power of two of them can).
  PcmTimeline(std::size_t channels, std::size_t window);

  /// Adds `pcm` to `channel` from `position` on. Returns how many of its samples had no place any
  /// more: before begin(), or (a caller's mistake, kept harmless) beyond the window.
  std::size_t put(std::size_t channel, std::int64_t position, std::span<const std::int16_t> pcm);
  /// Appends everything before `end` to `out`, interleaved, and moves begin() there.
  /// `is_muted`: gives silence instead.
  void take(std::int64_t end, bool is_muted, std::vector<std::int16_t>& out);
  /// As take(), but the samples are thrown away.
  void discard(std::int64_t end);

  [[nodiscard]] std::int64_t begin() const { return begin_; }

 private:
  /// REQUIRES: position >= 0.
  [[nodiscard]] std::size_t index(std::size_t channel, std::int64_t position) const {
    return channel * window_ + (static_cast<std::size_t>(position) & (window_ - 1));
  }

  const std::size_t channels_;
  const std::size_t window_;
  std::int64_t begin_ = 0;
  std::vector<std::int16_t> samples_;  // channel after channel, each a ring of window_
};

}  // namespace causeway::record
