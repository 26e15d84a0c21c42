#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "codecs/opus_framing.h"
#include "relay/wire/telephone_event.h"
#include "tests/unit/relay/media/rig.h"

// What holds whatever comes in, in whatever order, and with whatever done to the leg meanwhile.
namespace causeway::media {
namespace {

using namespace test;

class Chaos : public testing::TestWithParam<unsigned> {
 protected:
  [[nodiscard]] unsigned any(unsigned below) { return static_cast<unsigned>(random_() % below); }
  [[nodiscard]] bool chance(unsigned percent) { return any(100) < percent; }

  [[nodiscard]] Transcoder::Config any_config() {
    const std::pair<PayloadType, codecs::CodecConfig> outputs[] = {
        {kPcmu, pcmu()}, {kG722, g722()}, {kOpus, opus()}, {kOpus, opus(48000, 2)}};
    const auto& [type, codec] = outputs[any(4)];
    Transcoder::Config config = config_of(kOpus, opus(codec.rate.raw()), type, codec);
    config.inputs.push_back({kPcma, pcma(), RtpClockRate(8000)});
    config.inputs.push_back({PayloadType(98), opus(48000, 2), RtpClockRate(48000)});
    const int ptimes[] = {10, 20, 20, 40, 60};
    config.output.ptime = milliseconds(ptimes[any(5)]);
    config.output.codec.opus.has_dtx = chance(50);
    config.output.has_dtx = chance(40);
    if (chance(20)) config.output.event_payload_type.reset();
    if (chance(30)) config.output.noise_payload_type = kNoise;
    return config;
  }

  [[nodiscard]] Octets any_payload(PayloadType type) {
    if (chance(5)) {
      Octets junk(any(60));
      for (std::byte& octet : junk) octet = std::byte{static_cast<std::uint8_t>(any(256))};
      return junk;
    }
    if (type == kPcma) return Octets(80 * (1 + any(6)), std::byte{0xd5});
    if (type == kNoise) return {std::byte{static_cast<std::uint8_t>(any(128))}};
    if (type == kEvent8 || type == kEvent48) {
      Octets payload(4);
      wire::TelephoneEvent{static_cast<std::uint8_t>(any(3)), chance(20), 10,
                           static_cast<std::uint16_t>(any(0x10000))}
          .write(payload);
      return payload;
    }
    return opus_[any(static_cast<unsigned>(opus_.size()))].payload;
  }

