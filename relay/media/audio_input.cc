#include "relay/media/audio_input.h"

#include <utility>

namespace causeway::media {

Result<AudioInput, Error> AudioInput::create(PayloadType payload_type,
                                             const codecs::CodecConfig& codec, RtpClockRate clock,
                                             codecs::Resampler::Format to) {
  AudioInput input;
  input.payload_type = payload_type;
  input.clock = clock;
  input.to = to;
  auto decoder = codecs::make_decoder(codec);
  if (!decoder) return failure(std::move(decoder.error()));
  input.decoder = std::move(*decoder);
  const codecs::Resampler::Format from{codec.rate, codec.channels};
  if (from != to) {
    auto resampler = codecs::Resampler::create(from, to);
    if (!resampler) return failure(std::move(resampler.error()));
    input.resampler = std::move(*resampler);
  }
  return input;
}

Duration AudioInput::filter_delay() const {
  if (!resampler) return Duration(0);
  return Duration(static_cast<std::int64_t>(resampler->delay_samples()) * 1'000'000'000 /
                  codec().rate.raw());
}

void AudioInput::take_over(AudioInput& other) {
  is_taken_over = other.is_taken_over = true;
  decoder.swap(other.decoder);
  if (to == other.to) resampler.swap(other.resampler);
}

}  // namespace causeway::media
