// What the codecs cost for each 20 ms frame, at the rates that paths use them at. Time is that of
// one frame: real-time streams a core = 20 ms / time.
//
//   bench_codecs --benchmark_min_time=0.5 --benchmark_repetitions=5
//                --benchmark_report_aggregates_only=true

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <numbers>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "codecs/codec.h"
#include "codecs/opus_framing.h"
#include "codecs/resample.h"

namespace causeway::codecs {
namespace {

constexpr std::size_t kFrames = 500;  // 10 s, gone through again and again.

struct Case {
  std::string name;
  CodecConfig config;
};

// Something like speech: what Opus costs depends on what it is given.
std::vector<std::int16_t> voice(const CodecConfig& config) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> noise(-1.0, 1.0);
  std::vector<std::int16_t> out;
  double turn = 0;
  for (std::size_t i = 0; i < kFrames * config.rate.raw() / 50; ++i) {
    const double t = static_cast<double>(i) / config.rate.raw();
    turn += (130 + 30 * std::sin(4.4 * t)) / config.rate.raw();
    double value = 0;
    for (int k = 1; k < 25; ++k) value += std::sin(2 * std::numbers::pi * k * turn) / k;
    const double loudness = std::max(0.0, 0.3 + std::sin(12 * t));
    const auto sample = static_cast<std::int16_t>(
        std::lrint(std::clamp(loudness * (4'000 * value + 300 * noise(random)), -3e4, 3e4)));
    out.insert(out.end(), config.channels, sample);
  }
  return out;
}

std::size_t frame_of(const CodecConfig& config) { return config.rate.raw() / 50 * config.channels; }

template <typename T>
T must(Result<T, Error> made) {
  if (!made) std::abort();
  return std::move(*made);
}

void encode(benchmark::State& state, const CodecConfig& config) {
  const auto encoder = must(make_encoder(config));
  const auto pcm = voice(config);
  std::vector<std::byte> packet(4'000);
  std::size_t frame = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        encoder->encode(Pcm(pcm).subspan(frame * frame_of(config), frame_of(config)), packet));
    frame = (frame + 1) % kFrames;
  }
}

std::vector<std::vector<std::byte>> packets_of(const CodecConfig& config) {
  const auto encoder = must(make_encoder(config));
  const auto pcm = voice(config);
  std::vector<std::vector<std::byte>> packets;
  for (std::size_t i = 0; i < kFrames; ++i) {
    std::vector<std::byte> packet(4'000);
    const auto size =
        encoder->encode(Pcm(pcm).subspan(i * frame_of(config), frame_of(config)), packet);
    packet.resize(size.value_or(0));
    packets.push_back(std::move(packet));
  }
  return packets;
}

void decode(benchmark::State& state, const CodecConfig& sent, SampleRate rate) {
  CodecConfig config = sent;
  config.rate = rate;
  const auto decoder = must(make_decoder(config));
  const auto packets = packets_of(sent);
  std::vector<std::int16_t> pcm(kMaxPcmSamples * config.channels);
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(decoder->decode(packets[next], pcm));
    next = (next + 1) % kFrames;
  }
}

// A loss after each packet: what the concealment costs, the packet's decoding included.
void decode_and_conceal(benchmark::State& state, const CodecConfig& config) {
  const auto decoder = must(make_decoder(config));
  const auto packets = packets_of(config);
  std::vector<std::int16_t> pcm(kMaxPcmSamples * config.channels);
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(decoder->decode(packets[next], pcm));
    decoder->conceal(config.rate.raw() / 50, pcm);
    next = (next + 1) % kFrames;
  }
}

void resample(benchmark::State& state, SampleRate from, SampleRate to) {
  const auto resampler = must(Resampler::create({from, 1}, {to, 1}));
  const auto pcm = voice({.id = CodecId::L16, .rate = from, .channels = 1, .opus = {}});
  const std::size_t samples = from.raw() / 50;
  std::vector<std::int16_t> out(resampler->room_for(samples));
  std::size_t frame = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(resampler->convert(Pcm(pcm).subspan(frame * samples, samples), out));
    frame = (frame + 1) % kFrames;
  }
}

void parse_opus(benchmark::State& state) {
  const auto packets =
      packets_of({.id = CodecId::Opus, .rate = SampleRate(16'000), .channels = 1, .opus = {}});
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(OpusPacket::parse(packets[next]));
    next = (next + 1) % kFrames;
  }
}

CodecConfig plain(CodecId id, std::uint32_t rate) {
  return {.id = id, .rate = SampleRate(rate), .channels = 1, .opus = {}};
}

CodecConfig opus(std::uint32_t rate, std::uint32_t bitrate, std::uint8_t complexity, bool has_fec) {
  CodecConfig config = plain(CodecId::Opus, rate);
  config.opus = {.bitrate = bitrate,
                 .complexity = complexity,
                 .has_inband_fec = has_fec,
                 .expected_loss_percent = static_cast<std::uint8_t>(has_fec ? 10 : 0)};
  return config;
}

std::vector<Case> encoders() {
  std::vector<Case> cases = {{"pcmu", plain(CodecId::Pcmu, 8'000)},
                             {"pcma", plain(CodecId::Pcma, 8'000)},
                             {"g722", plain(CodecId::G722, 16'000)},
                             {"l16@16k", plain(CodecId::L16, 16'000)}};
  const std::pair<std::uint32_t, std::uint32_t> widths[] = {
      {8'000, 24'000}, {16'000, 24'000}, {48'000, 32'000}};
  for (const auto& [rate, bitrate] : widths) {
    const std::string name = "opus@" + std::to_string(rate / 1000) + "k";
    for (const int complexity : {1, 5, 10}) {
      cases.push_back({name + "/c" + std::to_string(complexity),
                       opus(rate, bitrate, static_cast<std::uint8_t>(complexity), false)});
    }
    cases.push_back({name + "/c5/fec", opus(rate, bitrate, 5, true)});
  }
  return cases;
}

void add(const std::string& name, const auto& run) {
  benchmark::RegisterBenchmark(name.c_str(), run)->Unit(benchmark::kMicrosecond);
}

void add_decoders(const Case& each) {
  const CodecConfig& config = each.config;
  if (config.id != CodecId::Opus) {
    add("decode/" + each.name, [=](auto& state) { decode(state, config, config.rate); });
    add("decode+conceal/" + each.name, [=](auto& state) { decode_and_conceal(state, config); });
    return;
  }
  for (const std::uint32_t rate : {8'000U, 16'000U, 48'000U}) {
    add("decode/" + each.name + "->" + std::to_string(rate / 1000) + "k",
        [=](auto& state) { decode(state, config, SampleRate(rate)); });
  }
}

void register_all() {
  for (const Case& each : encoders()) {
    add("encode/" + each.name, [=](auto& state) { encode(state, each.config); });
  }
  for (const Case& each : encoders()) {
    // The encoder's complexity does not change what decoding costs.
    const bool is_variant = each.name.ends_with("c1") || each.name.ends_with("c10");
    if (!is_variant) add_decoders(each);
  }
  const std::pair<std::uint32_t, std::uint32_t> pairs[] = {
      {8'000, 16'000}, {16'000, 8'000}, {48'000, 8'000}, {8'000, 48'000}, {44'100, 48'000}};
  for (const auto& [from, to] : pairs) {
    add("resample/" + std::to_string(from) + "->" + std::to_string(to),
        [from = from, to = to](auto& state) { resample(state, SampleRate(from), SampleRate(to)); });
  }
  add("opus_framing/parse", parse_opus);
}

}  // namespace
}  // namespace causeway::codecs

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  causeway::codecs::register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
