#include <gtest/gtest.h>

#include <algorithm>

#include "relay/wire/telephone_event.h"
#include "tests/unit/relay/media/rig.h"
#include "tests/unit/support/alloc_counter.h"

// Swapping transcoders in mid-call, and what they take from the heap: nothing.
namespace causeway::media {
namespace {

using namespace test;

constexpr Duration kFrame = milliseconds(20);

Instant due(std::size_t packet) { return at(kFrame * static_cast<int>(packet)); }

Samples long_speech(std::uint32_t rate, std::size_t seconds) {
  Samples voice = speech(rate);
  while (voice.size() < rate * seconds) append(voice, speech(rate));
  return voice;
}

void expect_same(const std::vector<Sent>& replanned, const std::vector<Sent>& plain) {
  ASSERT_EQ(replanned.size(), plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    ASSERT_EQ(replanned[i].at, plain[i].at) << i;
    ASSERT_EQ(replanned[i].seq, plain[i].seq) << i;
    ASSERT_EQ(replanned[i].timestamp, plain[i].timestamp) << i;
    ASSERT_EQ(replanned[i].has_marker, plain[i].has_marker) << i;
    ASSERT_EQ(replanned[i].payload, plain[i].payload) << i;
  }
}

struct Plan {
  const char* name;
  PayloadType from_type;
  codecs::CodecConfig from;
  PayloadType to_type;
  codecs::CodecConfig to;
  Duration in_ptime;
};

class EveryReplan : public testing::TestWithParam<Plan> {};

TEST_P(EveryReplan, AThousandTimesChangesNotABit) {
  const Plan& plan = GetParam();
  const auto config = config_of(plan.from_type, plan.from, plan.to_type, plan.to);
  const auto packets =
      packets_of(plan.from, plan.from_type, long_speech(plan.from.rate.raw(), 22), plan.in_ptime);
  Rig plain(config);
  Rig replanned(config);
  std::size_t replans = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (i % 17 == 5) continue;  // Lost, so that gaps are crossed too.
    const Instant now = at(plan.in_ptime * static_cast<int>(i) + milliseconds(i % 4));
    plain.give(now, packets[i]);
    replanned.give(now, packets[i]);
    replanned.replan(config);
    ++replans;
  }
  const Instant end = at(plan.in_ptime * static_cast<int>(packets.size() + 20));
  plain.run_until(end);
  replanned.run_until(end);
  EXPECT_GE(replans, 600U);
  expect_same(replanned.sent(), plain.sent());
  EXPECT_EQ(replanned.counters().decoded, plain.counters().decoded);
  EXPECT_EQ(continuity_fault(replanned.sent()), "");
}

const Plan kPlans[] = {
    {"OpusToPcmu", kOpus, opus(), kPcmu, pcmu(), kFrame},
    {"PcmuToOpus", kPcmu, pcmu(), kOpus, opus(), kFrame},
    {"G722ToPcmu", kG722, g722(), kPcmu, pcmu(), kFrame},
    {"PcmuToG722", kPcmu, pcmu(), kG722, g722(), milliseconds(30)},
};
INSTANTIATE_TEST_SUITE_P(Replan, EveryReplan, testing::ValuesIn(kPlans),
                         [](const auto& plan) { return std::string(plan.param.name); });

TEST(Replan, ThousandTimesDuringSpeech) {
  const auto config = pcmu_to_opus();
  const auto packets = packets_of(pcmu(), kPcmu, long_speech(8000, 21), kFrame);
  Rig plain(config);
  Rig replanned(config);
  ASSERT_GE(packets.size(), 1000U);
  for (std::size_t i = 0; i < 1000; ++i) {
    plain.give(due(i), packets[i]);
    replanned.give(due(i), packets[i]);
    replanned.replan(config);
  }
  expect_same(replanned.sent(), plain.sent());
}

TEST(Replan, KeepsTheDecoderWhereAnotherInputIsAdded) {
  const auto packets = opus_packets_of({}, speech(48000));
  auto more = opus_to_pcmu();
  more.inputs.insert(more.inputs.begin(), {kPcma, pcma(), RtpClockRate(8000)});
  Rig plain(opus_to_pcmu());
  Rig replanned(opus_to_pcmu());
  for (std::size_t i = 0; i < 200; ++i) {
    plain.give(due(i), packets[i]);
    replanned.give(due(i), packets[i]);
    if (i % 20 == 10) replanned.replan(i % 40 == 10 ? more : opus_to_pcmu());
  }
  expect_same(replanned.sent(), plain.sent());
}

// Other settings of the same codec: the encoder goes on, so that what it held back is not lost.
TEST(Replan, ToOtherSettingsOfOpusKeepsTheEncoder) {
  auto config = pcmu_to_opus();
  auto other = config;
  other.output.codec.opus = {.bitrate = 12'000,
                             .complexity = 9,
                             .has_inband_fec = true,
                             .expected_loss_percent = 10,
                             .has_dtx = false,
                             .is_cbr = true};
  const Samples voice = speech();
  const auto packets = packets_of(pcmu(), kPcmu, voice, kFrame);
  Rig rig(config);
  auto encoder = codecs::make_encoder(config.output.codec);
  Octets expected;
  for (std::size_t i = 0; i < 200; ++i) {
    if (i == 50 || i == 150) {
      rig.replan(i == 50 ? other : config);
      ASSERT_TRUE((*encoder)->reconfigure(i == 50 ? other.output.codec : config.output.codec));
    }
    rig.give(due(i), packets[i]);
    Octets room(1500);
    const auto octets = (*encoder)->encode(decode_pcmu(packets[i].payload), room);
    ASSERT_TRUE(octets);
    expected.insert(expected.end(), room.begin(),
                    room.begin() + static_cast<std::ptrdiff_t>(*octets));
  }
  EXPECT_EQ(joined(rig.sent()), expected);
  EXPECT_EQ(rig.sent()[60].payload.size(), 30U) << "12 kbit/s, constant";
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

TEST(Replan, ToAnotherOutputCodecHasNoJump) {
  // What is sent changes between PCMU, G.722 and Opus; sequence and time go on.
  const Transcoder::Config plans[] = {config_of(kOpus, opus(), kPcmu, pcmu()),
                                      config_of(kOpus, opus(16000), kG722, g722()),
                                      config_of(kOpus, opus(), kPcma, pcma())};
  const auto packets = opus_packets_of({}, speech(48000));
  Rig rig(plans[0]);
  for (std::size_t i = 0; i < 300; ++i) {
    if (i % 10 == 0) rig.replan(plans[(i / 10) % 3]);
    rig.give(due(i), packets[i]);
    ASSERT_EQ(rig.sent().size(), i + 1);
    ASSERT_EQ(rig.sent().back().at, due(i));
  }
  EXPECT_EQ(continuity_fault(rig.sent()), "");
  EXPECT_EQ(rig.sent().back().timestamp.distance_from(rig.sent()[0].timestamp), 160 * 299);
  EXPECT_EQ(rig.counters().concealed, 0U);
}

TEST(Replan, ToAnotherClockGoesOnInTime) {
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  for (std::size_t i = 0; i < 100; ++i) rig.give(due(i), packets[i]);
  rig.replan(pcmu_to_opus());
  for (std::size_t i = 100; i < 200; ++i) rig.give(due(i), packets[i]);
  ASSERT_EQ(rig.sent().size(), 200U);
  EXPECT_EQ(continuity_fault(rig.sent()), "");
  EXPECT_EQ(rig.sent()[100].timestamp.distance_from(rig.sent()[99].timestamp), 960);
  EXPECT_TRUE(rig.sent()[100].has_marker);
}

TEST(Replan, KeepsTheFramingRemainder) {
  // 30 ms in, 20 ms out: every second time 10 ms are waiting.
  const auto packets = packets_of(pcmu(), kPcmu, speech(), milliseconds(30));
  Rig rig(config_of(kPcmu, pcmu(), kPcmu, pcmu()));
  for (std::size_t i = 0; i < 100; ++i) {
    rig.give(at(milliseconds(30) * static_cast<int>(i)), packets[i]);
    rig.replan(config_of(kPcmu, pcmu(), kPcmu, pcmu()));
  }
  rig.run_until(at(milliseconds(3000)));
  Octets given;
  for (std::size_t i = 0; i < 100; ++i) {
    given.insert(given.end(), packets[i].payload.begin(), packets[i].payload.end());
  }
  EXPECT_EQ(decode_pcmu(joined(rig.sent())), decode_pcmu(given)) << "not a sample lost";
}

TEST(Replan, GoesOnInTheMiddleOfAnEvent) {
  Rig rig(pcmu_to_opus());
  const auto packets = packets_of(pcmu(), kPcmu, speech(), kFrame);
  for (std::size_t i = 0; i < 50; ++i) rig.give(due(i), packets[i]);
  for (int i = 0; i < 100; ++i) {
    Octets payload(4);
    wire::TelephoneEvent{5, i == 99, 10, static_cast<std::uint16_t>(160 * (i + 1))}.write(payload);
    rig.give(due(50 + static_cast<std::size_t>(i)),
             {kEvent8, packets[50].seq.plus(i), packets[50].timestamp, payload, i == 0});
    rig.replan(pcmu_to_opus());
  }
  rig.run_until(due(153));
  const auto events = rig.sent_as(kEvent48);
  EXPECT_EQ(rig.counters().events, 1U);
  EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const Sent& s) { return s.has_marker; }),
            1);
  EXPECT_EQ(events.back().timestamp.distance_from(events.front().timestamp), 0xffff);
}

