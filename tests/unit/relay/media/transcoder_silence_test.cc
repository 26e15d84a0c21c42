#include <gtest/gtest.h>

#include <cmath>

#include "codecs/level.h"
#include "tests/unit/relay/media/rig.h"

// DTX, comfort noise and discontinuities.
namespace causeway::media {
namespace {

using namespace test;

constexpr Duration kFrame = milliseconds(20);

Instant due(std::size_t packet) { return at(kFrame * static_cast<int>(packet)); }

// A sender that is silent from packet `from` on for `frames`, and sends nothing meanwhile:
// timestamps jump, sequence numbers do not.
std::vector<Given> with_silence(std::vector<Given> packets, std::size_t from, std::size_t frames) {
  packets.erase(packets.begin() + static_cast<std::ptrdiff_t>(from),
                packets.begin() + static_cast<std::ptrdiff_t>(from + frames));
  for (std::size_t i = from; i < packets.size(); ++i) {
    packets[i].seq = packets[i].seq.plus(-static_cast<int>(frames));
  }
  return packets;
}

void give_before(Rig& rig, const std::vector<Given>& packets, std::size_t from) {
  for (std::size_t i = 0; i < from; ++i) rig.give(due(i), packets[i]);
}
void give_after(Rig& rig, const std::vector<Given>& packets, std::size_t from, std::size_t frames) {
  for (std::size_t i = from; i < packets.size(); ++i) rig.give(due(i + frames), packets[i]);
}

int level_of(const Sent& packet) {
  return codecs::level_below_overload(decode_pcmu(packet.payload));
}

TEST(TranscoderSilence, TakesATimestampJumpWithoutASequenceJumpForSilenceNotLoss) {
  auto config = opus_to_pcmu();
  config.output.has_dtx = true;
  const auto packets = with_silence(opus_packets_of({}, speech(48000)), 100, 50);
  Rig rig(config);
  give_before(rig, packets, 100);
  give_after(rig, packets, 100, 50);
  EXPECT_EQ(rig.counters().lost, 0U);
  EXPECT_EQ(rig.counters().silences, 1U);
  const auto& sent = rig.sent();
  const Sent& resumed = sent[sent.size() - (packets.size() - 100)];
  EXPECT_EQ(resumed.at, due(150)) << "the first packet of the talkspurt goes at once";
  EXPECT_EQ(resumed.timestamp.distance_from(sent[0].timestamp), 160 * 150);
  EXPECT_TRUE(resumed.has_marker);
  EXPECT_EQ(continuity_fault(sent), "");
}

TEST(TranscoderSilence, SendsNoiseEveryPtimeToAnEndpointWithoutDtx) {
  const auto packets =
      with_silence(packets_of(pcmu(), kPcmu, speech(), kFrame), 120, 100);  // past the first 2 s
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  give_before(rig, packets, 120);
  give_after(rig, packets, 120, 100);
  const auto& sent = rig.sent();
  EXPECT_EQ(sent.size(), packets.size() + 100);
  for (std::size_t i = 1; i < sent.size(); ++i) {
    ASSERT_EQ(sent[i].timestamp.distance_from(sent[i - 1].timestamp), 160) << i;
    ASSERT_FALSE(sent[i].has_marker) << i;
    ASSERT_LE(sent[i].at - sent[i - 1].at, milliseconds(75)) << i;
  }
  EXPECT_EQ(sent.back().at, due(packets.size() + 99)) << "back to the instant of the input";
  EXPECT_GE(rig.counters().dtx_fills, 95U);
}

TEST(TranscoderSilence, FillsAfterComfortNoiseAtItsLevel) {
  auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config_of(kPcmu, pcmu(), kPcmu, pcmu()));
  give_before(rig, packets, 100);
  const Given noise{kNoise, packets[100].seq, packets[100].timestamp, {std::byte{45}}};
  rig.give(due(100), noise);
  rig.run_until(due(200));
  EXPECT_EQ(rig.counters().noise_packets, 1U);
  EXPECT_EQ(rig.counters().concealed, 0U) << "announced silence is no loss";
  ASSERT_GE(rig.sent().size(), 195U);
  for (std::size_t i = 105; i < 195; ++i) {
    ASSERT_NEAR(level_of(rig.sent()[i]), 45, 2) << i;
  }
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

TEST(TranscoderSilence, GoesOnWithAnnouncedNoiseUntilInputResumes) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  give_before(rig, packets, 100);
  rig.give(due(100), {kNoise, packets[100].seq, packets[100].timestamp, {std::byte{60}}});
  rig.run_until(due(100) + std::chrono::minutes(3));
  EXPECT_NEAR(static_cast<double>(rig.sent().size()), 100 + 3 * 60 * 50, 3);
  EXPECT_TRUE(rig.transcoder().next_timeout());
}

TEST(TranscoderSilence, HandsComfortNoiseOnWhereBothSidesHaveIt) {
  auto config = config_of(kPcmu, pcmu(), kPcma, pcma());
  config.output.noise_payload_type = kNoise;
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config);
  give_before(rig, packets, 100);
  rig.give(due(100), {kNoise, packets[100].seq, packets[100].timestamp, {std::byte{55}}});
  EXPECT_EQ(rig.transcoder().next_timeout(), std::nullopt);
  rig.give(due(150), {kPcmu, packets[101].seq, packets[150].timestamp, packets[150].payload});
  const auto& sent = rig.sent();
  ASSERT_EQ(sent.size(), 102U);
  EXPECT_EQ(sent[100].type, kNoise);
  EXPECT_EQ(sent[100].payload, Octets{std::byte{55}});
  EXPECT_EQ(sent[100].timestamp.distance_from(sent[99].timestamp), 160);
  EXPECT_EQ(sent[101].timestamp.distance_from(sent[99].timestamp), 160 * 51);
  EXPECT_TRUE(sent[101].has_marker);
  EXPECT_EQ(continuity_fault(sent), "");
}

