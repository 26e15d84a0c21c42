#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "tests/unit/relay/record/rig.h"

namespace causeway::record::test {
namespace {

using namespace std::chrono_literals;

std::vector<ClickSender::Sent> both(std::vector<ClickSender::Sent> a,
                                    const std::vector<ClickSender::Sent>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Within 1 ms, and as many clicks as there are.
void expect_true(const ParsedWav& wav, std::size_t channel, const std::vector<Duration>& truth,
                 Duration after = Duration{}) {
  const auto found = clicks_in(wav.channel(channel), wav.rate);
  ASSERT_FALSE(truth.empty());
  const auto worst = worst_error(found, truth, after);
  ASSERT_TRUE(worst) << "channel " << channel << ": " << found.size() << " clicks, not "
                     << truth.size();
  EXPECT_LE(*worst, 1ms) << "channel " << channel << ": " << worst->count() << " ns";
}

TEST(Alignment, PutsBothChannelsWhereTheyArrived) {
  ClickSender a{.from = 137ms, .until = 5s};
  ClickSender b{.channel = 1, .from = 3217ms, .until = 5s, .ssrc = Ssrc{0xb}};
  Rig rig(wav_spec());
  run(rig, both(a.packets(), b.packets()), 5s);
  rig.finish(5s);
  const ParsedWav wav = rig.wav();
  EXPECT_EQ(wav.samples.size(), 2U * 5 * 8000);
  expect_true(wav, 0, a.clicks);
  expect_true(wav, 1, b.clicks);
}

TEST(Alignment, HoldsAcrossALossOf400Ms) {
  ClickSender b{.channel = 1, .from = 3217ms, .until = 9s};
  b.is_lost = [](std::int64_t n) { return n >= 100 && n < 120; };
  Rig rig(wav_spec());
  run(rig, b.packets(), 9s);
  rig.finish(9s);
  expect_true(rig.wav(), 1, b.clicks);
  EXPECT_EQ(rig.session().counts(1).streams.missing, 20U);
}

TEST(Alignment, HoldsAcrossAChangeOfSsrc) {
  ClickSender first{.channel = 1, .from = 3217ms, .until = 6s};
  ClickSender second{.channel = 1,
                     .from = 6013ms,
                     .until = 9s,
                     .ssrc = Ssrc{0xcccc},
                     .first_seq = SeqNum{9},
                     .first_timestamp = RtpTimestamp{77}};
  Rig rig(wav_spec());
  run(rig, both(first.packets(), second.packets()), 9s);
  rig.finish(9s);
  auto truth = first.clicks;
  truth.insert(truth.end(), second.clicks.begin(), second.clicks.end());
  expect_true(rig.wav(), 1, truth);
  EXPECT_EQ(rig.session().counts(1).ssrcs, 2U);
  EXPECT_EQ(rig.session().counts(1).streams.missing, 0U);
}

TEST(Alignment, PutsReorderedPacketsBackInOrder) {
  ClickSender a{.from = 100ms, .until = 5s, .click_every = 60ms};
  a.delay = [](std::int64_t n) { return n % 5 == 2 ? Duration(170ms) : Duration{}; };
  Rig rig(wav_spec());
  run(rig, a.packets(), 6s);
  rig.finish(6s);
  expect_true(rig.wav(), 0, a.clicks);
  EXPECT_EQ(rig.session().counts(0).streams.late, 0U);
}

TEST(Alignment, FindsTheUndelayedPacketsAmongJitter) {
  Random random({1, 2});
  ClickSender a{.from = 50ms, .until = 60s};
  a.delay = [&random](std::int64_t) { return Duration(random.below(60'000'000)); };
  Rig rig(wav_spec());
  run(rig, a.packets(), 60s);
  rig.finish(60s);
  const ParsedWav wav = rig.wav();
  // Half a second knows 25 packets, whose least wait is a few ms; by then it is settled.
  expect_true(wav, 0, a.clicks, 10s);
  const auto early = worst_error(clicks_in(wav.channel(0), wav.rate), a.clicks);
  EXPECT_LE(early.value(), 8ms);
}

TEST(Alignment, FollowsASenderWhoseClockIsFast) {
  ClickSender a{.from = 50ms, .until = 600s, .fast_ppm = 100};
  Rig rig(wav_spec());
  run(rig, a.packets(), 600s);
  rig.finish(600s);
  expect_true(rig.wav(), 0, a.clicks);
}

TEST(Alignment, FollowsASenderWhoseClockIsSlow) {
  ClickSender a{.from = 50ms, .until = 600s, .fast_ppm = -100};
  Rig rig(wav_spec());
  run(rig, a.packets(), 600s);
  rig.finish(600s);
  expect_true(rig.wav(), 0, a.clicks);
}

TEST(Alignment, FollowsDriftUnderJitter) {
  Random random({3, 4});
  ClickSender a{.from = 50ms, .until = 300s, .fast_ppm = -100};
  a.delay = [&random](std::int64_t) {
    // Most packets wait little, some long: what queues do.
    const Duration wait(random.below(5'000'000));
    return random.below(10) == 0 ? wait + Duration(random.below(60'000'000)) : wait;
  };
  Rig rig(wav_spec());
  run(rig, a.packets(), 300s);
  rig.finish(300s);
  expect_true(rig.wav(), 0, a.clicks, 2s);
}

TEST(Alignment, ChangesNoSampleOfASteadySender) {
  // Every sample of a ramp comes out as it went in: no stretching where none is due.
  std::vector<ClickSender::Sent> packets;
  for (int n = 0; n < 200; ++n) {
    ClickSender::Sent one{0,
                          1s + n * 20ms,
                          SeqNum(static_cast<std::uint16_t>(n)),
                          RtpTimestamp(static_cast<std::uint32_t>(n) * 160),
                          Ssrc{1},
                          {}};
    for (int i = 0; i < 160; ++i) one.payload.push_back(static_cast<std::byte>((n * 7 + i) % 256));
    packets.push_back(std::move(one));
  }
  Rig rig(wav_spec(1));
  run(rig, packets, 6s);
  rig.finish(6s);
  const auto decoder = codecs::make_decoder({}).value();
  std::vector<std::int16_t> want(8000);
  for (const auto& one : packets) {
    std::vector<std::int16_t> pcm(codecs::kMaxPcmSamples);
    pcm.resize(decoder->decode(one.payload, pcm).value());
    want.insert(want.end(), pcm.begin(), pcm.end());
  }
  want.resize(6 * 8000);
  EXPECT_EQ(rig.wav().channel(0), want);
}

TEST(Alignment, StretchesWithoutAClick) {
  // A 440 Hz tone from a clock that is 300 ppm slow: no step is larger than the tone's own.
  std::vector<ClickSender::Sent> packets;
  RecordingSpec spec = wav_spec(1);
  RecordedCodec l16;
  l16.type = PayloadType{96};
  l16.codec = {.id = codecs::CodecId::L16, .rate = SampleRate{8000}};
  spec.channels[0].codecs = {l16};
  std::int64_t sample = 0;
  for (int n = 0; n < 3000; ++n) {
    ClickSender::Sent one{0,
                          Duration(n * 20'006'000LL),
                          SeqNum(static_cast<std::uint16_t>(n)),
                          RtpTimestamp(static_cast<std::uint32_t>(n) * 160),
                          Ssrc{1},
                          {},
                          l16.type};
    for (int i = 0; i < 160; ++i, ++sample) {
      const double angle = 2 * 3.14159265358979 * 440 * static_cast<double>(sample) / 8000;
      std::array<std::byte, 2> octets{};
      store_be16(octets.data(), static_cast<std::uint16_t>(std::lround(10'000 * std::sin(angle))));
      one.payload.insert(one.payload.end(), octets.begin(), octets.end());
    }
    packets.push_back(std::move(one));
  }
  Rig rig(spec);
  run(rig, packets, 60s);
  rig.finish(60s);
  const auto pcm = rig.wav().channel(0);
  int largest = 0;
  for (std::size_t i = 1; i < pcm.size(); ++i) {
    largest = std::max(largest, std::abs(pcm[i] - pcm[i - 1]));
  }
  // 10000 * 2 pi * 440 / 8000 = 3456.
  EXPECT_LE(largest, 3600);
  EXPECT_EQ(rig.session().counts(0).streams.received, 3000U);
}

}  // namespace
}  // namespace causeway::record::test
