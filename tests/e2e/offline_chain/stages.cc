#include "tests/e2e/offline_chain/stages.h"

#include <opus.h>

#include <cmath>
#include <stdexcept>

// spandsp's headers need telephony.h first, and that makes lrint() a macro: after <cmath>, here.
#include <spandsp/telephony.h>
// A block of its own keeps the order.
#include <spandsp/bit_operations.h>
#include <spandsp/g711.h>
#include <spandsp/g722.h>
#undef lrint
#undef lrintf

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
}

namespace offline {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::runtime_error(what); }

int check(int code, const char* what) {
  if (code < 0) refuse(std::string(what) + " refuses: " + std::to_string(code));
  return code;
}

class G711 final : public Decoder, public Encoder {
 public:
  explicit G711(int law) : state_(g711_init(nullptr, law)) {}
  ~G711() override { g711_free(state_); }
  G711(const G711&) = delete;
  G711& operator=(const G711&) = delete;

  Samples decode(const Octets& payload) override {
    Samples pcm(payload.size());
    g711_decode(state_, pcm.data(), payload.data(), static_cast<int>(payload.size()));
    return pcm;
  }
  Octets encode(const Samples& frame) override {
    Octets payload(frame.size());
    g711_encode(state_, payload.data(), frame.data(), static_cast<int>(frame.size()));
    return payload;
  }

 private:
  g711_state_t* state_;
};

