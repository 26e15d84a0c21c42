#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <string>

#include "tests/unit/relay/record/rig.h"

namespace causeway::record::test {
namespace {

using namespace std::chrono_literals;

/// A signal that is like itself at one place only: noise below 3 kHz, the same at every rate.
class Noise {
 public:
  Noise() {
    Random random({5, 6});
    for (Tone& tone : tones_) {
      tone = {100.0 + random.below(2'700), random.below(6283) / 1000.0};
    }
  }
  [[nodiscard]] std::int16_t at(double seconds) const {
    double sum = 0;
    for (const Tone& tone : tones_) {
      sum += std::sin(2 * 3.14159265358979 * tone.hertz * seconds + tone.phase);
    }
    return static_cast<std::int16_t>(std::lround(sum * 1'000));
  }

 private:
  struct Tone {
    double hertz = 0;
    double phase = 0;
  };
  std::array<Tone, 40> tones_;
};

/// How much later than at `truth` the signal is found in `pcm` around there.
Duration lag_at(const Noise& noise, const std::vector<std::int16_t>& pcm, std::uint32_t rate,
                Duration place, Duration truth) {
  const std::int64_t range = rate / 50;
  const std::int64_t begin = place.count() * rate / 1'000'000'000;
  std::vector<double> want;
  for (int i = 0; i < 1600; ++i) {
    want.push_back(noise.at(static_cast<double>((place - truth).count()) / 1e9 + i / 8000.0));
  }
  double best = -1e30;
  std::int64_t best_lag = 0;
  for (std::int64_t lag = -range; lag <= range; ++lag) {
    double sum = 0;
    for (std::size_t i = 0; i < want.size(); ++i) {
      const auto at = static_cast<std::size_t>(begin + lag) + i * (rate / 8000);
      sum += want[i] * pcm[at];
    }
    if (sum > best) {
      best = sum;
      best_lag = lag;
    }
  }
  return Duration(best_lag * 1'000'000'000 / rate);
}

struct Case {
  std::string name;
  codecs::CodecConfig codec;
  SampleRate file_rate;
};

class CodecAlignment : public ::testing::TestWithParam<Case> {};

TEST_P(CodecAlignment, PutsSoundWhereItWasSpokenThroughTheCodecAndTheResampler) {
  const Case& test = GetParam();
  RecordedCodec codec;
  codec.type = PayloadType{100};
  codec.codec = test.codec;
  codec.clock = codecs::rtp_clock_of(test.codec);
  RecordingSpec spec = wav_spec(1, test.file_rate);
  spec.channels[0].codecs = {codec};

  const Noise noise;
  const auto encoder = codecs::make_encoder(test.codec).value();
  const std::uint32_t rate = test.codec.rate.raw();
  std::vector<ClickSender::Sent> packets;
  for (std::uint32_t n = 0; n < 200; ++n) {
    std::vector<std::int16_t> pcm;
    for (std::uint32_t i = 0; i < rate / 50; ++i) {
      pcm.push_back(noise.at(static_cast<double>(n * (rate / 50) + i) / rate));
    }
    std::vector<std::byte> payload(1500);
    payload.resize(encoder->encode(pcm, payload).value());
    if (n >= 100 && n < 120) continue;  // 400 ms are lost on the way
    packets.push_back({0, 321ms + n * 20ms, SeqNum(static_cast<std::uint16_t>(n)),
                       RtpTimestamp(n * (codec.clock.raw() / 50)), Ssrc{1}, std::move(payload),
                       codec.type});
  }
  Rig rig(spec);
  run(rig, packets, 5s);
  rig.finish(5s);
  const auto pcm = rig.wav().channel(0);
  ASSERT_EQ(pcm.size(), 5 * test.file_rate.raw());
  for (const Duration place : {1000ms, 1500ms, 3000ms, 3700ms}) {
    const Duration lag = lag_at(noise, pcm, test.file_rate.raw(), place, 321ms);
    EXPECT_LE(std::abs(lag.count()), 200'000) << "at " << place.count() << " ns";
  }
  // And whole: the recorder's steps, which fall into the last ms of every packet, leave no holes.
  std::size_t zeros = 0;
  for (std::size_t i = test.file_rate.raw(); i < test.file_rate.raw() * 2; ++i) {
    zeros = pcm[i] == 0 ? zeros + 1 : 0;
    ASSERT_LE(zeros, test.file_rate.raw() / 2000) << "half a millisecond of nothing at " << i;
  }
  // What was lost is silence, apart from what codec and resampler hold over.
  for (std::size_t i = test.file_rate.raw() * 2344 / 1000; i < test.file_rate.raw() * 2694 / 1000;
       ++i) {
    ASSERT_EQ(pcm[i], 0) << i;
  }
}

codecs::CodecConfig config(codecs::CodecId id, std::uint32_t rate) {
  codecs::CodecConfig made;
  made.id = id;
  made.rate = SampleRate{rate};
  made.opus.bitrate = 64'000;
  return made;
}

INSTANTIATE_TEST_SUITE_P(
    All, CodecAlignment,
    ::testing::Values(
        Case{"PcmuInto8k", config(codecs::CodecId::Pcmu, 8000), SampleRate{8000}},
        Case{"PcmaInto16k", config(codecs::CodecId::Pcma, 8000), SampleRate{16'000}},
        Case{"PcmuInto48k", config(codecs::CodecId::Pcmu, 8000), SampleRate{48'000}},
        Case{"G722Into16k", config(codecs::CodecId::G722, 16'000), SampleRate{16'000}},
        Case{"G722Into48k", config(codecs::CodecId::G722, 16'000), SampleRate{48'000}},
        Case{"G722Into8k", config(codecs::CodecId::G722, 16'000), SampleRate{8000}},
        Case{"L16At32kInto48k", config(codecs::CodecId::L16, 32'000), SampleRate{48'000}},
        Case{"OpusInto8k", config(codecs::CodecId::Opus, 48'000), SampleRate{8000}},
        Case{"OpusInto16k", config(codecs::CodecId::Opus, 48'000), SampleRate{16'000}},
        Case{"OpusInto48k", config(codecs::CodecId::Opus, 48'000), SampleRate{48'000}}),
    [](const auto& suite) { return suite.param.name; });

}  // namespace
}  // namespace causeway::record::test