  std::mt19937 random_{GetParam()};
  const std::vector<Given> opus_ = [] {
    Samples pcm = speech(48000);
    pcm.resize(48000 * 2);
    return opus_packets_of({.has_fec = true, .has_dtx = true}, pcm);
  }();
};

TEST_P(Chaos, LeavesOneStreamAndCountsEveryPacketOnce) {
  Rig rig(any_config());
  Instant now = at(Duration(0));
  Given next{kOpus, SeqNum(65000), RtpTimestamp(0xffff0000), {}, false, kSource};
  const PayloadType types[] = {kOpus,    kOpus,  kOpus,           kOpus,          kOpus,
                               kOpus,    kOpus,  kOpus,           kPcma,          kEvent8,
                               kEvent48, kNoise, PayloadType(98), PayloadType(50)};
  std::uint64_t given = 0;
  for (int i = 0; i < 2000; ++i) {
    now += milliseconds(chance(90) ? 20 : any(chance(10) ? 5000 : 100));
    next.type = chance(85) ? kOpus : types[any(14)];
    next.payload = any_payload(next.type);
    next.has_marker = chance(5);
    Given packet = next;
    if (chance(4)) packet.seq = packet.seq.plus(static_cast<int>(any(20)) - 10);
    if (chance(2)) packet.timestamp = packet.timestamp.plus(static_cast<int>(any(96000)) - 48000);
    if (chance(1)) packet.ssrc = Ssrc(any(3));
    if (chance(1)) next.seq = next.seq.plus(static_cast<int>(any(65536)));
    if (chance(1)) next.timestamp = RtpTimestamp(any(0xffffffff));
    rig.give(now, packet);
    ++given;
    const TranscoderCounters& c = rig.counters();
    ASSERT_LE(c.decoded + c.late + c.duplicate + c.bad_payload + c.unknown_payload_type +
                  c.event_packets + c.noise_packets,
              given);
    next.seq = next.seq.plus(chance(95) ? 1 : 1 + static_cast<int>(any(4)));
    next.timestamp = next.timestamp.plus(960);
    if (chance(2)) {
      // The output's clock stays, as timestamps of two clocks cannot be compared.
      const RtpClockRate clock = rig.stream().clock_rate();
      Transcoder::Config config = any_config();
      while (config.output.clock != clock) config = any_config();
      rig.replan(config);
    }
    if (chance(2)) rig.transcoder().set_suppressed(chance(30));
  }
  rig.run_until(now + std::chrono::minutes(1));
  EXPECT_EQ(continuity_fault(rig.sent()), "");
  EXPECT_EQ(rig.pool().available(), rig.pool().size());
  EXPECT_EQ(rig.counters().pool_empty, 0U);
  const TranscoderCounters& c = rig.counters();
  EXPECT_EQ(c.decoded + c.late + c.duplicate + c.bad_payload + c.unknown_payload_type +
                c.event_packets + c.noise_packets,
            given);
}

// A worker that is late by more than a packet's time: the engine takes a deadline that is still due
// after it was handled for a broken invariant.
TEST_P(Chaos, LeavesNothingDueHoweverLateTheWorkerIs) {
  Rig rig(any_config());
  Instant now = at(Duration(0));
  Given next{kOpus, SeqNum(65000), RtpTimestamp(0xffff0000), {}, false, kSource};
  const PayloadType types[] = {kOpus, kOpus, kPcma, kEvent8, kEvent48, kNoise, PayloadType(98)};
  for (int i = 0; i < 1000; ++i) {
    now += milliseconds(any(chance(80) ? 30 : 400));
    Emit out = rig.emit();
    if (chance(80)) {
      next.type = chance(60) ? kOpus : types[any(7)];
      next.payload = any_payload(next.type);
      rig.transcoder().handle_packet(now, rig.make(next), out);
      next.seq = next.seq.plus(1 + (chance(10) ? 1 : 0));
      next.timestamp = next.timestamp.plus(960);
      rig.collect(now);
    }
    const auto due = rig.transcoder().next_timeout();
    if (!due || *due > now || chance(30)) continue;
    rig.transcoder().handle_timeout(now, out);
    const auto after = rig.transcoder().next_timeout();
    ASSERT_TRUE(!after || *after > now) << i;
    rig.collect(now);
  }
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

INSTANTIATE_TEST_SUITE_P(Transcoder, Chaos, testing::Range(0U, 60U));

TEST(TranscoderPacing, SendsWhatIsOverdueAtOnceAndStaysInStep) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), milliseconds(60));
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  rig.give(at(milliseconds(0)), packets[0]);
  Emit out = rig.emit();
  rig.transcoder().handle_timeout(at(milliseconds(55)), out);
  rig.collect(at(milliseconds(55)));
  EXPECT_EQ(rig.sent().size(), 3U);
  EXPECT_GT(*rig.transcoder().next_timeout(), at(milliseconds(55)));
}

TEST(TranscoderFec, FollowsWhatTheReceiverReports) {
  auto config = pcmu_to_opus();
  config.output.codec.opus.has_inband_fec = true;
  config.output.codec.opus.bitrate = 32'000;
  Rig rig(config);
  const auto packets = packets_of(pcmu(), kPcmu, speech(), milliseconds(20));
  auto fec_in_next = [&, i = 0](int count) mutable {
    const std::size_t before = rig.sent().size();
    for (const int end = i + count; i < end; ++i) {
      rig.give(at(milliseconds(20) * i), packets[static_cast<std::size_t>(i)]);
    }
    return std::count_if(
        rig.sent().begin() + static_cast<std::ptrdiff_t>(before), rig.sent().end(),
        [](const Sent& sent) { return codecs::OpusPacket::parse(sent.payload)->has_lbrr(); });
  };
  EXPECT_EQ(fec_in_next(100), 0) << "no loss reported, no FEC";
  rig.transcoder().set_expected_loss(20);
  EXPECT_GT(fec_in_next(100), 30);
  config.output.codec.opus.bitrate = 28'000;
  rig.replan(config);
  EXPECT_GT(fec_in_next(100), 30) << "the new encoder is told as well";
  rig.transcoder().set_expected_loss(0);
  (void)fec_in_next(2);
  EXPECT_EQ(fec_in_next(90), 0);
}

TEST(TranscoderTimestamps, MayBeALittleOffWhatThePacketsHold) {
  // A sender that stamps by its clock: up to 3 ms off, no loss and no silence.
  auto packets = packets_of(pcmu(), kPcmu, speech(), milliseconds(20));
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  for (std::size_t i = 0; i < packets.size(); ++i) {
    packets[i].timestamp = packets[i].timestamp.plus(static_cast<int>((i * 7) % 49) - 24);
    rig.give(at(milliseconds(20 * i)), packets[i]);
    ASSERT_EQ(rig.sent().size(), i + 1);
  }
  EXPECT_EQ(rig.counters().silences, 0U);
  EXPECT_EQ(rig.counters().concealed, 0U);
  EXPECT_EQ(rig.counters().discontinuities, 0U);
  EXPECT_EQ(rig.sent().back().timestamp.distance_from(rig.sent()[0].timestamp),
            160 * static_cast<int>(packets.size() - 1));
}

}  // namespace
}  // namespace causeway::media
