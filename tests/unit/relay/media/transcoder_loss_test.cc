#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "tests/unit/relay/media/rig.h"

// Losses, late packets and the deadline (relay/adr/0010).
namespace causeway::media {
namespace {

using namespace test;

constexpr Duration kFrame = milliseconds(20);

Instant due(std::size_t packet) { return at(kFrame * static_cast<int>(packet)); }

// Long enough for the allowance to be at its least, so that deadlines are known exactly.
constexpr std::size_t kSettled = 350;
// One packet as proof, the least allowance.
constexpr Duration kMargin = kFrame + milliseconds(5);

void give_range(Rig& rig, const std::vector<Given>& packets, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) rig.give(due(i), packets[i]);
}

Samples decode_range(OpusReference& reference, const std::vector<Given>& packets, std::size_t from,
                     std::size_t to) {
  Samples pcm;
  for (std::size_t i = from; i < to; ++i) append(pcm, reference.decode(packets[i].payload, 160));
  return pcm;
}

std::int64_t energy(const Samples& pcm) {
  return std::accumulate(pcm.begin(), pcm.end(), std::int64_t{0},
                         [](std::int64_t sum, std::int16_t v) { return sum + v * v; });
}

TEST(TranscoderLoss, FillsALostPacketWithTheFecOfTheNext) {
  const auto packets = opus_packets_of({.bitrate = 32'000, .has_fec = true}, speech(48000));
  // Every packet in the middle of speech in turn, so that some have LBRR and some have none.
  std::size_t recovered = 0;
  for (std::size_t lost = 60; lost < 120; ++lost) {
    Rig rig(opus_to_pcmu());
    give_range(rig, packets, 0, lost);
    give_range(rig, packets, lost + 1, 140);
    OpusReference reference(8000);
    Samples expected = decode_range(reference, packets, 0, lost);
    append(expected, reference.recover(packets[lost + 1].payload, 160));
    append(expected, decode_range(reference, packets, lost + 1, 140));
    ASSERT_EQ(joined(rig.sent()), encode_pcmu(expected)) << lost;
    ASSERT_EQ(rig.counters().fec_recovered + rig.counters().concealed, 1U);
    ASSERT_EQ(rig.counters().lost, 1U);
    recovered += rig.counters().fec_recovered;
    EXPECT_EQ(continuity_fault(rig.sent()), "");
  }
  EXPECT_GT(recovered, 20U) << "speech with in-band FEC";
}

TEST(TranscoderLoss, ConcealsALostPacketWhereThereIsNoFec) {
  const auto packets = opus_packets_of({}, speech(48000));
  Rig rig(opus_to_pcmu());
  give_range(rig, packets, 0, 100);
  give_range(rig, packets, 101, 140);
  OpusReference reference(8000);
  Samples expected = decode_range(reference, packets, 0, 100);
  append(expected, reference.conceal(160));
  append(expected, decode_range(reference, packets, 101, 140));
  EXPECT_EQ(joined(rig.sent()), encode_pcmu(expected));
  EXPECT_EQ(rig.counters().fec_recovered, 0U);
  EXPECT_EQ(rig.counters().concealed, 1U);
  EXPECT_EQ(rig.counters().concealed_time, kFrame);
}

TEST(TranscoderLoss, SendsTheFillAtOnceAndTheNextPacketNoLaterThanTheOneAfterIt) {
  const auto packets = opus_packets_of({.has_fec = true}, speech(48000));
  Rig rig(opus_to_pcmu());
  give_range(rig, packets, 0, 100);
  give_range(rig, packets, 101, 104);
  const auto& sent = rig.sent();
  ASSERT_EQ(sent.size(), 104U);
  EXPECT_EQ(sent[100].at, due(101)) << "what was rebuilt";
  EXPECT_EQ(sent[101].at, due(102)) << "paced one ptime after it";
  EXPECT_EQ(sent[102].at, due(102)) << "in order again: at the instant it came";
  EXPECT_EQ(sent[103].at, due(103));
}

TEST(TranscoderLoss, ConcealsTheEarlierFramesOfABurstAndRestoresTheLast) {
  const auto packets = opus_packets_of({.bitrate = 32'000, .has_fec = true}, speech(48000));
  std::size_t recovered = 0;
  for (std::size_t lost = 60; lost < 80; ++lost) {
    Rig rig(opus_to_pcmu());
    give_range(rig, packets, 0, lost);
    give_range(rig, packets, lost + 3, 140);
    OpusReference reference(8000);
    Samples expected = decode_range(reference, packets, 0, lost);
    append(expected, reference.conceal(160));
    append(expected, reference.conceal(160));
    append(expected, reference.recover(packets[lost + 3].payload, 160));
    append(expected, decode_range(reference, packets, lost + 3, 140));
    ASSERT_EQ(joined(rig.sent()), encode_pcmu(expected)) << lost;
    recovered += rig.counters().fec_recovered;
    EXPECT_EQ(rig.counters().fec_recovered + rig.counters().concealed, 3U);
  }
  EXPECT_GT(recovered, 5U);
}

TEST(TranscoderLoss, KeepsTheCadenceByTheDeadlineThenFadesThenFillsTheSilence) {
  const auto packets = opus_packets_of({}, speech(48000));
  Rig rig(opus_to_pcmu());
  give_range(rig, packets, 0, kSettled);
  rig.run_until(due(kSettled + 20) + kMargin);
  const auto& sent = rig.sent();
  ASSERT_EQ(sent.size(), kSettled + 21);
  for (std::size_t i = kSettled; i < sent.size(); ++i) {
    ASSERT_EQ(sent[i].at, due(i) + kMargin) << "20 ms apart, one margin behind";
  }
  EXPECT_EQ(rig.counters().concealed, 4U) << "60 ms, and 20 ms of fade";
  EXPECT_EQ(rig.counters().concealed_time, milliseconds(80));
  EXPECT_EQ(rig.counters().dtx_fills, 17U);
  for (std::size_t i = kSettled + 4; i < sent.size(); ++i) {
    ASSERT_EQ(energy(decode_pcmu(sent[i].payload)), 0) << i;
  }
  EXPECT_EQ(continuity_fault(sent), "");
}

TEST(TranscoderLoss, FadesFromFullLevelToNothingWithinTheFourthFrame) {
  // A steady tone, so that the concealment is as loud as the sound.
  Samples tone(8000 * 4);
  for (std::size_t i = 0; i < tone.size(); ++i) {
    tone[i] = static_cast<std::int16_t>(
        8000 * std::sin(2 * 3.14159265 * 100 * static_cast<double>(i) / 8000));
  }
  // 16-bit PCM both ways: nothing between the concealer and what is sent.
  const codecs::CodecConfig l16{codecs::CodecId::L16, SampleRate(8000), 1, {}};
  const PayloadType type(97);
  const auto packets = packets_of(l16, type, tone, kFrame);
  Rig rig(config_of(type, l16, type, l16));
  give_range(rig, packets, 0, 100);
  rig.run_until(due(110));
  auto decoder = codecs::make_decoder(l16);
  Samples room(960);
  for (std::size_t i = 0; i < 100; ++i) ASSERT_TRUE((*decoder)->decode(packets[i].payload, room));
  Samples expected;
  for (int i = 0; i < 4; ++i) {
    (*decoder)->conceal(160, room);
    append(expected, Samples(room.begin(), room.begin() + 160));
  }
  for (int i = 0; i < 160; ++i) {
    auto& value = expected[static_cast<std::size_t>(480 + i)];
    value = static_cast<std::int16_t>(value * (160 - i) / 160);
  }
  Octets wire;
  for (std::size_t i = 100; i < 104; ++i) {
    const auto& payload = rig.sent()[i].payload;
    wire.insert(wire.end(), payload.begin(), payload.end());
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(static_cast<std::int16_t>(load_be16(&wire[2 * i])), expected[i]) << i;
  }
}

TEST(TranscoderLoss, StopsAfterTheFadeWhereTheEndpointMayBeLeftWithoutPackets) {
  auto config = opus_to_pcmu();
  config.output.has_dtx = true;
  const auto packets = opus_packets_of({}, speech(48000));
  Rig rig(config);
  give_range(rig, packets, 0, kSettled);
  rig.run_until(due(kSettled + 200));
  EXPECT_EQ(rig.sent().size(), kSettled + 4);
  EXPECT_EQ(rig.transcoder().next_timeout(), std::nullopt) << "idle: no timer";
  // Sound resumes where the timestamps say.
  rig.give(due(kSettled + 50) + std::chrono::seconds(4),
           {kOpus, packets[kSettled].seq, packets[kSettled].timestamp.plus(960 * 250),
            packets[kSettled].payload, false, kSource});
  ASSERT_EQ(rig.sent().size(), kSettled + 5);
  EXPECT_EQ(rig.sent().back().timestamp.distance_from(rig.sent()[0].timestamp),
            160 * static_cast<int>(kSettled + 250));
  EXPECT_TRUE(rig.sent().back().has_marker);
}

TEST(TranscoderLoss, EndsTheFillOfASenderThatWentAwayAfterThirtySeconds) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  give_range(rig, packets, 0, kSettled);
  rig.run_until(due(kSettled) + std::chrono::seconds(60));
  EXPECT_EQ(rig.sent().size(), kSettled + 4 + 30 * 50);
  EXPECT_EQ(rig.transcoder().next_timeout(), std::nullopt);
}

TEST(TranscoderLoss, DropsAndCountsAPacketThatComesAfterItsConcealment) {
  const auto packets = opus_packets_of({}, speech(48000));
  Rig rig(opus_to_pcmu());
  give_range(rig, packets, 0, kSettled);
  rig.give(due(kSettled) + kMargin + milliseconds(8), packets[kSettled]);
  EXPECT_EQ(rig.counters().late, 1U);
  EXPECT_EQ(rig.counters().concealed, 1U);
  EXPECT_EQ(rig.counters().decoded, kSettled);
  EXPECT_EQ(rig.transcoder().reorder_window(), milliseconds(10)) << "8 ms, in steps of 5";
  give_range(rig, packets, kSettled + 2, kSettled + 10);
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

TEST(TranscoderLoss, DoesNotConcealWhatIsOnlyJittered) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  std::mt19937 random(7);
  Instant last = at(Duration(0));
  for (std::size_t i = 0; i < packets.size(); ++i) {
    // Up to 35 ms late, in order: a busy Wi-Fi.
    last = std::max(last, due(i) + milliseconds(random() % 36));
    rig.give(last, packets[i]);
  }
  EXPECT_EQ(rig.counters().decoded, packets.size());
  EXPECT_LE(rig.counters().concealed, 1U) << "at most before the jitter was known";
  EXPECT_LE(rig.counters().late, 1U);
}

TEST(TranscoderLoss, FollowsAWayThatBecomesLongerForGood) {
  for (const int longer : {30, 80, 150, 400, 1500}) {
    const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
    Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
    for (std::size_t i = 0; i < packets.size(); ++i) {
      rig.give(due(i) + milliseconds(i < kSettled ? 0 : longer), packets[i]);
    }
    EXPECT_LE(rig.counters().late, 5U) << longer;
    EXPECT_GE(rig.counters().decoded + 5, packets.size()) << longer;
    EXPECT_EQ(continuity_fault(rig.sent()), "") << longer;
  }
}

TEST(TranscoderLoss, SurvivesAShortStallWithoutStayingBehind) {
  // 300 ms of packets come at once, as after a Wi-Fi scan; then all is as before.
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  give_range(rig, packets, 0, kSettled);
  for (std::size_t i = kSettled; i < kSettled + 15; ++i) rig.give(due(kSettled + 15), packets[i]);
  const auto late = rig.counters().late;
  for (std::size_t i = kSettled + 15; i < packets.size(); ++i) {
    rig.give(due(i), packets[i]);
    if (i > kSettled + 20) {
      ASSERT_EQ(rig.sent().back().at, due(i)) << i;
    }
  }
  EXPECT_LE(late, 15U);
  EXPECT_EQ(rig.counters().late, late);
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

// Senders that read a file speak in bursts: ffmpeg -re sends a block of the file at once (256 ms of
// 16-bit samples at 8 kHz, 512 ms of 8-bit ones), and G.711 as 182 ms and what is left of the
// block.
TEST(TranscoderLoss, ConcealsNothingBetweenTheBurstsOfASenderThatReadsAFile) {
  for (const int burst : {128, 256, 480}) {
    const auto packets = opus_packets_of({}, speech(48000));
    Rig rig(opus_to_pcmu());
    for (std::size_t i = 0; i < packets.size(); ++i) {
      rig.give(at(milliseconds(static_cast<int>(i) * 20 / burst * burst)), packets[i]);
    }
    EXPECT_EQ(rig.counters().decoded, packets.size()) << burst;
    EXPECT_EQ(rig.counters().concealed, 0U) << burst;
    EXPECT_EQ(rig.counters().late, 0U) << burst;
    EXPECT_EQ(rig.sent().size(), packets.size()) << burst;
    EXPECT_EQ(continuity_fault(rig.sent()), "") << burst;
  }
}

TEST(TranscoderLoss, TakesTheLongPacketsThatFfmpegMakesOfG711) {
  const Samples voice = speech();
  const Octets wire = encode_pcmu(voice);
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  std::size_t frames = 0;
  for (std::size_t block = 0; (block + 1) * 2048 <= wire.size(); ++block) {
    const auto begin = wire.begin() + static_cast<std::ptrdiff_t>(block * 2048);
    const auto number = static_cast<int>(block);
    const Instant now = at(milliseconds(256) * number);
    const RtpTimestamp timestamp = RtpTimestamp(5000).plus(2048 * number);
    rig.give(now, {kPcmu, SeqNum(100).plus(2 * number), timestamp, {begin, begin + 1460}});
    rig.give(
        now,
        {kPcmu, SeqNum(101).plus(2 * number), timestamp.plus(1460), {begin + 1460, begin + 2048}});
    frames = (block + 1) * 2048 / 160;
  }
  EXPECT_EQ(rig.counters().bad_payload, 0U);
  EXPECT_EQ(rig.counters().concealed, 0U);
  EXPECT_EQ(rig.counters().late, 0U);
  EXPECT_GE(rig.sent().size() + 4, frames) << "the last block is still being paced";
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

TEST(TranscoderLoss, GrowsTheWindowForReorderedPacketsThenUsesThem) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  std::size_t swaps = 0;
  for (std::size_t i = 0; i + 1 < packets.size(); i += 10) {
    for (std::size_t j = i; j < i + 10 && j < packets.size(); ++j) {
      // The fifth comes 12 ms after the sixth.
      if (j == i + 4) continue;
      rig.give(due(j), packets[j]);
      if (j != i + 5) continue;
      rig.give(due(j) + milliseconds(12), packets[i + 4]);
      ++swaps;
    }
  }
  EXPECT_EQ(rig.counters().late, 1U) << "the first one teaches the window";
  EXPECT_EQ(rig.transcoder().reorder_window(), milliseconds(15));
  EXPECT_EQ(rig.counters().reordered, swaps - 1);
  EXPECT_EQ(rig.counters().concealed, 1U);
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

TEST(TranscoderLoss, ShrinksTheWindowAgain) {
  Samples voice = speech();
  while (voice.size() < 8000 * 40) append(voice, speech());
  const auto packets = packets_of(pcmu(), kPcmu, voice, kFrame);
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  give_range(rig, packets, 0, 10);
  rig.give(due(11), packets[11]);
  rig.give(due(11) + milliseconds(18), packets[10]);
  EXPECT_EQ(rig.transcoder().reorder_window(), milliseconds(20));
  give_range(rig, packets, 12, packets.size());
  EXPECT_EQ(rig.transcoder().reorder_window(), Duration(0));
}

TEST(TranscoderLoss, NeverWaitsLongerThanFortyMilliseconds) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), milliseconds(60));
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  Duration longest{};
  for (std::size_t i = 0; i + 1 < packets.size(); ++i) {
    const Instant now = at(milliseconds(60) * static_cast<int>(i));
    if (i % 5 == 3) continue;
    rig.give(now, packets[i]);
    if (i % 5 == 4) rig.give(now + milliseconds(i % 50), packets[i - 1]);
    longest = std::max(longest, rig.transcoder().reorder_window());
  }
  EXPECT_GT(longest, Duration(0));
  EXPECT_LE(longest, milliseconds(40));
}

TEST(TranscoderLoss, DropsDuplicates) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  for (std::size_t i = 0; i < 50; ++i) {
    rig.give(due(i), packets[i]);
    rig.give(due(i) + milliseconds(3), packets[i]);
    if (i > 20) rig.give(due(i) + milliseconds(4), packets[i - 20]);
  }
  EXPECT_EQ(rig.sent().size(), 50U);
  EXPECT_EQ(rig.counters().duplicate, 50U + 29U);
}

TEST(TranscoderLoss, PlaysTheEndOfALongPacketWhoseBeginningWasConcealed) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), milliseconds(60));
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  const auto time_of = [](std::size_t i) { return at(milliseconds(60) * static_cast<int>(i)); };
  for (std::size_t i = 0; i < 120; ++i) rig.give(time_of(i), packets[i]);
  // The deadline is 60 ms and the jitter allowance after its time; 20 ms are concealed, then it
  // comes.
  rig.run_until(time_of(119) + milliseconds(40));
  rig.give(*rig.transcoder().next_timeout() + milliseconds(5), packets[120]);
  EXPECT_EQ(rig.counters().late, 0U);
  EXPECT_EQ(rig.counters().concealed_time, milliseconds(20));
  rig.give(time_of(121) + milliseconds(50), packets[121]);
  rig.run_until(time_of(122) + milliseconds(60));
  EXPECT_EQ(rig.sent().size(), 122U * 3);
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