TEST(Heap, IsLeftAloneWhateverHappens) {
  if (!test_support::can_count_allocations())
    GTEST_SKIP() << "this build's malloc cannot be counted";
  auto config = config_of(kOpus, opus(16000), kG722, g722());
  config.inputs.push_back({kPcma, pcma(), RtpClockRate(8000)});
  const auto packets = opus_packets_of({.has_fec = true, .has_dtx = true}, speech(48000));
  const auto alaw = packets_of(pcma(), kPcma, speech(), kFrame);
  rtp::OutputStream stream(kSink, SeqNum(0), RtpTimestamp(0), RtpClockRate(8000));
  PacketPool pool(256);
  std::vector<wire::OpenRtp> outbox;
  outbox.reserve(64);
  std::vector<std::unique_ptr<Transcoder>> plans;
  for (int i = 0; i < 12; ++i) plans.push_back(std::move(*Transcoder::create(config)));
  std::size_t plan = 0;
  Octets event(4);
  const test_support::AllocationScope scope;
  Emit out{pool, stream, outbox};
  std::uint32_t random = 1;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    random = random * 1664525 + 1013904223;
    Transcoder& transcoder = *plans[plan];
    while (transcoder.next_timeout() && *transcoder.next_timeout() <= due(i)) {
      transcoder.handle_timeout(*transcoder.next_timeout(), out);
    }
    const auto give = [&](const Given& given, Instant now) {
      transcoder.handle_packet(
          now,
          wire::OpenRtp::make(pool.take(), given.type, given.has_marker, given.seq, given.timestamp,
                              given.ssrc, given.payload),
          out);
    };
    const unsigned what = random >> 28;
    const bool is_lost = what == 0;
    if (what == 1 && i > 3) {
      give(packets[i], due(i));
      give(packets[i - 1], due(i) + milliseconds(9));
    } else if (what == 2) {
      give(alaw[i], due(i));
    } else if (!is_lost) {
      give(packets[i], due(i));
    }
    if (i % 100 == 50) {
      wire::TelephoneEvent{5, i % 200 == 50, 10, 160}.write(event);
      auto packet = wire::OpenRtp::make(pool.take(), kEvent8, true, packets[i].seq.plus(1),
                                        packets[i].timestamp, kSource, event);
      transcoder.handle_packet(due(i), std::move(packet), out);
    }
    outbox.clear();
    if (i % 40 == 39 && plan + 1 < plans.size()) {
      plans[plan + 1]->take_over(*plans[plan]);
      ++plan;
    }
  }
  const auto allocations = scope.allocations();
  EXPECT_EQ(allocations, 0U);
  EXPECT_EQ(scope.frees(), 0U);
  EXPECT_GT(plans[plan]->counters().decoded, 300U);
  EXPECT_GT(plans[plan]->counters().concealed, 0U);
}

}  // namespace
}  // namespace causeway::media