// Speech, then near silence with a faint hiss, then speech: libopus goes into DTX in the middle.
Samples speech_with_a_pause() {
  Samples pcm = speech(48000);
  pcm.resize(48000 * 6);
  std::uint32_t random = 1;
  for (std::size_t i = 48000 * 2; i < 48000 * 4; ++i) {
    random = random * 1664525 + 1013904223;
    pcm[i] = static_cast<std::int16_t>(static_cast<int>(random >> 26) - 32);
  }
  return pcm;
}

// As WebRTC sends it: the first empty packet of a silence goes out, the others do not.
struct Spoken {
  std::vector<std::optional<Given>> packets;
  std::size_t sent = 0;
};
Spoken as_webrtc_sends(const std::vector<Given>& all) {
  Spoken spoken;
  bool is_silent = false;
  SeqNum seq = all[0].seq;
  for (Given packet : all) {
    const bool is_empty = packet.payload.size() <= 2;
    if (is_empty && is_silent) {
      spoken.packets.emplace_back();
    } else {
      packet.seq = seq;
      seq = seq.plus(1);
      ++spoken.sent;
      spoken.packets.emplace_back(packet);
    }
    is_silent = is_empty;
  }
  return spoken;
}

TEST(TranscoderSilence, FillsOpusDtxWithTheDecodersOwnNoise) {
  const auto spoken = as_webrtc_sends(opus_packets_of({.has_dtx = true}, speech_with_a_pause()));
  ASSERT_LT(spoken.sent + 50, spoken.packets.size()) << "libopus has gone into DTX";
  Rig rig(opus_to_pcmu());
  for (std::size_t i = 0; i < spoken.packets.size(); ++i) {
    if (spoken.packets[i]) rig.give(due(i), *spoken.packets[i]);
  }
  EXPECT_EQ(rig.counters().lost, 0U);
  EXPECT_EQ(rig.counters().concealed, 0U) << "DTX is no loss";
  EXPECT_EQ(rig.sent().size(), spoken.packets.size());
  EXPECT_EQ(continuity_fault(rig.sent()), "");
  int loudest = 127;
  for (std::size_t i = 130; i < 190; ++i) loudest = std::min(loudest, level_of(rig.sent()[i]));
  EXPECT_GT(loudest, 45) << "no speech is repeated into the silence";
}

TEST(TranscoderSilence, TurnsOpusDtxIntoComfortNoisePackets) {
  auto config = opus_to_pcmu();
  config.output.noise_payload_type = kNoise;
  const auto spoken = as_webrtc_sends(opus_packets_of({.has_dtx = true}, speech_with_a_pause()));
  Rig rig(config);
  for (std::size_t i = 0; i < spoken.packets.size(); ++i) {
    if (spoken.packets[i]) rig.give(due(i), *spoken.packets[i]);
  }
  EXPECT_GE(rig.counters().noise_sent, 3U) << "one at each of the 400 ms updates of libopus";
  EXPECT_LE(rig.sent().size(), spoken.sent + rig.counters().noise_sent);
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

TEST(TranscoderSilence, LetsTheOpusEncoderGoIntoDtxAndRests) {
  auto config = pcmu_to_opus();
  config.output.codec.opus.has_dtx = true;
  config.output.has_dtx = true;
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config);
  give_before(rig, packets, 100);
  rig.give(due(100), {kNoise, packets[100].seq, packets[100].timestamp, {std::byte{127}}});
  rig.run_until(due(150));
  EXPECT_EQ(rig.transcoder().next_timeout(), std::nullopt) << "the encoder is in DTX: no timer";
  EXPECT_LT(rig.sent().size(), 130U);
  rig.give(due(160), {kPcmu, packets[101].seq, packets[160].timestamp, packets[160].payload});
  EXPECT_EQ(rig.sent().back().at, due(160));
  EXPECT_EQ(rig.sent().back().timestamp.distance_from(rig.sent()[0].timestamp), 960 * 160);
  EXPECT_TRUE(rig.sent().back().has_marker);
}

