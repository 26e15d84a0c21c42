#include "relay/media/transcoder.h"

#include <gtest/gtest.h>

#include "tests/unit/relay/media/rig.h"

namespace causeway::media {
namespace {

using namespace test;

// Gives every packet when it is due; `spacing` apart.
void give_all(Rig& rig, const std::vector<Given>& packets, Duration spacing) {
  for (std::size_t i = 0; i < packets.size(); ++i) {
    rig.give(at(spacing * static_cast<int>(i)), packets[i]);
  }
}

TEST(Transcoder, SendsOpusAsPcmuBitForBitAsLibopusDecodesIt) {
  const auto packets = opus_packets_of({}, speech(48000));
  Rig rig(opus_to_pcmu());
  give_all(rig, packets, milliseconds(20));
  OpusReference reference(8000);
  Samples expected;
  for (const Given& packet : packets) append(expected, reference.decode(packet.payload, 160));
  EXPECT_EQ(joined(rig.sent()), encode_pcmu(expected));
  EXPECT_EQ(continuity_fault(rig.sent()), "");
  EXPECT_EQ(rig.counters().decoded, packets.size());
  EXPECT_EQ(rig.counters().encoded, packets.size());
}

struct Pair {
  const char* name;
  PayloadType from_type;
  codecs::CodecConfig from;
  PayloadType to_type;
  codecs::CodecConfig to;
};

class EveryPair : public testing::TestWithParam<Pair> {};

TEST_P(EveryPair, SendsEachTwentyMillisecondPacketAtTheInstantItCame) {
  const Pair& pair = GetParam();
  Rig rig(config_of(pair.from_type, pair.from, pair.to_type, pair.to));
  const auto packets =
      packets_of(pair.from, pair.from_type, speech(pair.from.rate.raw()), milliseconds(20));
  // Arrivals that jitter by up to 9 ms, in order.
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const Instant now = at(milliseconds(20 * i + (i * 7) % 10));
    rig.give(now, packets[i]);
    ASSERT_EQ(rig.sent().size(), i + 1);
    ASSERT_EQ(rig.sent().back().at, now);
    ASSERT_EQ(rig.sent().back().type, pair.to_type);
  }
  EXPECT_EQ(continuity_fault(rig.sent()), "");
  const auto ticks = duration_to_ticks(milliseconds(20), codecs::rtp_clock_of(pair.to));
  for (std::size_t i = 1; i < rig.sent().size(); ++i) {
    ASSERT_EQ(rig.sent()[i].timestamp.distance_from(rig.sent()[i - 1].timestamp), ticks);
    ASSERT_FALSE(rig.sent()[i].has_marker);
  }
  EXPECT_TRUE(rig.sent()[0].has_marker);
  EXPECT_EQ(rig.counters().concealed, 0U);
  EXPECT_EQ(rig.counters().paced, 0U);
}

const Pair kPairs[] = {
    {"PcmuPcma", kPcmu, pcmu(), kPcma, pcma()},
    {"PcmuOpus", kPcmu, pcmu(), kOpus, opus(8000)},
    {"PcmuG722", kPcmu, pcmu(), kG722, g722()},
    {"G722Pcmu", kG722, g722(), kPcmu, pcmu()},
    {"G722Opus", kG722, g722(), kOpus, opus(16000)},
    {"OpusPcma", kOpus, opus(8000), kPcma, pcma()},
    {"OpusG722", kOpus, opus(16000), kG722, g722()},
    {"OpusOpus", kOpus, opus(48000), kOpus, opus(48000)},
    {"L16Pcmu", PayloadType(97), {codecs::CodecId::L16, SampleRate(16000), 1, {}}, kPcmu, pcmu()},
    {"PcmuL16", kPcmu, pcmu(), PayloadType(97), {codecs::CodecId::L16, SampleRate(16000), 1, {}}},
};
INSTANTIATE_TEST_SUITE_P(Transcoder, EveryPair, testing::ValuesIn(kPairs),
                         [](const auto& pair) { return std::string(pair.param.name); });

TEST(Transcoder, CarriesTenMillisecondsOverFromThirtyToTwenty) {
  auto config = pcmu_to_opus();
  config.output = config_of(kOpus, opus(), kPcma, pcma()).output;
  const Samples voice = speech();
  const auto packets = packets_of(pcmu(), kPcmu, voice, milliseconds(30));
  Rig rig(config);
  give_all(rig, packets, milliseconds(30));
  rig.run_until(at(milliseconds(30) * static_cast<int>(packets.size() - 1) + milliseconds(20)));
  // 30 ms makes one frame and a half: 0, 30, 50 (paced), 60 ...
  const std::vector<Duration> expected{milliseconds(0),  milliseconds(30), milliseconds(50),
                                       milliseconds(60), milliseconds(90), milliseconds(110)};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(rig.sent()[i].at, at(expected[i])) << i;
    EXPECT_EQ(rig.sent()[i].timestamp.distance_from(rig.sent()[0].timestamp),
              160 * static_cast<int>(i));
  }
  EXPECT_EQ(rig.counters().encoded, packets.size() * 3 / 2);
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

TEST(Transcoder, PacesTheFramesOfALongPacketAndSendsTheFirstAtOnce) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), milliseconds(60));
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  give_all(rig, packets, milliseconds(60));
  rig.run_until(at(milliseconds(60) * static_cast<int>(packets.size() - 1) + milliseconds(40)));
  ASSERT_EQ(rig.sent().size(), packets.size() * 3);
  for (std::size_t i = 0; i < rig.sent().size(); ++i) {
    ASSERT_EQ(rig.sent()[i].at, at(milliseconds(20 * i)));
  }
  EXPECT_EQ(rig.counters().paced, packets.size() * 2);
}

