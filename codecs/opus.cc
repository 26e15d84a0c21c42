#include "codecs/opus.h"

#include <opus.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "codecs/opus_framing.h"
#include "relay/base/check.h"

namespace causeway::codecs {
namespace {

/// How libopus makes a state of one kind.
template <typename State>
struct Opus;
template <>
struct Opus<::OpusDecoder> {
  static int size(int channels) { return opus_decoder_get_size(channels); }
  static int init(::OpusDecoder* state, opus_int32 rate, int channels) {
    return opus_decoder_init(state, rate, channels);
  }
};
template <>
struct Opus<::OpusEncoder> {
  static int size(int channels) { return opus_encoder_get_size(channels); }
  static int init(::OpusEncoder* state, opus_int32 rate, int channels) {
    return opus_encoder_init(state, rate, channels, OPUS_APPLICATION_VOIP);
  }
};

constexpr std::array<opus_int32, 5> kRates{8000, 12000, 16000, 24000, 48000};

/// A fresh state of the rate and channels that `Index` stands for, never changed. While libopus
/// makes one it asks the processor several times what it can do (CPUID), and where there is a
/// hypervisor it answers in its place: tens of microseconds each. So one of each kind is made, and
/// copied from then on (opus.h: a shallow copy is sufficient).
template <typename State, std::size_t Index>
Bytes prototype() {
  static const std::vector<std::byte> made = [] {
    constexpr int kChannels = Index % 2 + 1;
    std::vector<std::byte> octets(static_cast<std::size_t>(Opus<State>::size(kChannels)));
    const int code =
        Opus<State>::init(reinterpret_cast<State*>(octets.data()), kRates[Index / 2], kChannels);
    CAUSEWAY_CHECK(code == OPUS_OK, "libopus refuses a rate that it has");
    return octets;
  }();
  return made;
}

/// Empty for a rate or a number of channels that Opus does not have.
template <typename State>
Bytes prototype_of(SampleRate rate, std::size_t channels) {
  constexpr auto kPrototypes = []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array{&prototype<State, I>...};
  }
  (std::make_index_sequence<2 * kRates.size()>());
  const auto at = std::ranges::find(kRates, static_cast<opus_int32>(rate.raw()));
  if (at == kRates.end() || channels < 1 || channels > 2) return {};
  const auto place = static_cast<std::size_t>(at - kRates.begin());
  return kPrototypes[2 * place + channels - 1]();
}

/// An encoder's or decoder's state, made by copying its prototype.
template <typename State>
class OpusState {
 public:
  /// REQUIRES: a prototype.
  explicit OpusState(Bytes prototype)
      : prototype_(prototype), octets_(prototype.begin(), prototype.end()) {}

  [[nodiscard]] State* get() { return reinterpret_cast<State*>(octets_.data()); }
  /// As it was made.
  void reset() { std::ranges::copy(prototype_, octets_.begin()); }

