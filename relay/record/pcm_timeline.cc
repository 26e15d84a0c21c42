#include "relay/record/pcm_timeline.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace causeway::record {

PcmTimeline::PcmTimeline(std::size_t channels, std::size_t window)
    : channels_(channels), window_(std::bit_ceil(window)), samples_(channels * window_) {}

std::size_t PcmTimeline::put(std::size_t channel, std::int64_t position,
                             std::span<const std::int16_t> pcm) {
  std::size_t missed = 0;
  const std::int64_t end = begin_ + static_cast<std::int64_t>(window_);
  for (const std::int16_t sample : pcm) {
    const std::int64_t at = position++;
    if (at < begin_ || at >= end) {
      ++missed;
      continue;
    }
    std::int16_t& place = samples_[index(channel, at)];
    const int sum = place + sample;
    place = static_cast<std::int16_t>(std::clamp<int>(sum, std::numeric_limits<std::int16_t>::min(),
                                                      std::numeric_limits<std::int16_t>::max()));
  }
  return missed;
}

void PcmTimeline::take(std::int64_t end, bool is_muted, std::vector<std::int16_t>& out) {
  for (; begin_ < end; ++begin_) {
    for (std::size_t channel = 0; channel < channels_; ++channel) {
      std::int16_t& place = samples_[index(channel, begin_)];
      out.push_back(is_muted ? std::int16_t{0} : place);
      place = 0;
    }
  }
}

void PcmTimeline::discard(std::int64_t end) {
  for (; begin_ < end; ++begin_) {
    for (std::size_t channel = 0; channel < channels_; ++channel) {
      samples_[index(channel, begin_)] = 0;
    }
  }
}

}  // namespace causeway::record
