// A trace of inputs, recorded once and kept, gives the same octets out: twice in a row, with every
// compiler, after every change that is not meant to change them. CAUSEWAY_RECORD_GOLDEN=1 makes the
// traces anew; what then differs in git is what has changed on the wire.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/sim/world.h"

namespace causeway {
namespace {

using namespace std::chrono_literals;
using sim::Flying;
using sim::World;

constexpr std::uint64_t kSeed = 20'261'123;
const char* const kFolder = "tests/golden/";

std::string hex(Bytes octets) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte octet : octets) {
    text += kDigits[std::to_integer<unsigned>(octet) >> 4];
    text += kDigits[std::to_integer<unsigned>(octet) & 15];
  }
  return text;
}

std::vector<std::byte> from_hex(const std::string& text) {
  std::vector<std::byte> octets;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    octets.push_back(static_cast<std::byte>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return octets;
}

/// One scenario: the legs of its session, and what its endpoints sent.
struct Scenario {
  std::string name;
  sim::LegParts a;
  sim::LegParts b;
};

sim::LegParts leg(std::uint16_t number, const char* id, const char* remote,
                  std::vector<engine::CodecSpec> codecs) {
  sim::LegParts parts;
  parts.number = number;
  parts.spec.id = id;
  parts.spec.remote_rtp = sim::address(remote);
  parts.spec.codecs = std::move(codecs);
  return parts;
}

engine::CodecSpec opus() { return sim::make_codec(111, "opus", 48000); }

Scenario scenario(const std::string& name) {
  const auto event =
      sim::make_codec(101, "telephone-event", 8000, engine::MediaKind::TelephoneEvent);
  Scenario made{name, leg(1, "a", "192.0.2.1:4000", {sim::make_codec(0, "PCMU"), event}),
                leg(2, "b", "192.0.2.2:5000", {sim::make_codec(0, "PCMU"), event})};
  if (name == "rekey" || name == "main_job") {
    made.a.spec.security = engine::Security::Sdes;
    const auto suite =
        name == "rekey" ? wire::SrtpSuite::AesCm128HmacSha1_80 : wire::SrtpSuite::AeadAes128Gcm;
    made.a.spec.receive_suite = made.a.spec.send_suite = suite;
    made.a.keys = {suite, 0x21, 0x42};
  }
  if (name == "main_job") made.a.spec.codecs = {opus()};
  if (name == "g722_to_pcma") {
    made.a.spec.codecs = {sim::make_codec(9, "G722")};
    made.b.spec.codecs = {sim::make_codec(8, "PCMA")};
  }
  return made;
}

/// What the endpoint of `parts` sends: 60 packets of a rising tone, a few lost, two swapped, one
/// twice.
void record_endpoint(const sim::LegParts& parts, PacketPool& pool, Instant start,
                     std::vector<std::pair<Instant, std::string>>& lines) {
  const engine::CodecSpec& spec = parts.spec.codecs[0];
  codecs::CodecConfig config = *engine::codec_of(spec);
  const auto encoder = std::move(*codecs::make_encoder(config));
  std::unique_ptr<srtp::SrtpSender> seal;
  if (parts.keys) {
    seal = std::move(
        *srtp::SrtpSender::create(sim::make_keys(parts.keys->suite, parts.keys->receive_fill), {}));
  }
  const std::size_t frame = config.rate.raw() / 50;
  double phase = 0;
  for (std::uint16_t i = 0; i < 60; ++i) {
    std::vector<std::int16_t> pcm(frame);
    for (auto& sample : pcm) {
      phase += 6.283185307 * (300.0 + 20.0 * i) / config.rate.raw();
      sample = static_cast<std::int16_t>(std::lround(9000.0 * std::sin(phase)));
    }
    std::vector<std::byte> payload(1500);
    payload.resize(*encoder->encode(pcm, payload));
    auto open = wire::OpenRtp::make(pool.take(), spec.payload_type, i == 0, SeqNum(65'500).plus(i),
                                    RtpTimestamp(4'294'960'000U + spec.clock.raw() / 50 * i),
                                    Ssrc(0x1000U + parts.number), payload);
    PacketBuf packet = seal ? std::move(*seal->seal(std::move(open))) : std::move(open).take();
    const std::string line = parts.spec.id + " " + hex(std::as_const(packet).data());
    if (i % 17 == 5) continue;
    const Duration late = i % 13 == 7 ? 25ms : 0ms;
    lines.emplace_back(start + 20ms * i + late, line);
    if (i % 19 == 3) lines.emplace_back(start + 20ms * i + 1ms, line);
  }
}

void record_trace(const Scenario& what) {
  PacketPool pool(8);
  std::vector<std::pair<Instant, std::string>> lines;
  const Instant start = World(kSeed).now() + 100ms;
  record_endpoint(what.a, pool, start, lines);
  record_endpoint(what.b, pool, start + 7ms, lines);
  std::ranges::stable_sort(lines, {}, &std::pair<Instant, std::string>::first);
  std::ofstream file(kFolder + what.name + ".trace");
  for (const auto& [at, line] : lines) file << at.time_since_epoch().count() << " " << line << "\n";
}

/// Replays the recorded inputs and writes down every octet that leaves, and when.
std::string replay(const Scenario& what) {
  World world(kSeed);
  std::string out;
  world.on_transmit = [&](Instant at, const Flying& sent) {
    out += std::to_string(at.time_since_epoch().count()) + " " + sent.from.to_string() + " " +
           sent.to.to_string() + " " + hex(sent.octets) + "\n";
  };
  const auto opened = world.open(sim::make_bridge(what.a, what.b, world.random()));
  std::ifstream file(kFolder + what.name + ".trace");
  std::int64_t at = 0;
  std::string who;
  std::string octets;
  while (file >> at >> who >> octets) {
    const bool is_a = who == "a";
    const SocketAddress from = *(is_a ? what.a : what.b).spec.remote_rtp;
    const SocketAddress to = opened->addresses[is_a ? 0 : 1].rtp;
    world.set_faults(from, {0, 0, 0ms, 0ms});
    world.at(Instant(Duration(at)),
             [&world, from, to, packet = from_hex(octets)] { world.send(from, to, packet); });
  }
  world.run_for(3s);
  return out;
}

class Golden : public testing::TestWithParam<const char*> {};

TEST_P(Golden, ARecordedTraceReplaysToTheSameOctetsTwice) {
  const Scenario what = scenario(GetParam());
  const std::string expected_path = kFolder + what.name + ".expected";
  if (std::getenv("CAUSEWAY_RECORD_GOLDEN") != nullptr) {
    record_trace(what);
    std::ofstream(expected_path) << replay(what);
  }
  std::ifstream file(expected_path);
  std::stringstream expected;
  expected << file.rdbuf();
  ASSERT_FALSE(expected.str().empty()) << expected_path << " is missing";
  const std::string first = replay(what);
  EXPECT_EQ(first, replay(what)) << "the engine is not deterministic";
  EXPECT_EQ(first, expected.str()) << "the wire has changed; if that is meant, record it anew";
}

INSTANTIATE_TEST_SUITE_P(Scenarios, Golden,
                         testing::Values("forward", "rekey", "main_job", "g722_to_pcma"));

}  // namespace
}  // namespace causeway
