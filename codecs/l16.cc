#include "codecs/l16.h"

#include "codecs/plc.h"
#include "relay/base/check.h"

namespace causeway::codecs {
namespace {

constexpr std::size_t kSampleOctets = 2;

class L16Decoder final : public Decoder {
 public:
  explicit L16Decoder(const CodecConfig& config)
      : config_(config), plc_(config.rate, config.channels) {}

  [[nodiscard]] const CodecConfig& config() const override { return config_; }

  [[nodiscard]] Result<std::size_t, DropReason> samples_in(Bytes payload) const override {
    const std::size_t group = kSampleOctets * config_.channels;
    const std::size_t most = std::size_t{config_.rate.raw()} * 200 / 1000;
    if (payload.empty() || payload.size() % group != 0 || payload.size() / group > most) {
      return failure(DropReason::BadPayload);
    }
    return payload.size() / group;
  }

  [[nodiscard]] Result<std::size_t, DropReason> decode(Bytes payload, MutablePcm out) override {
    const auto samples = samples_in(payload);
    if (!samples) return samples;
    const std::size_t values = *samples * config_.channels;
    CAUSEWAY_CHECK(out.size() >= values, "no room for the decoded packet");
    for (std::size_t i = 0; i < values; ++i) {
      out[i] = static_cast<std::int16_t>(load_be16(payload.data() + i * kSampleOctets));
    }
    plc_.heard(out.first(values));
    return samples;
  }

  void conceal(std::size_t samples, MutablePcm out) override {
    plc_.conceal(out.first(samples * config_.channels));
  }
  [[nodiscard]] bool recover(Bytes, std::size_t, MutablePcm) override { return false; }
  void reset() override { plc_.reset(); }

 private:
  CodecConfig config_;
  Plc plc_;
};

class L16Encoder final : public Encoder {
 public:
  explicit L16Encoder(const CodecConfig& config) : config_(config) {}

  [[nodiscard]] const CodecConfig& config() const override { return config_; }
  [[nodiscard]] std::size_t lookahead() const override { return 0; }
  void set_expected_loss(std::uint8_t) override {}

  [[nodiscard]] Result<std::size_t, DropReason> encode(Pcm pcm, MutableBytes out) override {
    if (pcm.empty() || pcm.size() % config_.channels != 0 ||
        pcm.size() * kSampleOctets > out.size()) {
      return failure(DropReason::BadPayload);
    }
    for (std::size_t i = 0; i < pcm.size(); ++i) {
      store_be16(out.data() + i * kSampleOctets, static_cast<std::uint16_t>(pcm[i]));
    }
    return pcm.size() * kSampleOctets;
  }

 private:
  CodecConfig config_;
};

}  // namespace

std::unique_ptr<Decoder> make_l16_decoder(const CodecConfig& config) {
  return std::make_unique<L16Decoder>(config);
}

std::unique_ptr<Encoder> make_l16_encoder(const CodecConfig& config) {
  return std::make_unique<L16Encoder>(config);
}

}  // namespace causeway::codecs
