#include "codecs/g722.h"

#include "codecs/plc.h"
#include "codecs/spandsp.h"
#include "relay/base/check.h"

namespace causeway::codecs {
namespace {

constexpr int kBitsPerSecond = 64'000;
// Half of what the pair of quadrature filters delays: 24 taps each, so 11 samples a side. The lower
// band alone needs none.
constexpr std::size_t kFilterDelay = 11;

bool is_narrow(const CodecConfig& config) { return config.rate == SampleRate(8'000); }
int options_of(const CodecConfig& config) { return is_narrow(config) ? G722_SAMPLE_RATE_8000 : 0; }
/// An octet holds one sample of each band.
std::size_t samples_per_octet(const CodecConfig& config) { return is_narrow(config) ? 1 : 2; }

struct FreeG722 {
  void operator()(g722_decode_state_t* state) const { g722_decode_free(state); }
  void operator()(g722_encode_state_t* state) const { g722_encode_free(state); }
};
using DecoderState = std::unique_ptr<g722_decode_state_t, FreeG722>;
using EncoderState = std::unique_ptr<g722_encode_state_t, FreeG722>;

Error refused() { return Error{ErrorCode::Internal, "CODEC_REFUSED", "", "spandsp refuses G.722"}; }

class G722Decoder final : public Decoder {
 public:
  G722Decoder(const CodecConfig& config, DecoderState state)
      : config_(config), state_(std::move(state)) {}

  [[nodiscard]] const CodecConfig& config() const override { return config_; }

  [[nodiscard]] Result<std::size_t, DropReason> samples_in(Bytes payload) const override {
    constexpr std::size_t kMostOctets = 8 * 200;
    if (payload.empty() || payload.size() > kMostOctets) return failure(DropReason::BadPayload);
    return payload.size() * samples_per_octet(config_);
  }

  [[nodiscard]] Result<std::size_t, DropReason> decode(Bytes payload, MutablePcm out) override {
    const auto samples = samples_in(payload);
    if (!samples) return samples;
    CAUSEWAY_CHECK(out.size() >= *samples, "no room for the decoded packet");
    const int decoded =
        g722_decode(state_.get(), out.data(), reinterpret_cast<const std::uint8_t*>(payload.data()),
                    static_cast<int>(payload.size()));
    CAUSEWAY_CHECK(decoded == static_cast<int>(*samples),
                   "G.722 has a fixed number of samples an octet");
    plc_.heard(out.first(*samples));
    return samples;
  }

  void conceal(std::size_t samples, MutablePcm out) override { plc_.conceal(out.first(samples)); }
  [[nodiscard]] bool recover(Bytes, std::size_t, MutablePcm) override { return false; }
  void reset() override {
    g722_decode_init(state_.get(), kBitsPerSecond, options_of(config_));
    plc_.reset();
  }

 private:
  CodecConfig config_;
  DecoderState state_;
  Plc plc_{config_.rate, 1};
};

class G722Encoder final : public Encoder {
 public:
  G722Encoder(const CodecConfig& config, EncoderState state)
      : config_(config), state_(std::move(state)) {}

  [[nodiscard]] const CodecConfig& config() const override { return config_; }
  [[nodiscard]] std::size_t lookahead() const override {
    return is_narrow(config_) ? 0 : kFilterDelay;
  }
  void set_expected_loss(std::uint8_t) override {}

  [[nodiscard]] Result<std::size_t, DropReason> encode(Pcm pcm, MutableBytes out) override {
    const std::size_t per_octet = samples_per_octet(config_);
    if (pcm.empty() || pcm.size() % per_octet != 0 || pcm.size() / per_octet > out.size()) {
      return failure(DropReason::BadPayload);
    }
    const int octets = g722_encode(state_.get(), reinterpret_cast<std::uint8_t*>(out.data()),
                                   pcm.data(), static_cast<int>(pcm.size()));
    return static_cast<std::size_t>(octets);
  }

 private:
  CodecConfig config_;
  EncoderState state_;
};

}  // namespace

Result<std::unique_ptr<Decoder>, Error> make_g722_decoder(const CodecConfig& config) {
  DecoderState state(g722_decode_init(nullptr, kBitsPerSecond, options_of(config)));
  if (!state) return failure(refused());
  return std::make_unique<G722Decoder>(config, std::move(state));
}

Result<std::unique_ptr<Encoder>, Error> make_g722_encoder(const CodecConfig& config) {
  EncoderState state(g722_encode_init(nullptr, kBitsPerSecond, options_of(config)));
  if (!state) return failure(refused());
  return std::make_unique<G722Encoder>(config, std::move(state));
}

}  // namespace causeway::codecs
