#include "codecs/plc.h"

#include <algorithm>
#include <array>

#include "relay/base/check.h"

namespace causeway::codecs {
namespace {

// Interleaved channels are taken apart in pieces of this size, on the stack.
constexpr std::size_t kPiece = 960;

}  // namespace

Plc::Plc(SampleRate rate, std::uint8_t channels) : first_(rate) {
  CAUSEWAY_CHECK(channels == 1 || channels == 2, "one or two channels");
  if (channels == 2) second_.emplace(rate);
}

// Runs `work(concealer, its samples)` on each channel, taking two apart and together again.
template <typename Work>
void Plc::each_channel(MutablePcm samples, const Work& work) {
  if (!second_) {
    work(first_, samples);
    return;
  }
  std::array<std::int16_t, kPiece> piece{};
  for (std::size_t at = 0; at < samples.size(); at += 2 * kPiece) {
    const auto pairs = samples.subspan(at, std::min(2 * kPiece, samples.size() - at));
    const std::size_t count = pairs.size() / 2;
    for (std::size_t channel = 0; channel < 2; ++channel) {
      for (std::size_t i = 0; i < count; ++i) piece[i] = pairs[2 * i + channel];
      work(channel == 0 ? first_ : *second_, MutablePcm(piece).first(count));
      for (std::size_t i = 0; i < count; ++i) pairs[2 * i + channel] = piece[i];
    }
  }
}

void Plc::heard(MutablePcm samples) {
  each_channel(samples, [](PitchConcealer& channel, MutablePcm mono) { channel.heard(mono); });
}

void Plc::conceal(MutablePcm out) {
  each_channel(out, [](PitchConcealer& channel, MutablePcm mono) { channel.conceal(mono); });
}

void Plc::reset() {
  first_.reset();
  if (second_) second_->reset();
}

}  // namespace causeway::codecs
