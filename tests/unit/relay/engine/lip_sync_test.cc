// One sender's sound and picture through one engine: the sound is transcoded, the picture passes.
// What the endpoint at the far end can know of when they were captured is their RTP timestamps and
// the SRs of both streams (RFC 3550 6.4.1). DESIGN.md section 3: they stay in step.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <vector>

#include "codecs/codec.h"
#include "codecs/g711.h"
#include "relay/rtp/ntp.h"
#include "relay/wire/rtcp.h"
#include "relay/wire/rtcp_writer.h"
#include "tests/sim/world.h"

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;
using sim::address;
using sim::Flying;
using sim::LegParts;
using sim::World;

constexpr std::uint8_t kPcmu = 0;
constexpr std::uint8_t kVp8 = 96;
constexpr Ssrc kVoice{0xa0d10};
constexpr Ssrc kPicture{0x71de0};
constexpr RtpClockRate k8k{8000};
constexpr RtpClockRate k90k{90000};
/// The middle of a burst of sound, once a second, from the second's beginning.
constexpr Duration kBurstAt = 500ms;
constexpr Duration kBurst = 8ms;

/// A sender whose clocks are its own: its NTP clock runs 30 ppm fast, its sound card 60 ppm slow
/// against that.
struct SenderClock {
  Instant start{1000s};
  NtpTime ntp_at_start{0x1122334400000000};

  [[nodiscard]] NtpTime ntp(Instant at) const {
    const Duration since = at - start;
    return rtp::ntp_plus(ntp_at_start, since + since * 30 / 1'000'000);
  }
  /// Of a moment of capture, in samples since the start; the sound card's.
  [[nodiscard]] std::int64_t sample(Instant at) const {
    const Duration since = at - start;
    return duration_to_ticks(since - since * 30 / 1'000'000, k8k);
  }
  /// When sample `n` was captured.
  [[nodiscard]] Instant captured(std::int64_t n) const {
    const Duration since = ticks_to_duration(n, k8k);
    return start + since + since * 30 / 1'000'000;
  }
};

double ms_since(NtpTime from, NtpTime to) {
  return static_cast<double>(static_cast<std::int64_t>(to.raw() - from.raw())) / 4294967.296;
}

/// The last SR of a stream, as the far end has it.
struct Mapping {
  std::optional<wire::SenderInfo> sr;
  /// When the medium `ticks` behind `timestamp` was captured, by the sender's clock: in ms since
  /// `from`.
  [[nodiscard]] double since(NtpTime from, RtpTimestamp timestamp, double ticks,
                             RtpClockRate clock) const {
    const double behind = timestamp.distance_from(sr->rtp_timestamp) + ticks;
    return ms_since(from, sr->ntp) + behind * 1000 / clock.raw();
  }
};

struct Case {
  const char* name = "";
  CodecSpec output;
  codecs::CodecConfig decoder;
  Duration picture_delay = 80ms;  ///< From capture to sending: what its encoder takes.
  Duration jitter = 0ms;
  std::uint32_t loss = 0;         ///< In 1/1000.
  bool has_one_compound = false;  ///< The SRs of both in one, the picture's first.
};

struct Drift {
  double least = 1e9;
  double greatest = -1e9;
  int bursts = 0;
  int pictures = 0;
};

class Call {
 public:
  explicit Call(const Case& setup) : setup_(setup), decoder_(*codecs::make_decoder(setup.decoder)) {
    LegParts a;
    a.spec.id = "a";
    a.number = 1;
    a.spec.has_rtcp_mux = true;
    a.spec.remote_rtp = a_;
    const CodecSpec picture = sim::make_codec(kVp8, "VP8", 90000, MediaKind::Video);
    a.spec.codecs = {sim::make_codec(kPcmu, "PCMU"), picture};
    LegParts b = a;
    b.spec.id = "b";
    b.number = 2;
    b.spec.remote_rtp = b_;
    b.spec.codecs = {setup.output, picture};
    world_.attach(a_, [](Instant, const Flying&) {});
    world_.attach(b_, [this](Instant, const Flying& in) { receive(in); });
    world_.set_faults(a_, {.loss = setup.loss, .delay = 40ms, .jitter = setup.jitter});
    session_ = world_.open(sim::make_bridge(a, b, world_.random()));
    clock_.start = world_.now();
    speak(0);
    show(0);
    world_.at(world_.now() + 1s, [this] { report_voice(); });
    world_.at(world_.now() + 300ms, [this] { report_picture(); });
  }

  Drift run(Duration span) {
    world_.run_for(span);
    Drift drift;
    drift.pictures = pictures_;
    std::vector<double> energies;
    for (const auto& [second, sound] : sounds_) energies.push_back(sound.energy);
    std::ranges::sort(energies);
    for (const auto& [second, sound] : sounds_) {
      const auto picture = picture_error_.find(second);
      // SRs of both streams have been heard by then.
      if (second < 12 || picture == picture_error_.end()) continue;
      // Of a burst that was lost in part and concealed nobody knows the middle.
      if (std::abs(sound.energy / energies[energies.size() / 2] - 1) > 0.25) continue;
      ++drift.bursts;
      drift.least = std::min(drift.least, sound.error - picture->second);
      drift.greatest = std::max(drift.greatest, sound.error - picture->second);
    }
    return drift;
  }

