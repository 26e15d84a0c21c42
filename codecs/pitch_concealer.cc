#include "codecs/pitch_concealer.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace causeway::codecs {
namespace {

std::int16_t to_sample(float value) {
  return static_cast<std::int16_t>(std::lrint(std::clamp(value, -32'768.0F, 32'767.0F)));
}

// Goes from `from` at step 0 towards `to` at `steps`.
float blend(float from, float to, std::size_t step, std::size_t steps) {
  const float share = (static_cast<float>(step) + 0.5F) / static_cast<float>(steps);
  return from + (to - from) * share;
}

}  // namespace

PitchConcealer::PitchConcealer(SampleRate rate)
    : shortest_lag_(rate.raw() / 200),
      longest_lag_(rate.raw() / 66),
      compared_(rate.raw() / 50),
      full_until_(rate.raw() / 100),
      silent_from_(rate.raw() * 6 / 100),
      history_(compared_ + longest_lag_),
      cycle_(longest_lag_) {}

void PitchConcealer::reset() {
  std::ranges::fill(history_, std::int16_t{0});
  lost_ = 0;
}

void PitchConcealer::heard(MutablePcm samples) {
  if (lost_ > 0) {
    const std::size_t overlap = std::min(period_ / 4, samples.size());
    const float level = gain();
    for (std::size_t i = 0; i < overlap; ++i) {
      samples[i] =
          to_sample(blend(next_of_cycle() * level, static_cast<float>(samples[i]), i, overlap));
    }
    lost_ = 0;
  }
  remember(samples);
}

void PitchConcealer::conceal(MutablePcm out) {
  if (lost_ == 0) begin_loss();
  for (auto& sample : out) {
    sample = to_sample(next_of_cycle() * gain());
    ++lost_;
  }
  // A loss that goes on is measured against what was truly heard: the history stays as it is.
}

// Takes the last period as the cycle. Its last quarter is blended into what came before its first
// sample, so that the end runs smoothly into the start again.
void PitchConcealer::begin_loss() {
  period_ = find_period();
  cycle_at_ = 0;
  const std::size_t start = history_.size() - period_;
  const std::size_t overlap = period_ / 4;
  for (std::size_t i = 0; i < period_; ++i) cycle_[i] = static_cast<float>(history_[start + i]);
  for (std::size_t i = 0; i < overlap; ++i) {
    const std::size_t at = period_ - overlap + i;
    cycle_[at] = blend(cycle_[at], static_cast<float>(history_[start - overlap + i]), i, overlap);
  }
}

// The lag at which the last 20 ms differ least from themselves. Coarse at the resolution of 8 kHz,
// then fine around the best: at 48 kHz a full search would take 36 times as long.
std::size_t PitchConcealer::find_period() const {
  const std::size_t stride = std::max<std::size_t>(1, compared_ / 160);
  std::size_t best = longest_lag_;
  std::int64_t least = difference_at(best, stride);
  for (std::size_t lag = longest_lag_; lag >= shortest_lag_; lag -= stride) {
    const std::int64_t difference = difference_at(lag, stride);
    // Not above: of equal lags the shortest is the period, the others are its multiples.
    if (difference <= least) {
      least = difference;
      best = lag;
    }
  }
  const std::size_t last = std::min(best + stride, longest_lag_);
  const std::size_t first = best > shortest_lag_ + stride ? best - stride : shortest_lag_;
  least = difference_at(best, 1);
  for (std::size_t lag = first; lag <= last; ++lag) {
    const std::int64_t difference = difference_at(lag, 1);
    if (difference < least) {
      least = difference;
      best = lag;
    }
  }
  return best;
}

std::int64_t PitchConcealer::difference_at(std::size_t lag, std::size_t stride) const {
  std::int64_t sum = 0;
  for (std::size_t i = history_.size() - compared_; i < history_.size(); i += stride) {
    sum += std::abs(int{history_[i]} - int{history_[i - lag]});
  }
  return sum;
}

float PitchConcealer::next_of_cycle() {
  const float value = cycle_[cycle_at_];
  cycle_at_ = cycle_at_ + 1 == period_ ? 0 : cycle_at_ + 1;
  return value;
}

float PitchConcealer::gain() const {
  if (lost_ < full_until_) return 1.0F;
  if (lost_ >= silent_from_) return 0.0F;
  return static_cast<float>(silent_from_ - lost_) / static_cast<float>(silent_from_ - full_until_);
}

void PitchConcealer::remember(Pcm samples) {
  if (samples.size() >= history_.size()) {
    std::ranges::copy(samples.last(history_.size()), history_.begin());
    return;
  }
  std::copy(history_.begin() + static_cast<std::ptrdiff_t>(samples.size()), history_.end(),
            history_.begin());
  std::ranges::copy(samples, history_.end() - static_cast<std::ptrdiff_t>(samples.size()));
}

}  // namespace causeway::codecs
