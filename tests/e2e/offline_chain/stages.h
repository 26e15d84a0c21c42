#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace offline {

using Samples = std::vector<std::int16_t>;  // Interleaved where there are two channels.
using Octets = std::vector<std::uint8_t>;

/// One end of the chain, as the command line gives it.
struct Format {
  std::string codec;  ///< pcmu, pcma, g722, opus, l16
  int rate = 0;       ///< Of PCM, Hz.
  int channels = 1;
};

struct OpusSettings {
  int bitrate = 24'000;
  int complexity = -1;  ///< -1: the relay's usual one, 1 at 8 kHz and 5 above
  int expected_loss_percent = 0;
  bool has_fec = false;
  bool has_dtx = false;
  bool is_cbr = false;
};

/// Each stage calls its library directly and throws std::runtime_error where that refuses.
class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual Samples decode(const Octets& payload) = 0;
};
std::unique_ptr<Decoder> make_decoder(const Format& format);

class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Nothing where DTX sends nothing.
  virtual Octets encode(const Samples& frame) = 0;
};
std::unique_ptr<Encoder> make_encoder(const Format& format, const OpusSettings& opus);

/// libswresample as the relay's resampler documents it: s16 to s16, filter_size 24, all else at its
/// default, primed with 240 ms of silence whose output is thrown away.
class Resampler {
 public:
  virtual ~Resampler() = default;
  virtual Samples convert(const Samples& in) = 0;
};
std::unique_ptr<Resampler> make_resampler(const Format& from, const Format& to);

}  // namespace offline