TEST(Transcoder, LetsNoLaterInputOvertakePacedFrames) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), milliseconds(60));
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  rig.give(at(milliseconds(0)), packets[0]);
  rig.give(at(milliseconds(5)), packets[1]);
  rig.give(at(milliseconds(10)), packets[2]);
  rig.run_until(at(milliseconds(50)));
  ASSERT_EQ(rig.sent().size(), 9U);
  EXPECT_EQ(continuity_fault(rig.sent()), "");
  EXPECT_EQ(rig.sent()[3].at, at(milliseconds(5))) << "the first frame of the second packet";
  EXPECT_EQ(rig.sent()[8].at, at(milliseconds(50)));
}

TEST(Transcoder, AddsTwoShortPacketsUpToOneFrame) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), milliseconds(10));
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  give_all(rig, packets, milliseconds(10));
  ASSERT_EQ(rig.sent().size(), packets.size() / 2);
  EXPECT_EQ(rig.sent()[0].at, at(milliseconds(10)));
  EXPECT_EQ(rig.sent()[1].at, at(milliseconds(30)));
}

TEST(Transcoder, ArmsNoTimerBeforeTheFirstPacket) {
  Rig rig(opus_to_pcmu());
  EXPECT_EQ(rig.transcoder().next_timeout(), std::nullopt);
}

TEST(Transcoder, TakesSpuriousTimeoutsForNothing) {
  const auto packets = opus_packets_of({}, speech(48000));
  Rig rig(opus_to_pcmu());
  rig.give(at(milliseconds(0)), packets[0]);
  Emit out = rig.emit();
  for (int i = 0; i < 20; ++i) rig.transcoder().handle_timeout(at(milliseconds(i)), out);
  rig.collect(at(milliseconds(20)));
  EXPECT_EQ(rig.sent().size(), 1U);
}

