#include "codecs/plc.h"

#include <algorithm>
#include <array>
#include <optional>

#include "codecs/pitch_concealer.h"
#include "codecs/spandsp.h"
#include "relay/base/check.h"

namespace causeway::codecs {
namespace {

// plc_fillin writes a whole overlap at the start of a loss, however few samples were asked for.
constexpr std::size_t kLeastFill = PLC_PITCH_OVERLAP_MAX;
// Interleaved channels are taken apart in pieces of this size, on the stack.
constexpr std::size_t kPiece = 960;

void fill_in(plc_state_t& plc, MutablePcm out) {
  if (out.size() >= kLeastFill) {
    plc_fillin(&plc, out.data(), static_cast<int>(out.size()));
    return;
  }
  std::array<std::int16_t, kLeastFill> room{};
  plc_fillin(&plc, room.data(), static_cast<int>(out.size()));
  std::copy_n(room.begin(), out.size(), out.begin());
}

}  // namespace

struct Plc::Channel {
  plc_state_t narrowband{};
  std::optional<PitchConcealer> wideband;

  void heard(MutablePcm samples) {
    if (wideband) {
      wideband->heard(samples);
    } else {
      plc_rx(&narrowband, samples.data(), static_cast<int>(samples.size()));
    }
  }
  void conceal(MutablePcm out) {
    if (wideband) {
      wideband->conceal(out);
    } else {
      fill_in(narrowband, out);
    }
  }
  void reset() {
    if (wideband) {
      wideband->reset();
    } else {
      plc_init(&narrowband);
    }
  }
};

Plc::Plc(SampleRate rate, std::uint8_t channels)
    : channel_count_(channels), channels_(std::make_unique<Channel[]>(channels)) {
  CAUSEWAY_CHECK(channels == 1 || channels == 2, "one or two channels");
  for (std::size_t i = 0; i < channels; ++i) {
    if (rate == SampleRate(8000)) {
      plc_init(&channels_[i].narrowband);
    } else {
      channels_[i].wideband.emplace(rate);
    }
  }
}

Plc::~Plc() = default;

// Runs `work(channel, its samples)` on every channel, taking two channels apart and together again.
template <typename Work>
void Plc::each_channel(MutablePcm samples, const Work& work) {
  if (channel_count_ == 1) {
    work(channels_[0], samples);
    return;
  }
  std::array<std::int16_t, kPiece> piece{};
  for (std::size_t at = 0; at < samples.size(); at += 2 * kPiece) {
    const auto pairs = samples.subspan(at, std::min(2 * kPiece, samples.size() - at));
    const std::size_t count = pairs.size() / 2;
    for (std::size_t channel = 0; channel < 2; ++channel) {
      for (std::size_t i = 0; i < count; ++i) piece[i] = pairs[2 * i + channel];
      work(channels_[channel], MutablePcm(piece).first(count));
      for (std::size_t i = 0; i < count; ++i) pairs[2 * i + channel] = piece[i];
    }
  }
}

void Plc::heard(MutablePcm samples) {
  if (samples.empty()) return;
  each_channel(samples, [](Channel& channel, MutablePcm mono) { channel.heard(mono); });
}

void Plc::reset() {
  for (std::size_t i = 0; i < channel_count_; ++i) channels_[i].reset();
}

void Plc::conceal(MutablePcm out) {
  if (out.empty()) return;
  each_channel(out, [](Channel& channel, MutablePcm mono) { channel.conceal(mono); });
}

}  // namespace causeway::codecs
