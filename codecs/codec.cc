#include "codecs/codec.h"

#include <algorithm>
#include <array>

#include "codecs/g711.h"
#include "codecs/g722.h"
#include "codecs/l16.h"
#include "codecs/opus.h"

namespace causeway::codecs {
namespace {

template <std::size_t kCount>
bool is_one_of(SampleRate rate, const std::array<std::uint32_t, kCount>& rates) {
  return std::ranges::find(rates, rate.raw()) != rates.end();
}

bool has_rate(const CodecConfig& config) {
  switch (config.id) {
    case CodecId::Pcmu:
    case CodecId::Pcma:
      return config.rate == SampleRate(8'000);
    case CodecId::G722:
      return is_one_of(config.rate, std::array{8'000U, 16'000U});
    case CodecId::Opus:
      return is_one_of(config.rate, std::array{8'000U, 12'000U, 16'000U, 24'000U, 48'000U});
    case CodecId::L16:
      return is_one_of(config.rate, std::array{8'000U, 16'000U, 32'000U, 44'100U, 48'000U});
  }
  return false;
}

bool has_channels(const CodecConfig& config) {
  const bool may_be_stereo = config.id == CodecId::Opus || config.id == CodecId::L16;
  return config.channels == 1 || (config.channels == 2 && may_be_stereo);
}

bool has_settings(const OpusEncoderSettings& opus) {
  return opus.bitrate >= 6'000 && opus.bitrate <= 510'000 && opus.complexity.value_or(0) <= 10 &&
         opus.expected_loss_percent <= 100;
}

Error unsupported(std::string field, std::string detail) {
  return Error{ErrorCode::InvalidArgument, "CODEC_UNSUPPORTED", std::move(field),
               std::move(detail)};
}

Result<void, Error> check(const CodecConfig& config) {
  if (!has_rate(config)) {
    return failure(unsupported("rate", "the codec has no such sample rate"));
  }
  if (!has_channels(config)) {
    return failure(unsupported("channels", "the codec has no such number of channels"));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Decoder>, Error> make_decoder(const CodecConfig& config) {
  if (auto checked = check(config); !checked) return failure(std::move(checked.error()));
  switch (config.id) {
    case CodecId::Pcmu:
    case CodecId::Pcma:
      return make_g711_decoder(config);
    case CodecId::G722:
      return make_g722_decoder(config);
    case CodecId::Opus:
      return make_opus_decoder(config);
    case CodecId::L16:
      break;
  }
  return make_l16_decoder(config);
}

Result<std::unique_ptr<Encoder>, Error> make_encoder(const CodecConfig& config) {
  if (auto checked = check(config); !checked) return failure(std::move(checked.error()));
  switch (config.id) {
    case CodecId::Pcmu:
    case CodecId::Pcma:
      return make_g711_encoder(config);
    case CodecId::G722:
      return make_g722_encoder(config);
    case CodecId::Opus:
      if (!has_settings(config.opus)) {
        return failure(unsupported("opus", "bitrate 6000..510000, complexity 0..10, loss 0..100"));
      }
      return make_opus_encoder(config);
    case CodecId::L16:
      break;
  }
  return make_l16_encoder(config);
}

RtpClockRate rtp_clock_of(const CodecConfig& config) {
  switch (config.id) {
    case CodecId::G722:
      return RtpClockRate(8'000);  // RFC 3551 4.5.2
    case CodecId::Opus:
      return RtpClockRate(48'000);  // RFC 7587 4.1
    case CodecId::Pcmu:
    case CodecId::Pcma:
    case CodecId::L16:
      break;
  }
  return RtpClockRate(config.rate.raw());
}

}  // namespace causeway::codecs
