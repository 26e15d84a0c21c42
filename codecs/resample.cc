#include "codecs/resample.h"

// FFmpeg's headers have no C linkage of their own, and a macro of compound literals for layouts.
extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
}

#include <algorithm>
#include <vector>

#include "relay/base/check.h"

namespace causeway::codecs {
namespace {

constexpr int kFilterTaps = 24;

struct FreeSwr {
  void operator()(SwrContext* swr) const { swr_free(&swr); }
};
using SwrState = std::unique_ptr<SwrContext, FreeSwr>;

std::size_t samples_of_120_ms(SampleRate rate) { return std::size_t{rate.raw()} * 120 / 1000; }

Error refused(const char* what) {
  return Error{ErrorCode::Internal, "RESAMPLER_REFUSED", "", what};
}

SwrState open(Resampler::Format from, Resampler::Format to) {
  AVChannelLayout in{};
  AVChannelLayout out{};
  av_channel_layout_default(&in, from.channels);
  av_channel_layout_default(&out, to.channels);
  SwrContext* raw = nullptr;
  const int code =
      swr_alloc_set_opts2(&raw, &out, AV_SAMPLE_FMT_S16, static_cast<int>(to.rate.raw()), &in,
                          AV_SAMPLE_FMT_S16, static_cast<int>(from.rate.raw()), 0, nullptr);
  SwrState swr(raw);
  if (code < 0 || av_opt_set_int(swr.get(), "filter_size", kFilterTaps, 0) < 0 ||
      swr_init(swr.get()) < 0) {
    return nullptr;
  }
  return swr;
}

}  // namespace

struct Resampler::Impl {
  Format from;
  Format to;
  SwrState swr;
  std::size_t delay = 0;

  // Converts at most 120 ms, for which the buffers have been grown.
  std::size_t convert(Pcm in, MutablePcm out) const {
    const auto* source = reinterpret_cast<const std::uint8_t*>(in.data());
    auto* sink = reinterpret_cast<std::uint8_t*>(out.data());
    const int made = swr_convert(swr.get(), &sink, static_cast<int>(out.size() / to.channels),
                                 &source, static_cast<int>(in.size() / from.channels));
    CAUSEWAY_CHECK(made >= 0, "swr_convert refuses what it was made for");
    return static_cast<std::size_t>(made);
  }
};

Resampler::Resampler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Resampler::~Resampler() = default;

Result<std::unique_ptr<Resampler>, Error> Resampler::create(Format from, Format to) {
  SwrState swr = open(from, to);
  if (!swr) return failure(refused("swresample does not convert between these formats"));
  auto impl = std::make_unique<Impl>(Impl{from, to, std::move(swr)});
  std::unique_ptr<Resampler> resampler(new Resampler(std::move(impl)));
  const std::size_t samples = samples_of_120_ms(from.rate);
  const std::vector<std::int16_t> silence(samples * from.channels);
  std::vector<std::int16_t> thrown_away(resampler->room_for(samples) * to.channels);
  // The second block finds a remainder of the first, for which swresample grows its input buffer to
  // twice what both need: that is the most that any later block can ask for.
  resampler->impl_->convert(silence, thrown_away);
  resampler->impl_->convert(silence, thrown_away);
  resampler->impl_->delay = static_cast<std::size_t>(
      swr_get_delay(resampler->impl_->swr.get(), static_cast<std::int64_t>(from.rate.raw())));
  return resampler;
}

std::size_t Resampler::convert(Pcm in, MutablePcm out) {
  const std::size_t most = samples_of_120_ms(impl_->from.rate) * impl_->from.channels;
  std::size_t written = 0;
  while (!in.empty()) {
    const Pcm piece = in.first(std::min(most, in.size()));
    // Exactly the room that the warm-up knew: swresample sizes an inner buffer by it.
    const std::size_t room = room_for(piece.size() / impl_->from.channels);
    const MutablePcm rest = out.subspan(written * impl_->to.channels);
    written += impl_->convert(piece, rest.first(std::min(room * impl_->to.channels, rest.size())));
    in = in.subspan(piece.size());
  }
  return written;
}

std::size_t Resampler::room_for(std::size_t samples) const {
  const std::size_t from = impl_->from.rate.raw();
  return (samples * impl_->to.rate.raw() + from - 1) / from + 64;
}

std::size_t Resampler::delay_samples() const { return impl_->delay; }

}  // namespace causeway::codecs