TEST(Transcoder, DecodesEveryFrameLengthOfOpus) {
  const std::vector<Duration> ptimes{Duration(2'500'000), milliseconds(5),  milliseconds(10),
                                     milliseconds(20),    milliseconds(40), milliseconds(60)};
  for (const Duration ptime : ptimes) {
    for (const int channels : {1, 2}) {
      Samples pcm;
      for (const std::int16_t value : speech(48000)) {
        for (int i = 0; i < channels; ++i) pcm.push_back(value);
      }
      const auto packets = opus_packets_of({.channels = channels, .ptime = ptime}, pcm);
      Rig rig(opus_to_pcmu());
      give_all(rig, packets, ptime);
      rig.run_until(at(ptime * static_cast<int>(packets.size()) + milliseconds(1)));
      OpusReference reference(8000);
      Samples expected;
      const auto samples = static_cast<std::size_t>(ptime.count() * 8000 / 1'000'000'000);
      for (const Given& packet : packets) {
        append(expected, reference.decode(packet.payload, samples));
      }
      const auto sent = joined(rig.sent());
      ASSERT_EQ(rig.counters().decoded, packets.size());
      ASSERT_GE(sent.size() + 320, expected.size());
      expected.resize(sent.size());
      EXPECT_EQ(sent, encode_pcmu(expected)) << ptime.count() << " ns, " << channels;
    }
  }
}

TEST(Transcoder, DecodesACode3PacketOf120Milliseconds) {
  const auto frames = opus_packets_of({}, speech(48000));
  OpusRepacketizer* joiner = opus_repacketizer_create();
  for (std::size_t i = 0; i < 6; ++i) {
    opus_repacketizer_cat(joiner, reinterpret_cast<const unsigned char*>(frames[i].payload.data()),
                          static_cast<opus_int32>(frames[i].payload.size()));
  }
  Given packet = frames[0];
  packet.payload.resize(1500);
  packet.payload.resize(static_cast<std::size_t>(opus_repacketizer_out(
      joiner, reinterpret_cast<unsigned char*>(packet.payload.data()), 1500)));
  opus_repacketizer_destroy(joiner);
  Rig rig(opus_to_pcmu());
  rig.give(at(milliseconds(0)), packet);
  rig.run_until(at(milliseconds(100)));
  ASSERT_EQ(rig.sent().size(), 6U);
  OpusReference reference(8000);
  EXPECT_EQ(joined(rig.sent()), encode_pcmu(reference.decode(packet.payload, 960)));
}

TEST(Transcoder, FollowsASenderThatChangesItsCodec) {
  auto config = config_of(kPcmu, pcmu(), kG722, g722());
  config.inputs.push_back({kPcma, pcma(), RtpClockRate(8000)});
  const auto in_pcmu = packets_of(pcmu(), kPcmu, speech(), milliseconds(20));
  const auto in_pcma = packets_of(pcma(), kPcma, speech(), milliseconds(20));
  Rig rig(config);
  for (std::size_t i = 0; i < 200; ++i) {
    rig.give(at(milliseconds(20 * i)), (i / 10) % 2 == 0 ? in_pcmu[i] : in_pcma[i]);
  }
  EXPECT_EQ(rig.sent().size(), 200U);
  EXPECT_EQ(rig.counters().discontinuities, 0U);
  EXPECT_EQ(rig.counters().concealed, 0U);
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

TEST(Transcoder, FollowsASenderThatChangesItsPtime) {
  const Samples voice = speech();
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  Duration now{};
  Samples given;
  Given packet{kPcmu, SeqNum(1), RtpTimestamp(77), {}, true, kSource};
  for (int i = 0; i < 100; ++i) {
    const auto samples = static_cast<std::size_t>(i % 3 == 0 ? 80 : i % 3 == 1 ? 320 : 160);
    const Samples part(voice.begin() + static_cast<std::ptrdiff_t>(given.size()),
                       voice.begin() + static_cast<std::ptrdiff_t>(given.size() + samples));
    packet.payload = encode_pcmu(part);
    rig.give(at(now), packet);
    append(given, part);
    now += milliseconds(samples / 8);
    packet.seq = packet.seq.plus(1);
    packet.timestamp = packet.timestamp.plus(static_cast<int>(samples));
  }
  rig.run_until(at(now));
  EXPECT_EQ(rig.counters().concealed, 0U);
  EXPECT_EQ(rig.counters().silences, 0U);
  EXPECT_EQ(rig.counters().encoded, given.size() / 160);
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

TEST(Transcoder, CountsWhatItCannotUse) {
  Rig rig(opus_to_pcmu());
  rig.give(at(milliseconds(0)), {kOpus, SeqNum(1), RtpTimestamp(0), {}, false, kSource});
  rig.give(at(milliseconds(0)), {kG722, SeqNum(2), RtpTimestamp(0), Octets(160), false, kSource});
  rig.give(at(milliseconds(0)), {kEvent8, SeqNum(3), RtpTimestamp(0), Octets(3), false, kSource});
  EXPECT_EQ(rig.counters().bad_payload, 2U);
  EXPECT_EQ(rig.counters().unknown_payload_type, 1U);
  EXPECT_TRUE(rig.sent().empty());
  EXPECT_EQ(rig.transcoder().next_timeout(), std::nullopt);
}

TEST(Transcoder, AddsNoDelayButThatOfCodecAndResampler) {
  const auto delay_of = [](const Transcoder::Config& config) {
    Rig rig(config);
    const Transcoder::Input& input = config.inputs[0];
    const auto packets = packets_of(input.codec, input.payload_type, speech(input.codec.rate.raw()),
                                    milliseconds(20));
    give_all(rig, packets, milliseconds(20));
    return rig.transcoder().standing_delay();
  };
  EXPECT_EQ(delay_of(opus_to_pcmu()), Duration(0));
  EXPECT_EQ(delay_of(config_of(kPcmu, pcmu(), kPcma, pcma())), Duration(0));
  EXPECT_LE(delay_of(pcmu_to_opus()), Duration(6'500'000)) << "libopus's look-ahead";
  EXPECT_LE(delay_of(config_of(kG722, g722(), kPcmu, pcmu())), milliseconds(2)) << "the filter";
}

TEST(Transcoder, RefusesAPtimeThatTheCodecDoesNotHave) {
  auto config = pcmu_to_opus();
  config.output.ptime = milliseconds(30);
  const auto made = Transcoder::create(config);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().reason, "PTIME_UNSUPPORTED");
}

}  // namespace
}  // namespace causeway::media
