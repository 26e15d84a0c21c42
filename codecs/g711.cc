#include "codecs/g711.h"

#include <algorithm>
#include <array>
#include <bit>

#include "codecs/plc.h"
#include "relay/base/check.h"

namespace causeway::codecs {
namespace {

constexpr int kPcmuBias = 132;  // 33 in the 14-bit scale of ITU-T G.711, table 2.

// The segment and the step within it of a magnitude of at least 128, as both laws write them: the
// position of the leading bit, and the four bits after it.
constexpr std::uint8_t segment_and_step(unsigned magnitude) {
  const auto segment = static_cast<unsigned>(std::bit_width(magnitude)) - 8U;
  return static_cast<std::uint8_t>((segment << 4U) | ((magnitude >> (segment + 3U)) & 0x0FU));
}

// Biased magnitudes 132..32900 in steps of 8: what is below the step never decides.
constexpr auto kPcmuCodes = [] {
  std::array<std::uint8_t, (32'768 + kPcmuBias) / 8 + 1> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto biased = static_cast<unsigned>(i) * 8U;
    table[i] = biased >= 32'768U ? 0x7F : segment_and_step(std::max(biased, 128U));
  }
  return table;
}();

// Magnitudes 0..32767 in steps of 16. The lowest segment is as coarse as the second.
constexpr auto kPcmaCodes = [] {
  std::array<std::uint8_t, 32'768 / 16> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto magnitude = static_cast<unsigned>(i) * 16U;
    table[i] = magnitude < 256U ? static_cast<std::uint8_t>(i) : segment_and_step(magnitude);
  }
  return table;
}();

constexpr auto kPcmuSamples = [] {
  std::array<std::int16_t, 256> table{};
  for (int code = 0; code < 256; ++code) {
    const int plain = ~code & 0xFF;
    const int magnitude = ((((plain & 0x0F) << 3) + kPcmuBias) << ((plain >> 4) & 7)) - kPcmuBias;
    table[static_cast<std::size_t>(code)] =
        static_cast<std::int16_t>((plain & 0x80) != 0 ? -magnitude : magnitude);
  }
  return table;
}();

constexpr auto kPcmaSamples = [] {
  std::array<std::int16_t, 256> table{};
  for (int code = 0; code < 256; ++code) {
    const int plain = code ^ 0x55;
    const int segment = (plain >> 4) & 7;
    const int middle = ((plain & 0x0F) << 4) + 8;
    const int magnitude = segment == 0 ? middle : (middle + 256) << (segment - 1);
    table[static_cast<std::size_t>(code)] =
        static_cast<std::int16_t>((plain & 0x80) != 0 ? magnitude : -magnitude);
  }
  return table;
}();

class G711Decoder final : public Decoder {
 public:
  explicit G711Decoder(const CodecConfig& config)
      : config_(config), table_(config.id == CodecId::Pcmu ? kPcmuSamples : kPcmaSamples) {}

  [[nodiscard]] const CodecConfig& config() const override { return config_; }

  [[nodiscard]] Result<std::size_t, DropReason> samples_in(Bytes payload) const override {
    constexpr std::size_t kMostOctets = 8 * 200;
    if (payload.empty() || payload.size() > kMostOctets) return failure(DropReason::BadPayload);
    return payload.size();
  }

  [[nodiscard]] Result<std::size_t, DropReason> decode(Bytes payload, MutablePcm out) override {
    const auto samples = samples_in(payload);
    if (!samples) return samples;
    CAUSEWAY_CHECK(out.size() >= *samples, "no room for the decoded packet");
    for (std::size_t i = 0; i < *samples; ++i) out[i] = table_[load_u8(&payload[i])];
    plc_.heard(out.first(*samples));
    return samples;
  }

  void conceal(std::size_t samples, MutablePcm out) override { plc_.conceal(out.first(samples)); }
  [[nodiscard]] bool recover(Bytes, std::size_t, MutablePcm) override { return false; }
  void reset() override { plc_.reset(); }

 private:
  CodecConfig config_;
  const std::array<std::int16_t, 256>& table_;
  Plc plc_{SampleRate(8000), 1};
};

class G711Encoder final : public Encoder {
 public:
  explicit G711Encoder(const CodecConfig& config) : config_(config) {}

  [[nodiscard]] const CodecConfig& config() const override { return config_; }
  [[nodiscard]] std::size_t lookahead() const override { return 0; }
  void set_expected_loss(std::uint8_t) override {}

  [[nodiscard]] Result<std::size_t, DropReason> encode(Pcm pcm, MutableBytes out) override {
    if (pcm.empty() || pcm.size() > out.size()) return failure(DropReason::BadPayload);
    if (config_.id == CodecId::Pcmu) {
      for (std::size_t i = 0; i < pcm.size(); ++i) out[i] = std::byte{encode_pcmu(pcm[i])};
    } else {
      for (std::size_t i = 0; i < pcm.size(); ++i) out[i] = std::byte{encode_pcma(pcm[i])};
    }
    return pcm.size();
  }

 private:
  CodecConfig config_;
};

}  // namespace

std::uint8_t encode_pcmu(std::int16_t sample) {
  const int value = sample;
  const auto biased = static_cast<std::size_t>((value < 0 ? -value : value) + kPcmuBias);
  return kPcmuCodes[biased >> 3] ^ (value < 0 ? 0x7F : 0xFF);
}

std::uint8_t encode_pcma(std::int16_t sample) {
  const int value = sample;
  const auto magnitude = static_cast<std::size_t>(value < 0 ? ~value : value);
  return kPcmaCodes[magnitude >> 4] ^ (value < 0 ? 0x55 : 0xD5);
}

std::int16_t decode_pcmu(std::uint8_t code) { return kPcmuSamples[code]; }
std::int16_t decode_pcma(std::uint8_t code) { return kPcmaSamples[code]; }

std::unique_ptr<Decoder> make_g711_decoder(const CodecConfig& config) {
  return std::make_unique<G711Decoder>(config);
}

std::unique_ptr<Encoder> make_g711_encoder(const CodecConfig& config) {
  return std::make_unique<G711Encoder>(config);
}

}  // namespace causeway::codecs