 private:
  Bytes prototype_;
  std::vector<std::byte> octets_;
};
using DecoderState = OpusState<::OpusDecoder>;
using EncoderState = OpusState<::OpusEncoder>;

const unsigned char* as_uchar(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Error refused(int code) {
  return Error{ErrorCode::Internal, "CODEC_REFUSED", "", opus_strerror(code)};
}

class OpusDecoder final : public Decoder {
 public:
  OpusDecoder(const CodecConfig& config, DecoderState state)
      : config_(config), state_(std::move(state)) {}

  [[nodiscard]] const CodecConfig& config() const override { return config_; }

  [[nodiscard]] Result<std::size_t, DropReason> samples_in(Bytes payload) const override {
    const auto packet = OpusPacket::parse(payload);
    if (!packet) return failure(packet.error());
    return packet->samples_at(config_.rate);
  }

  [[nodiscard]] Result<std::size_t, DropReason> decode(Bytes payload, MutablePcm out) override {
    const auto packet = OpusPacket::parse(payload);
    if (!packet) return failure(packet.error());
    const std::size_t samples = packet->samples_at(config_.rate);
    CAUSEWAY_CHECK(out.size() >= samples * config_.channels, "no room for the decoded packet");
    const int decoded =
        opus_decode(state_.get(), as_uchar(payload), static_cast<opus_int32>(payload.size()),
                    out.data(), static_cast<int>(samples), 0);
    if (decoded != static_cast<int>(samples)) return failure(DropReason::BadPayload);
    last_mode_ = packet->mode();
    return samples;
  }

  void conceal(std::size_t samples, MutablePcm out) override {
    CAUSEWAY_CHECK(out.size() >= samples * config_.channels, "no room for the concealment");
    // libopus conceals units of 2.5 ms only; what is left over stays silent.
    const std::size_t whole = samples - samples % unit();
    std::size_t filled = 0;
    if (whole > 0) {
      const int made =
          opus_decode(state_.get(), nullptr, 0, out.data(), static_cast<int>(whole), 0);
      filled = made > 0 ? static_cast<std::size_t>(made) : 0;
    }
    std::ranges::fill(out.first(samples * config_.channels).subspan(filled * config_.channels),
                      std::int16_t{0});
  }

  [[nodiscard]] bool recover(Bytes next, std::size_t samples, MutablePcm out) override {
    const auto packet = OpusPacket::parse(next);
    if (!packet || !packet->has_lbrr()) return false;
    // In these cases libopus would conceal and call it a success: the frame of FEC does not fit
    // the loss, or the last packet was CELT and there is no SILK state to go on from.
    const std::size_t frame = packet->samples_at(config_.rate) / packet->frame_count();
    if (samples < frame || samples % unit() != 0 || last_mode_ == OpusMode::Celt) return false;
    CAUSEWAY_CHECK(out.size() >= samples * config_.channels, "no room for the recovered frame");
    const int made = opus_decode(state_.get(), as_uchar(next), static_cast<opus_int32>(next.size()),
                                 out.data(), static_cast<int>(samples), 1);
    if (made != static_cast<int>(samples)) return false;
    last_mode_ = packet->mode();
    return true;
  }

  void reset() override {
    state_.reset();
    last_mode_.reset();
  }

 private:
  [[nodiscard]] std::size_t unit() const { return config_.rate.raw() / 400; }  // 2.5 ms

  CodecConfig config_;
  DecoderState state_;
  std::optional<OpusMode> last_mode_;  // libopus keeps it, and does not tell.
};

// Applies every setting of ours; what is not named here stays at libopus's default.
int configure(::OpusEncoder* state, const CodecConfig& config) {
  const OpusEncoderSettings& settings = config.opus;
  const std::uint8_t complexity = settings.complexity.value_or(usual_complexity(config.rate));
  const int codes[] = {
      opus_encoder_ctl(state, OPUS_SET_BITRATE(static_cast<opus_int32>(settings.bitrate))),
      opus_encoder_ctl(state, OPUS_SET_COMPLEXITY(opus_int32{complexity})),
      opus_encoder_ctl(state, OPUS_SET_VBR(opus_int32{settings.is_cbr ? 0 : 1})),
      opus_encoder_ctl(state, OPUS_SET_INBAND_FEC(opus_int32{settings.has_inband_fec ? 1 : 0})),
      opus_encoder_ctl(state,
                       OPUS_SET_PACKET_LOSS_PERC(opus_int32{settings.expected_loss_percent})),
      opus_encoder_ctl(state, OPUS_SET_DTX(opus_int32{settings.has_dtx ? 1 : 0})),
  };
  for (const int code : codes) {
    if (code != OPUS_OK) return code;
  }
  return OPUS_OK;
}

class OpusEncoder final : public Encoder {
 public:
  OpusEncoder(const CodecConfig& config, EncoderState state)
      : config_(config), state_(std::move(state)) {
    opus_int32 samples = 0;
    opus_encoder_ctl(state_.get(), OPUS_GET_LOOKAHEAD(&samples));
    lookahead_ = static_cast<std::size_t>(samples);
  }

  [[nodiscard]] const CodecConfig& config() const override { return config_; }
  [[nodiscard]] std::size_t lookahead() const override { return lookahead_; }

  [[nodiscard]] Result<std::size_t, DropReason> encode(Pcm pcm, MutableBytes out) override {
    CAUSEWAY_CHECK(out.size() >= kMaxOpusPacketOctets, "no room for an Opus packet");
    if (!is_legal_frame(pcm.size())) return failure(DropReason::BadPayload);
    const auto octets =
        opus_encode(state_.get(), pcm.data(), static_cast<int>(pcm.size() / config_.channels),
                    reinterpret_cast<unsigned char*>(out.data()),
                    static_cast<opus_int32>(kMaxOpusPacketOctets));
    if (octets < 0) return failure(DropReason::BadPayload);
    // opus_encode's documentation: a packet of one or two octets holds no sound under DTX and need
    // not be sent. Every 400 ms libopus makes a longer one, which is.
    if (config_.opus.has_dtx && octets <= 2) return std::size_t{0};
    return static_cast<std::size_t>(octets);
  }

  void set_expected_loss(std::uint8_t percent) override {
    const opus_int32 loss = std::min<std::uint8_t>(percent, 100);
    opus_encoder_ctl(state_.get(), OPUS_SET_PACKET_LOSS_PERC(loss));
  }

  [[nodiscard]] bool reconfigure(const CodecConfig& config) override {
    CodecConfig settled = config_;
    settled.opus = config.opus;
    if (settled != config || configure(state_.get(), config) != OPUS_OK) return false;
    config_ = config;
    return true;
  }

 private:
  [[nodiscard]] bool is_legal_frame(std::size_t values) const {
    const std::size_t ten_ms = config_.rate.raw() / 100 * config_.channels;
    return values == ten_ms || values == 2 * ten_ms || values == 4 * ten_ms || values == 6 * ten_ms;
  }

  CodecConfig config_;
  EncoderState state_;
  std::size_t lookahead_ = 0;
};

}  // namespace

Result<std::unique_ptr<Decoder>, Error> make_opus_decoder(const CodecConfig& config) {
  const Bytes prototype = prototype_of<::OpusDecoder>(config.rate, config.channels);
  if (prototype.empty()) return failure(refused(OPUS_BAD_ARG));
  return std::make_unique<OpusDecoder>(config, DecoderState(prototype));
}

Result<std::unique_ptr<Encoder>, Error> make_opus_encoder(const CodecConfig& config) {
  const Bytes prototype = prototype_of<::OpusEncoder>(config.rate, config.channels);
  if (prototype.empty()) return failure(refused(OPUS_BAD_ARG));
  EncoderState state(prototype);
  if (const int code = configure(state.get(), config); code != OPUS_OK) {
    return failure(refused(code));
  }
  return std::make_unique<OpusEncoder>(config, std::move(state));
}

}  // namespace causeway::codecs
