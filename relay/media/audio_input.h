#pragma once

#include <cstdint>
#include <memory>

#include "codecs/codec.h"
#include "codecs/resample.h"
#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/base/types.h"

namespace causeway::media {

/// The decoder of one payload type, and the resampler from its PCM to the encoder's where they
/// differ. Plain data with arithmetic on it; the flow of time is AudioFlow's.
struct AudioInput {
  PayloadType payload_type;
  RtpClockRate clock{8000};
  std::unique_ptr<codecs::Decoder> decoder;
  std::unique_ptr<codecs::Resampler> resampler;  ///< Null where the formats are equal.
  codecs::Resampler::Format to;                  ///< The encoder's format.
  bool is_taken_over = false;                    ///< While a re-plan pairs inputs.

  /// Errors: InvalidArgument (CODEC_UNSUPPORTED), Internal.
  [[nodiscard]] static Result<AudioInput, Error> create(PayloadType payload_type,
                                                        const codecs::CodecConfig& codec,
                                                        RtpClockRate clock,
                                                        codecs::Resampler::Format to);

  [[nodiscard]] const codecs::CodecConfig& codec() const { return decoder->config(); }
  /// Samples per channel that `ticks` of the RTP clock take, and back.
  [[nodiscard]] std::size_t samples_of(std::int64_t ticks) const {
    return static_cast<std::size_t>(ticks * codec().rate.raw() / clock.raw());
  }
  [[nodiscard]] std::int64_t ticks_of(std::size_t samples) const {
    return static_cast<std::int64_t>(samples) * clock.raw() / codec().rate.raw();
  }
  /// What the resampler's filter holds back.
  [[nodiscard]] Duration filter_delay() const;
  /// Whether this input can go on with the state of `other`: codec and formats are equal.
  [[nodiscard]] bool can_take_over(const AudioInput& other) const {
    return !is_taken_over && !other.is_taken_over && is_same_sound(codec(), other.codec());
  }
  void take_over(AudioInput& other);

 private:
  // An encoder's settings are no business of a decoder's.
  [[nodiscard]] static bool is_same_sound(const codecs::CodecConfig& a,
                                          const codecs::CodecConfig& b) {
    return a.id == b.id && a.rate == b.rate && a.channels == b.channels;
  }
};

}  // namespace causeway::media