TEST(TranscoderLoss, MakesNothingUpForAWorkerThatStoodStill) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  give_range(rig, packets, 0, kSettled);
  Emit out = rig.emit();
  const Instant late = due(kSettled) + std::chrono::seconds(20);
  rig.transcoder().handle_timeout(late, out);
  rig.collect(late);
  EXPECT_LE(rig.sent().size(), kSettled + 8);
  ASSERT_TRUE(rig.transcoder().next_timeout());
  EXPECT_GT(*rig.transcoder().next_timeout(), late);
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

TEST(TranscoderLoss, LeavesNothingDueBehindWhenPacketsAreHeldPastTheDeadline) {
  // The worker hands over packets before it looks at timers: what is held may be overdue already.
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  give_range(rig, packets, 0, 100);
  rig.give(due(101), packets[101]);
  rig.give(due(101) + milliseconds(18), packets[100]);
  ASSERT_EQ(rig.transcoder().reorder_window(), milliseconds(20));
  const Instant now = due(102) + milliseconds(600);
  Emit out = rig.emit();
  rig.transcoder().handle_packet(now, rig.make(packets[103]), out);
  rig.transcoder().handle_packet(now, rig.make(packets[105]), out);
  rig.transcoder().handle_timeout(now, out);
  ASSERT_TRUE(rig.transcoder().next_timeout());
  EXPECT_GT(*rig.transcoder().next_timeout(), now);
  rig.collect(now);
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

TEST(TranscoderLoss, ReleasesWhatItHoldsToItsOwnThread) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  give_range(rig, packets, 0, 100);
  rig.give(due(101), packets[101]);
  rig.give(due(101) + milliseconds(18), packets[100]);
  rig.give(due(103), packets[103]);
  EXPECT_LT(rig.pool().available(), rig.pool().size()) << "103 waits for 102";
  rig.transcoder().release_packets();
  EXPECT_EQ(rig.pool().available(), rig.pool().size());
}