int g722_options(int rate) { return rate == 8'000 ? G722_SAMPLE_RATE_8000 : 0; }

class G722Decoder final : public Decoder {
 public:
  explicit G722Decoder(int rate) : rate_(rate) {}
  ~G722Decoder() override { g722_decode_free(state_); }
  Samples decode(const Octets& payload) override {
    Samples pcm(payload.size() * static_cast<std::size_t>(rate_ / 8'000));
    g722_decode(state_, pcm.data(), payload.data(), static_cast<int>(payload.size()));
    return pcm;
  }

 private:
  int rate_;
  g722_decode_state_t* state_ = g722_decode_init(nullptr, 64'000, g722_options(rate_));
};

class G722Encoder final : public Encoder {
 public:
  explicit G722Encoder(int rate) : rate_(rate) {}
  ~G722Encoder() override { g722_encode_free(state_); }
  Octets encode(const Samples& frame) override {
    Octets payload(frame.size() / static_cast<std::size_t>(rate_ / 8'000));
    g722_encode(state_, payload.data(), frame.data(), static_cast<int>(frame.size()));
    return payload;
  }

 private:
  int rate_;
  g722_encode_state_t* state_ = g722_encode_init(nullptr, 64'000, g722_options(rate_));
};

class L16 final : public Decoder, public Encoder {
 public:
  Samples decode(const Octets& payload) override {
    Samples pcm(payload.size() / 2);
    for (std::size_t i = 0; i < pcm.size(); ++i) {
      pcm[i] = static_cast<std::int16_t>((payload[2 * i] << 8) | payload[2 * i + 1]);
    }
    return pcm;
  }
  Octets encode(const Samples& frame) override {
    Octets payload;
    for (const std::int16_t sample : frame) {
      const auto bits = static_cast<std::uint16_t>(sample);
      payload.push_back(static_cast<std::uint8_t>(bits >> 8));
      payload.push_back(static_cast<std::uint8_t>(bits & 0xFF));
    }
    return payload;
  }
};

class OpusDecoding final : public Decoder {
 public:
  explicit OpusDecoding(const Format& format)
      : format_(format), state_(opus_decoder_create(format.rate, format.channels, nullptr)) {
    if (state_ == nullptr) refuse("opus_decoder_create");
  }
  ~OpusDecoding() override { opus_decoder_destroy(state_); }
  OpusDecoding(const OpusDecoding&) = delete;
  OpusDecoding& operator=(const OpusDecoding&) = delete;

  Samples decode(const Octets& payload) override {
    const int most = format_.rate * 120 / 1000;
    Samples pcm(static_cast<std::size_t>(most * format_.channels));
    const int samples =
        check(opus_decode(state_, payload.data(), static_cast<opus_int32>(payload.size()),
                          pcm.data(), most, 0),
              "opus_decode");
    pcm.resize(static_cast<std::size_t>(samples * format_.channels));
    return pcm;
  }

 private:
  Format format_;
  ::OpusDecoder* state_;
};

class OpusEncoding final : public Encoder {
 public:
  OpusEncoding(const Format& format, const OpusSettings& settings)
      : format_(format),
        settings_(settings),
        state_(opus_encoder_create(format.rate, format.channels, OPUS_APPLICATION_VOIP, nullptr)) {
    if (state_ == nullptr) refuse("opus_encoder_create");
    const int usual = format.rate == 8'000 ? 1 : 5;
    const int complexity = settings.complexity < 0 ? usual : settings.complexity;
    check(opus_encoder_ctl(state_, OPUS_SET_BITRATE(settings.bitrate)), "bitrate");
    check(opus_encoder_ctl(state_, OPUS_SET_COMPLEXITY(complexity)), "complexity");
    check(opus_encoder_ctl(state_, OPUS_SET_VBR(settings.is_cbr ? 0 : 1)), "vbr");
    check(opus_encoder_ctl(state_, OPUS_SET_INBAND_FEC(settings.has_fec ? 1 : 0)), "fec");
    check(opus_encoder_ctl(state_, OPUS_SET_PACKET_LOSS_PERC(settings.expected_loss_percent)),
          "loss");
    check(opus_encoder_ctl(state_, OPUS_SET_DTX(settings.has_dtx ? 1 : 0)), "dtx");
  }
  ~OpusEncoding() override { opus_encoder_destroy(state_); }
  OpusEncoding(const OpusEncoding&) = delete;
  OpusEncoding& operator=(const OpusEncoding&) = delete;

  Octets encode(const Samples& frame) override {
    Octets packet(1500);
    const int octets =
        check(opus_encode(state_, frame.data(), static_cast<int>(frame.size()) / format_.channels,
                          packet.data(), static_cast<opus_int32>(packet.size())),
              "opus_encode");
    // Two octets or fewer under DTX are not to be sent (opus_encode's documentation).
    packet.resize(settings_.has_dtx && octets <= 2 ? 0 : static_cast<std::size_t>(octets));
    return packet;
  }

 private:
  Format format_;
  OpusSettings settings_;
  ::OpusEncoder* state_;
};

class Swresample final : public Resampler {
 public:
  Swresample(const Format& from, const Format& to) : from_(from), to_(to) {
    AVChannelLayout in{};
    AVChannelLayout out{};
    av_channel_layout_default(&in, from.channels);
    av_channel_layout_default(&out, to.channels);
    check(swr_alloc_set_opts2(&swr_, &out, AV_SAMPLE_FMT_S16, to.rate, &in, AV_SAMPLE_FMT_S16,
                              from.rate, 0, nullptr),
          "swr_alloc_set_opts2");
    check(av_opt_set_int(swr_, "filter_size", 24, 0), "filter_size");
    check(swr_init(swr_), "swr_init");
    const Samples silence(static_cast<std::size_t>(from.rate * 120 / 1000 * from.channels));
    convert(silence);
    convert(silence);
  }
  ~Swresample() override { swr_free(&swr_); }
  Swresample(const Swresample&) = delete;
  Swresample& operator=(const Swresample&) = delete;

  Samples convert(const Samples& in) override {
    const int samples = static_cast<int>(in.size()) / from_.channels;
    const int room = static_cast<int>(std::int64_t{samples} * to_.rate / from_.rate) + 65;
    Samples out(static_cast<std::size_t>(room * to_.channels));
    const auto* source = reinterpret_cast<const std::uint8_t*>(in.data());
    auto* sink = reinterpret_cast<std::uint8_t*>(out.data());
    const int made = check(swr_convert(swr_, &sink, room, &source, samples), "swr_convert");
    out.resize(static_cast<std::size_t>(made * to_.channels));
    return out;
  }

 private:
  Format from_;
  Format to_;
  SwrContext* swr_ = nullptr;
};

}  // namespace

std::unique_ptr<Decoder> make_decoder(const Format& format) {
  if (format.codec == "pcmu") return std::make_unique<G711>(G711_ULAW);
  if (format.codec == "pcma") return std::make_unique<G711>(G711_ALAW);
  if (format.codec == "g722") return std::make_unique<G722Decoder>(format.rate);
  if (format.codec == "l16") return std::make_unique<L16>();
  if (format.codec == "opus") return std::make_unique<OpusDecoding>(format);
  refuse("no such codec: " + format.codec);
}

std::unique_ptr<Encoder> make_encoder(const Format& format, const OpusSettings& opus) {
  if (format.codec == "pcmu") return std::make_unique<G711>(G711_ULAW);
  if (format.codec == "pcma") return std::make_unique<G711>(G711_ALAW);
  if (format.codec == "g722") return std::make_unique<G722Encoder>(format.rate);
  if (format.codec == "l16") return std::make_unique<L16>();
  if (format.codec == "opus") return std::make_unique<OpusEncoding>(format, opus);
  refuse("no such codec: " + format.codec);
}

std::unique_ptr<Resampler> make_resampler(const Format& from, const Format& to) {
  return std::make_unique<Swresample>(from, to);
}

}  // namespace offline