 private:
  // ---- the sender -------------------------------------------------------------------------------

  [[nodiscard]] SocketAddress port() const { return session_->addresses[0].rtp; }

  void speak(std::int64_t n) {
    std::vector<std::int16_t> pcm(160);
    for (int i = 0; i < 160; ++i) {
      const Instant at = clock_.captured(n * 160 + i);
      const Duration in_second = (at - clock_.start) % 1s;
      if (in_second >= kBurstAt - kBurst / 2 && in_second < kBurstAt + kBurst / 2) {
        pcm[static_cast<std::size_t>(i)] =
            static_cast<std::int16_t>(12000 * std::sin(static_cast<double>(i) * 0.785));
      }
    }
    std::vector<std::byte> payload(160);
    for (std::size_t i = 0; i < pcm.size(); ++i)
      payload[i] = std::byte{codecs::encode_pcmu(pcm[i])};
    // A packet leaves when its last sample has been captured, and a little later.
    const Instant leaves = clock_.captured((n + 1) * 160) + 3ms;
    world_.at(leaves, [this, n, payload] {
      const auto packet =
          sim::rtp_packet(kPcmu, static_cast<std::uint16_t>(n),
                          static_cast<std::uint32_t>(5000 + n * 160), kVoice.raw(), payload);
      world_.send(a_, port(), packet);
      ++sent_voice_;
      speak(n + 1);
    });
  }

  void show(std::uint32_t n) {
    const Instant captured = clock_.start + n * 40ms;
    world_.at(captured + setup_.picture_delay, [this, n, captured] {
      std::vector<std::byte> payload(100);
      store_be32(payload.data(), n);
      const std::int64_t ticks =
          std::llround(ms_since(clock_.ntp_at_start, clock_.ntp(captured)) * 90);
      world_.send(
          a_, port(),
          sim::rtp_packet(kVp8, static_cast<std::uint16_t>(n),
                          static_cast<std::uint32_t>(777 + ticks), kPicture.raw(), payload, true));
      show(n + 1);
    });
  }

  [[nodiscard]] wire::SenderInfo voice_info() const {
    const Instant now = world_.now();
    return {kVoice, clock_.ntp(now),
            RtpTimestamp(static_cast<std::uint32_t>(5000 + clock_.sample(now))), sent_voice_, 1};
  }
  [[nodiscard]] wire::SenderInfo picture_info() const {
    const Instant now = world_.now();
    const double ms = ms_since(clock_.ntp_at_start, clock_.ntp(now));
    return {kPicture, clock_.ntp(now),
            RtpTimestamp(static_cast<std::uint32_t>(777 + std::llround(ms * 90))), 1, 1};
  }
  void report(std::initializer_list<wire::SenderInfo> infos) {
    std::array<std::byte, 500> octets{};
    wire::RtcpWriter writer(octets);
    for (const wire::SenderInfo& info : infos) {
      writer.sender_report(info, {});
      writer.sdes_cname(info.ssrc, "sender");
    }
    const auto written = writer.written();
    world_.send(a_, port(), {written.begin(), written.end()});
  }
  void report_voice() {
    if (!setup_.has_one_compound) report({voice_info()});
    world_.at(world_.now() + 5s, [this] { report_voice(); });
  }
  void report_picture() {
    if (setup_.has_one_compound) {
      report({picture_info(), voice_info()});
    } else {
      report({picture_info()});
    }
    world_.at(world_.now() + 1700ms, [this] { report_picture(); });
  }

  // ---- the far end ------------------------------------------------------------------------------

  void receive(const Flying& in) {
    if (wire::kRtpFixedHeaderOctets > in.octets.size()) return;
    if (wire::is_rtcp(in.octets)) return receive_rtcp(in.octets);
    const std::uint8_t type = load_u8(&in.octets[1]) & 0x7fU;
    const Ssrc ssrc(load_be32(&in.octets[8]));
    const RtpTimestamp timestamp(load_be32(&in.octets[4]));
    const Bytes payload = Bytes(in.octets).subspan(12);
    if (type == kVp8) return see(mappings_[ssrc], timestamp, load_be32(payload.data()));
    if (type == setup_.output.payload_type.raw()) hear(mappings_[ssrc], timestamp, payload);
  }

  void receive_rtcp(Bytes octets) {
    const auto compound = wire::check_rtcp_compound(octets);
    ASSERT_TRUE(compound);
    for (const wire::RtcpPacket packet : *compound) {
      const auto sr = wire::SenderReport::parse(packet);
      if (sr) mappings_[sr->sender.ssrc].sr = sr->sender;
    }
  }