// What happens to each packet is chosen at random; whatever it is, these hold.
class RandomNetwork : public testing::TestWithParam<unsigned> {};

TEST_P(RandomNetwork, KeepsTheOutputInOrderAndInTime) {
  std::mt19937 random(GetParam());
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  const bool is_opus = chance(50);
  auto config = is_opus ? opus_to_pcmu() : config_of(kPcmu, pcmu(), kG722, g722());
  config.output.has_dtx = chance(30);
  config.output.ptime = milliseconds(chance(70) ? 20 : chance(50) ? 30 : 10);
  const auto packets = is_opus ? opus_packets_of({.has_fec = true, .has_dtx = true}, speech(48000))
                               : packets_of(pcmu(), kPcmu, speech(), kFrame);
  struct Arrival {
    Instant when;
    std::size_t packet;
  };
  std::vector<Arrival> arrivals;
  const auto loss = static_cast<unsigned>(random() % 20);
  const auto spread = static_cast<unsigned>(1 + random() % 120);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (chance(loss)) continue;
    arrivals.push_back({due(i) + milliseconds(random() % spread), i});
    if (chance(3)) arrivals.push_back({due(i) + milliseconds(random() % 300), i});
  }
  std::ranges::stable_sort(arrivals, {}, &Arrival::when);
  Rig rig(config);
  for (const Arrival& arrival : arrivals) {
    rig.give(arrival.when, packets[arrival.packet]);
    ASSERT_LE(rig.transcoder().reorder_window(), milliseconds(40));
  }
  rig.run_until(due(packets.size() + 100));
  ASSERT_EQ(continuity_fault(rig.sent()), "");
  const TranscoderCounters& counted = rig.counters();
  EXPECT_EQ(counted.decoded + counted.late + counted.duplicate + counted.bad_payload,
            arrivals.size());
  // The timeline of the output is that of the input: what was sent covers no more time than passed,
  // and where the endpoint needs packets all the time, no less.
  const RtpClockRate clock = config.output.clock;
  const auto span = ticks_to_duration(
      rig.sent().back().timestamp.distance_from(rig.sent().front().timestamp), clock);
  EXPECT_LE(span, kFrame * static_cast<int>(packets.size() + 100) + milliseconds(200));
  if (!config.output.has_dtx) {
    EXPECT_GE(span, kFrame * static_cast<int>(packets.size() + 85));
    EXPECT_EQ(static_cast<std::size_t>(span / config.output.ptime) + 1, rig.sent().size());
  }
  EXPECT_EQ(rig.pool().available(), rig.pool().size()) << "nothing is held for ever";
}

INSTANTIATE_TEST_SUITE_P(TranscoderLoss, RandomNetwork, testing::Range(0U, 60U));

}  // namespace
}  // namespace causeway::media