TEST(TranscoderSilence, PlaysTheStartOfATalkspurtThoughTheNoiseRanAhead) {
  // The sender's clock is slow: after a long silence its timestamps are 60 ms behind our time.
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  give_before(rig, packets, 100);
  rig.give(due(100), {kNoise, packets[100].seq, packets[100].timestamp, {std::byte{60}}});
  Given first = packets[101];
  first.timestamp = packets[0].timestamp.plus(160 * 3000);
  rig.give(due(3000) + milliseconds(90), first);
  EXPECT_EQ(rig.counters().late, 0U);
  EXPECT_EQ(rig.counters().decoded, 101U);
  EXPECT_EQ(rig.sent().back().at, due(3000) + milliseconds(90));
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

class Discontinuity : public testing::Test {
 protected:
  Discontinuity() : rig_(opus_to_pcmu()), packets_(opus_packets_of({}, speech(48000))) {
    for (std::size_t i = 0; i < 100; ++i) rig_.give(due(i), packets_[i]);
  }
  /// Continues with `change` applied to the packets from 100 on, which come `pause` after time.
  template <typename Change>
  void go_on(Duration pause, const Change& change) {
    for (std::size_t i = 100; i < 200; ++i) {
      Given packet = packets_[i];
      change(packet);
      rig_.give(due(i) + pause, packet);
    }
  }
  /// Checks that the output went on in time, decoded by a decoder that knows nothing of before.
  void expect_new_timeline(std::size_t first, Duration pause) {
    const auto& sent = rig_.sent();
    ASSERT_GT(sent.size(), first);
    EXPECT_EQ(continuity_fault(sent), "");
    EXPECT_EQ(sent[first].at, due(100) + pause);
    EXPECT_TRUE(sent[first].has_marker);
    EXPECT_EQ(sent[first].timestamp.distance_from(sent[first - 1].timestamp),
              (sent[first].at - sent[first - 1].at) / std::chrono::microseconds(125));
    OpusReference reference(8000);
    Samples expected;
    for (std::size_t i = 100; i < 200; ++i) {
      append(expected, reference.decode(packets_[i].payload, 160));
    }
    EXPECT_EQ(joined({sent.begin() + static_cast<std::ptrdiff_t>(first), sent.end()}),
              encode_pcmu(expected));
    EXPECT_EQ(rig_.counters().discontinuities, 1U);
  }

  Rig rig_;
  std::vector<Given> packets_;
};

TEST_F(Discontinuity, OfTheSsrcGoesOnInTheOutputsTime) {
  go_on(Duration(0), [](Given& packet) {
    packet.ssrc = Ssrc(99);
    packet.seq = packet.seq.plus(7777);
    packet.timestamp = packet.timestamp.plus(123456789);
  });
  expect_new_timeline(100, Duration(0));
}

TEST_F(Discontinuity, OfTheTimestampGoesOnInTheOutputsTime) {
  go_on(Duration(0), [](Given& packet) { packet.timestamp = packet.timestamp.plus(48000 * 3); });
  expect_new_timeline(100, Duration(0));
}

TEST_F(Discontinuity, BackwardsOfTheTimestampToo) {
  go_on(Duration(0), [](Given& packet) { packet.timestamp = packet.timestamp.plus(-48000 * 60); });
  expect_new_timeline(100, Duration(0));
}

TEST_F(Discontinuity, IsNoneWhereTheArrivalsShowTheGap) {
  go_on(std::chrono::seconds(10),
        [](Given& packet) { packet.timestamp = packet.timestamp.plus(48000 * 10); });
  EXPECT_EQ(rig_.counters().discontinuities, 0U);
  EXPECT_EQ(rig_.counters().silences, 1U);
  EXPECT_EQ(continuity_fault(rig_.sent()), "");
}

TEST_F(Discontinuity, OfASenderThatPausedWithoutCountingGoesOnInTheOutputsTime) {
  // Ten seconds of hold; the sender's timestamps do not show them.
  const std::size_t before = [&] {
    rig_.run_until(due(100) + std::chrono::seconds(9));
    return rig_.sent().size();
  }();
  go_on(std::chrono::seconds(10), [](Given&) {});
  EXPECT_EQ(rig_.counters().discontinuities, 1U);
  EXPECT_EQ(rig_.counters().late, 0U);
  EXPECT_GT(rig_.sent().size(), before + 100);
  EXPECT_EQ(continuity_fault(rig_.sent()), "");
}

TEST_F(Discontinuity, OfTheSequenceNumberOnlyGoesOnAtOnce) {
  for (const int jump : {-500, -30'000, 30'000}) {
    Rig rig(opus_to_pcmu());
    for (std::size_t i = 0; i < 100; ++i) rig.give(due(i), packets_[i]);
    for (std::size_t i = 100; i < 200; ++i) {
      Given packet = packets_[i];
      packet.seq = packet.seq.plus(jump);
      rig.give(due(i), packet);
    }
    EXPECT_EQ(rig.counters().discontinuities, 1U) << jump;
    EXPECT_EQ(rig.sent().size(), 200U) << jump;
    EXPECT_EQ(rig.counters().lost, 0U) << jump;
    EXPECT_EQ(continuity_fault(rig.sent()), "") << jump;
  }
}

// The same SSRC, but sequence numbers and timestamps count anew from lower ones: an endpoint that
// was restarted with a fixed SSRC. Each packet alone could be an old one.
TEST_F(Discontinuity, OfASenderThatRestartsBehindInBothIsFollowedAfterAMoment) {
  for (const int seq_jump : {-30, -500, -20'000}) {
    for (const int seconds : {1, 3, 60, 10'000}) {
      Rig rig(opus_to_pcmu());
      for (std::size_t i = 0; i < 100; ++i) rig.give(due(i), packets_[i]);
      for (std::size_t i = 100; i < 200; ++i) {
        Given packet = packets_[i];
        packet.seq = packet.seq.plus(seq_jump);
        packet.timestamp = packet.timestamp.plus(-std::int64_t{48000} * seconds);
        rig.give(due(i), packet);
      }
      const auto counted = testing::Message() << seq_jump << ", " << seconds << " s";
      EXPECT_GE(rig.counters().decoded, 200U - 12U) << counted;
      EXPECT_EQ(rig.counters().discontinuities, 1U) << counted;
      EXPECT_EQ(continuity_fault(rig.sent()), "") << counted;
    }
  }
}

// An old capture that is replayed beside the stream (where there is no SRTP to refuse it).
TEST_F(Discontinuity, IsNotMadeOfOldPacketsWhileNewOnesCome) {
  for (std::size_t i = 100; i < 200; ++i) {
    rig_.give(due(i), packets_[i]);
    rig_.give(due(i) + milliseconds(5), packets_[i - 90]);
  }
  EXPECT_EQ(rig_.counters().discontinuities, 0U);
  EXPECT_EQ(rig_.counters().decoded, 200U);
  EXPECT_EQ(rig_.sent().size(), 200U);
}

TEST_F(Discontinuity, OfTheClockRateGoesOnInTheOutputsTime) {
  auto config = opus_to_pcmu();
  config.inputs.push_back({kPcma, pcma(), RtpClockRate(8000)});
  Rig rig(config);
  const auto alaw = packets_of(pcma(), kPcma, speech(), kFrame);
  for (std::size_t i = 0; i < 100; ++i) rig.give(due(i), packets_[i]);
  for (std::size_t i = 100; i < 200; ++i) rig.give(due(i), alaw[i]);
  EXPECT_EQ(rig.counters().discontinuities, 1U);
  EXPECT_EQ(rig.sent().size(), 200U);
  EXPECT_EQ(rig.sent().back().timestamp.distance_from(rig.sent()[0].timestamp), 160 * 199);
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

TEST_F(Discontinuity, FillsUpAndSendsWhatWasBegunOfAFrame) {
  // 30 ms packets leave 10 ms over; then another source speaks.
  const auto packets = packets_of(pcmu(), kPcmu, speech(), milliseconds(30));
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  rig.give(at(milliseconds(0)), packets[0]);
  Given other = packets[1];
  other.ssrc = Ssrc(99);
  rig.give(at(milliseconds(30)), other);
  ASSERT_EQ(rig.sent().size(), 3U);
  EXPECT_EQ(rig.sent()[1].timestamp.distance_from(rig.sent()[0].timestamp), 160);
  EXPECT_EQ(rig.sent()[1].at, at(milliseconds(30)));
  EXPECT_GE(rig.sent()[2].timestamp.distance_from(rig.sent()[1].timestamp), 160);
}

TEST_F(Discontinuity, StormsOfSourcesHoldNothing) {
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    Given packet = packets_[i % 200];
    packet.ssrc = Ssrc(i);
    rig_.give(due(100) + std::chrono::microseconds(i), packet);
  }
  EXPECT_EQ(rig_.pool().available(), rig_.pool().size());
  EXPECT_EQ(continuity_fault(rig_.sent()), "");
}

}  // namespace
}  // namespace causeway::media