  void see(const Mapping& mapping, RtpTimestamp timestamp, std::uint32_t n) {
    ++pictures_;
    if (!mapping.sr || n % 25 != 0) return;
    const double captured = ms_since(clock_.ntp_at_start, clock_.ntp(clock_.start + n * 40ms));
    picture_error_[n / 25] = mapping.since(clock_.ntp_at_start, timestamp, 0, k90k) - captured;
  }

  /// A burst is where the middle of its energy is; it may lie in several packets.
  void hear(const Mapping& mapping, RtpTimestamp timestamp, Bytes payload) {
    std::vector<std::int16_t> pcm(codecs::kMaxPcmSamples * 2);
    const auto samples = decoder_->decode(payload, pcm);
    ASSERT_TRUE(samples);
    const double clock = setup_.output.clock.raw();
    const double ticks_a_sample = clock / setup_.decoder.rate.raw();
    bool is_heard = false;
    for (std::size_t i = 0; i < *samples; ++i) {
      const double level = std::abs(static_cast<double>(pcm[i * setup_.decoder.channels]));
      if (level < 1000) continue;
      double at = timestamp.distance_from(burst_.first) + static_cast<double>(i) * ticks_a_sample;
      if (std::abs(at) > clock / 10) {
        burst_ = {.first = timestamp};
        at = static_cast<double>(i) * ticks_a_sample;
      }
      is_heard = true;
      burst_.energy += level * level;
      burst_.moment += level * level * at;
    }
    if (!is_heard || !mapping.sr) return;
    const double captured = mapping.since(clock_.ntp_at_start, burst_.first,
                                          burst_.moment / burst_.energy, setup_.output.clock);
    const auto second = std::llround((captured - 500) / 1000);
    const double truth =
        ms_since(clock_.ntp_at_start, clock_.ntp(clock_.start + second * 1s + kBurstAt));
    sounds_[second] = {captured - truth, burst_.energy};
  }

  const Case setup_;
  const SocketAddress a_ = address("192.0.2.1:4000");
  const SocketAddress b_ = address("192.0.2.2:5000");
  World world_{7};
  std::unique_ptr<OpenSession> session_;
  SenderClock clock_;
  std::uint32_t sent_voice_ = 0;
  std::unique_ptr<codecs::Decoder> decoder_;
  std::map<Ssrc, Mapping> mappings_;
  struct Sound {
    double error = 0;  // ms
    double energy = 0;
  };
  std::map<std::int64_t, Sound> sounds_;          // by second of capture
  std::map<std::int64_t, double> picture_error_;  // the same, in ms
  struct Burst {
    RtpTimestamp first;
    double energy = 0;
    double moment = 0;  // in ticks behind `first`
  };
  Burst burst_;
  int pictures_ = 0;
};

CodecSpec output(std::uint8_t type, const char* name, std::uint32_t clock, Duration ptime) {
  CodecSpec codec = sim::make_codec(type, name, clock);
  codec.ptime = ptime;
  return codec;
}

constexpr codecs::CodecConfig kPcma{codecs::CodecId::Pcma};
constexpr codecs::CodecConfig kOpus{codecs::CodecId::Opus, SampleRate(48000)};
constexpr codecs::CodecConfig kG722{codecs::CodecId::G722, SampleRate(16000)};

class LipSync : public testing::TestWithParam<Case> {};

TEST_P(LipSync, DriftsByTenMillisecondsAtMostInTenMinutes) {
  Call call(GetParam());
  const Drift drift = call.run(10min);
  RecordProperty("least_ms", std::to_string(drift.least));
  RecordProperty("greatest_ms", std::to_string(drift.greatest));
  EXPECT_GT(drift.bursts, 500);
  EXPECT_GT(drift.pictures, 14000);
  EXPECT_GT(drift.least, -10.0);
  EXPECT_LT(drift.greatest, 10.0);
}

INSTANTIATE_TEST_SUITE_P(
    Calls, LipSync,
    testing::Values(
        Case{.name = "Pcma", .output = output(8, "PCMA", 8000, 20ms), .decoder = kPcma},
        Case{.name = "PcmaWithJitterAndLoss",
             .output = output(8, "PCMA", 8000, 20ms),
             .decoder = kPcma,
             .jitter = 30ms,
             .loss = 20},
        Case{.name = "PcmaOfSixtyMilliseconds",
             .output = output(8, "PCMA", 8000, 60ms),
             .decoder = kPcma},
        Case{.name = "PcmaReportedInOneCompound",
             .output = output(8, "PCMA", 8000, 20ms),
             .decoder = kPcma,
             .has_one_compound = true},
        Case{.name = "Opus", .output = output(111, "opus", 48000, 20ms), .decoder = kOpus},
        Case{.name = "G722", .output = output(9, "G722", 8000, 20ms), .decoder = kG722}),
    [](const auto& named) { return std::string(named.param.name); });

}  // namespace
}  // namespace causeway::engine
