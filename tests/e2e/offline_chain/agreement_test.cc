// Holds the codecs room against the offline chain: for every pair of codecs, the same packets in
// have to give the same payloads out, bit for bit. This file is not part of the offline chain.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "codecs/codec.h"
#include "codecs/resample.h"

namespace causeway::codecs {
namespace {

using Samples = std::vector<std::int16_t>;
using Octets = std::vector<std::byte>;

constexpr std::size_t kSeconds = 2;

struct Side {
  std::string name;
  CodecConfig config;
};

// Something like speech, with pauses of true silence.
Samples voice(SampleRate rate, std::size_t channels) {
  std::mt19937 random(42);
  std::uniform_real_distribution<double> noise(-1.0, 1.0);
  Samples out;
  double turn = 0;
  for (std::size_t i = 0; i < kSeconds * rate.raw(); ++i) {
    const double t = static_cast<double>(i) / rate.raw();
    turn += (140 + 25 * std::sin(4 * t)) / rate.raw();
    double value = 0;
    for (int k = 1; k < 20; ++k) value += std::sin(2 * std::numbers::pi * k * turn) / k;
    const double loudness = std::max(0.0, std::sin(2 * std::numbers::pi * 0.9 * t));
    const double sample = loudness * (6'000 * value + 300 * noise(random));
    for (std::size_t channel = 0; channel < channels; ++channel) {
      out.push_back(static_cast<std::int16_t>(std::lrint(channel == 0 ? sample : sample / 3)));
    }
  }
  return out;
}

std::string hex(Bytes octets) {
  std::string text;
  char pair[3];
  for (const std::byte octet : octets) {
    std::snprintf(pair, sizeof pair, "%02x", std::to_integer<unsigned>(octet));
    text += pair;
  }
  return text;
}

// A sender of `side`: payloads of ptime, and the samples that each holds at the RTP clock.
std::vector<Octets> packets_of(const Side& side, std::size_t ptime_ms) {
  auto encoder = make_encoder(side.config);
  EXPECT_TRUE(encoder.has_value());
  const Samples pcm = voice(side.config.rate, side.config.channels);
  const std::size_t frame = side.config.rate.raw() * ptime_ms / 1000 * side.config.channels;
  std::vector<Octets> packets;
  for (std::size_t at = 0; at + frame <= pcm.size(); at += frame) {
    Octets packet(12'000);
    packet.resize((*encoder)->encode(Pcm(pcm).subspan(at, frame), packet).value_or(0));
    packets.push_back(packet);
  }
  return packets;
}

// The trace, with headers of all kinds: CSRCs, an extension, padding, a wrapping sequence number.
std::string trace_of(const std::vector<Octets>& packets, std::uint32_t ticks) {
  std::string trace = "# arrival_ns packet\n";
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const bool has_extras = i % 5 == 3;
    Octets packet(has_extras ? 12 + 4 + 4 + 8 : 12);
    packet[0] = std::byte{static_cast<std::uint8_t>(has_extras ? 0xB1 : 0x80)};
    packet[1] = std::byte{96};
    store_be16(&packet[2], static_cast<std::uint16_t>(65'500 + i));
    store_be32(&packet[4], static_cast<std::uint32_t>(0xFFFFF000 + ticks * i));
    if (has_extras) store_be16(&packet[18], 2);
    packet.insert(packet.end(), packets[i].begin(), packets[i].end());
    if (has_extras) {
      packet.resize(packet.size() + 3);
      packet.back() = std::byte{3};
    }
    trace += std::to_string(20'000'000 * i) + " " + hex(packet) + "\n";
  }
  return trace;
}

struct Outcome {
  int exit_code = -1;
  std::string output;
};

Outcome run_offline_chain(const std::string& arguments, const std::string& trace) {
  const std::string path = testing::TempDir() + "offline_chain_" + std::to_string(getpid());
  std::ofstream(path) << trace;
  const std::string command = std::string(OFFLINE_CHAIN) + " " + arguments + " " + path + " 2>&1";
  Outcome outcome;
  FILE* pipe = popen(command.c_str(), "r");
  char part[4096];
  while (pipe != nullptr && std::fgets(part, sizeof part, pipe) != nullptr) outcome.output += part;
  outcome.exit_code = WEXITSTATUS(pclose(pipe));
  std::remove(path.c_str());
  return outcome;
}

// The chain as the relay runs it, from the rooms' own parts.
std::string run_our_chain(const CodecConfig& from, const CodecConfig& to, std::size_t ptime_ms,
                          const std::vector<Octets>& packets) {
  const auto decoder = std::move(*make_decoder(from));
  const auto encoder = std::move(*make_encoder(to));
  const Resampler::Format in{from.rate, from.channels};
  const Resampler::Format out{to.rate, to.channels};
  std::unique_ptr<Resampler> resampler;
  if (in != out) resampler = std::move(*Resampler::create(in, out));
  const std::size_t frame = to.rate.raw() * ptime_ms / 1000 * to.channels;
  Samples waiting;
  Octets payload(12'000);
  std::string text;
  for (const Octets& packet : packets) {
    Samples pcm(kMaxPcmSamples * from.channels);
    pcm.resize(decoder->decode(packet, pcm).value_or(0) * from.channels);
    if (resampler) {
      Samples converted(resampler->room_for(pcm.size() / from.channels) * to.channels);
      converted.resize(resampler->convert(pcm, converted) * to.channels);
      pcm.swap(converted);
    }
    waiting.insert(waiting.end(), pcm.begin(), pcm.end());
    for (; waiting.size() >= frame;
         waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(frame))) {
      const std::size_t octets = encoder->encode(Pcm(waiting).first(frame), payload).value_or(0);
      if (octets > 0) text += hex(Bytes(payload).first(octets)) + "\n";
    }
  }
  return text;
}

CodecConfig config(CodecId id, std::uint32_t rate, std::uint8_t channels = 1) {
  return {.id = id, .rate = SampleRate(rate), .channels = channels, .opus = {}};
}

// The planner's rates: what `from` is decoded at and `to` encoded at.
void choose_rates(CodecConfig& from, CodecConfig& to) {
  const auto opus_rate = [](SampleRate rate) {
    for (const std::uint32_t each : {8'000U, 12'000U, 16'000U, 24'000U}) {
      if (rate.raw() <= each) return SampleRate(each);
    }
    return SampleRate(48'000);
  };
  const auto g722_rate = [](SampleRate rate) {
    return rate == SampleRate(8'000) ? rate : SampleRate(16'000);
  };
  const bool is_from_g722 = from.id == CodecId::G722;
  if (to.id == CodecId::G722) to.rate = is_from_g722 ? to.rate : g722_rate(from.rate);
  if (is_from_g722) from.rate = g722_rate(to.rate);
  if (to.id == CodecId::Opus) to.rate = opus_rate(from.rate);
  if (from.id == CodecId::Opus) from.rate = opus_rate(to.rate);
}

std::string arguments(const Side& from, const Side& to) {
  std::string text = "--from " + from.name + " --to " + to.name;
  const auto add = [&text](const Side& side, const std::string& which) {
    if (side.name == "l16")
      text += " --" + which + "-rate " + std::to_string(side.config.rate.raw());
    if (side.config.channels == 2) text += " --" + which + "-channels 2";
  };
  add(from, "from");
  add(to, "to");
  return text;
}

void expect_agreement(const Side& from, const Side& to, std::size_t ptime_in_ms,
                      std::size_t ptime_ms, const std::string& more = "") {
  const auto packets = packets_of(from, ptime_in_ms);
  const std::uint32_t ticks =
      static_cast<std::uint32_t>(rtp_clock_of(from.config).raw() * ptime_in_ms / 1000);
  CodecConfig decoding = from.config;
  CodecConfig encoding = to.config;
  choose_rates(decoding, encoding);
  const std::string ours = run_our_chain(decoding, encoding, ptime_ms, packets);
  const std::string line = arguments(from, to) + " --ptime-in " + std::to_string(ptime_in_ms) +
                           " --ptime " + std::to_string(ptime_ms) + more;
  const Outcome theirs = run_offline_chain(line, trace_of(packets, ticks));
  ASSERT_EQ(theirs.exit_code, 0) << line << ": " << theirs.output;
  EXPECT_GT(ours.size(), 1'000U) << line;
  EXPECT_TRUE(ours == theirs.output) << line;
}

std::vector<Side> every_side() {
  return {
      {"pcmu", config(CodecId::Pcmu, 8'000)},   {"pcma", config(CodecId::Pcma, 8'000)},
      {"g722", config(CodecId::G722, 16'000)},  {"opus", config(CodecId::Opus, 48'000)},
      {"l16", config(CodecId::L16, 8'000)},     {"l16", config(CodecId::L16, 16'000)},
      {"l16", config(CodecId::L16, 44'100, 2)}, {"l16", config(CodecId::L16, 48'000)},
  };
}

TEST(OfflineChain, AgreesWithTheCodecsRoomOnEveryPair) {
  for (const Side& from : every_side()) {
    for (const Side& to : every_side()) expect_agreement(from, to, 20, 20);
  }
}

TEST(OfflineChain, AgreesOnEveryChangeOfPacketLength) {
  const auto sides = every_side();
  const Side& pcmu = sides[0];
  const Side& g722 = sides[2];
  const Side& opus = sides[3];
  for (const auto& [ptime_in, ptime] :
       {std::pair{10, 20}, {20, 10}, {30, 20}, {20, 60}, {60, 20}, {10, 40}, {40, 30}}) {
    const auto in = static_cast<std::size_t>(ptime_in);
    const auto out = static_cast<std::size_t>(ptime);
    expect_agreement(g722, pcmu, in, out);
    if (out != 30) expect_agreement(pcmu, opus, in, out);
    if (in != 30) expect_agreement(opus, g722, in, out);
  }
}

TEST(OfflineChain, AgreesOnEverySettingOfTheOpusEncoder) {
  const auto sides = every_side();
  Side opus = sides[3];
  opus.config.opus = {.bitrate = 16'000,
                      .complexity = 9,
                      .has_inband_fec = true,
                      .expected_loss_percent = 15,
                      .has_dtx = true};
  expect_agreement(sides[0], opus, 20, 20, " --bitrate 16000 --complexity 9 --fec --loss 15 --dtx");
  opus.config.opus = {.bitrate = 32'000, .is_cbr = true};
  expect_agreement(sides[2], opus, 20, 20, " --bitrate 32000 --cbr");
}

TEST(OfflineChain, RefusesTracesThatItHasNoRulesFor) {
  const std::vector<Octets> packets(10, Octets(160));
  const std::string good = trace_of(packets, 160);
  const std::string line = "--from pcmu --to pcma";
  EXPECT_EQ(run_offline_chain(line, good).exit_code, 0);
  EXPECT_EQ(run_offline_chain(line + " --ptime-in 30", good).exit_code, 1);
  EXPECT_EQ(run_offline_chain(line, trace_of(packets, 170)).exit_code, 1);
  std::string gap = good;
  const std::size_t third = gap.find("\n40000000 ");
  gap.erase(third, gap.find('\n', third + 1) - third);
  EXPECT_EQ(run_offline_chain(line, gap).exit_code, 1);
  EXPECT_EQ(run_offline_chain(line, "0 80zz\n").exit_code, 1);
  EXPECT_EQ(run_offline_chain(line, "0 8000\n").exit_code, 1);
}

TEST(OfflineChain, TakesOnlyThePayloadTypeThatIsAskedFor) {
  std::string trace = trace_of(std::vector<Octets>(3, Octets(160)), 160);
  EXPECT_EQ(run_offline_chain("--from pcmu --to pcma --payload-type 96", trace).output.size(),
            3U * 321U);
  EXPECT_EQ(run_offline_chain("--from pcmu --to pcma --payload-type 101", trace).output, "");
}

TEST(OfflineChain, ExplainsAWrongCommandLine) {
  const Outcome outcome = run_offline_chain("--from pcmu", "");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.output.find("usage:"), std::string::npos);
  EXPECT_EQ(run_offline_chain("--from l16 --to pcmu", "").exit_code, 2);
  EXPECT_EQ(run_offline_chain("--from pcmu --to opus --bitrate many", "").exit_code, 2);
}

}  // namespace
}  // namespace causeway::codecs
