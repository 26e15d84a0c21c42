#include "tests/bench/generator/listening.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/bench/generator/statistics.h"

namespace causeway::bench {
namespace {

constexpr std::int64_t kFrameNs = 20'000'000;

/// Noise whose loudness goes up and down: no two seconds of it are alike.
Speech noise(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> sample(0, 3'000);
  Speech speech;
  double low = 0;
  for (int i = 0; i < 16'000 * 6; ++i) {
    low = 0.8 * low + 0.2 * sample(random);
    speech.at_16k.push_back(static_cast<std::int16_t>(low * (1.2 + std::sin(i / 4'000.0))));
  }
  speech.at_8k = half_rate(speech.at_16k);
  return speech;
}

Spoken spoken_of(const Speech& speech) {
  Spoken spoken;
  for (std::size_t i = 0; i < speech.frames(); ++i) {
    spoken.sent_ns.push_back(kFrameNs * static_cast<std::int64_t>(100 + i));
  }
  return spoken;
}

/// The payloads as they were sent, `delay` later.
Arrivals arrivals_of(const Speech& speech, Payload payload, std::int64_t delay) {
  Arrivals arrivals;
  arrivals.payloads = encode_speech(speech, payload);
  for (const std::int64_t sent : spoken_of(speech).sent_ns) arrivals.at_ns.push_back(sent + delay);
  return arrivals;
}

TEST(Listening, KnowsWhatWasSaidAndWhen) {
  const Speech speech = noise(1);
  const Verdict verdict = listen(speech, Payload::Pcmu,
                                 arrivals_of(speech, Payload::Pcmu, 21'000'000), spoken_of(speech));
  EXPECT_GT(verdict.windows, 5U);
  EXPECT_GT(verdict.worst_correlation, 0.99);
  EXPECT_NEAR(verdict.delay_ms, 21, 0.1);
}

TEST(Listening, SeesTheLookAheadOfTheCodecs) {
  const Speech speech = noise(1);
  const Verdict opus =
      listen(speech, Payload::Opus, arrivals_of(speech, Payload::Opus, 0), spoken_of(speech));
  EXPECT_GT(opus.median_correlation, 0.5);
  EXPECT_NEAR(opus.delay_ms, 6.5, 0.3);
  EXPECT_EQ(opus.opus, "WB mono");
  const Verdict g722 =
      listen(speech, Payload::G722, arrivals_of(speech, Payload::G722, 0), spoken_of(speech));
  EXPECT_GT(g722.median_correlation, 0.9);
  EXPECT_NEAR(g722.delay_ms, 1.4, 0.3);
  EXPECT_EQ(g722.opus, "");
}

TEST(Listening, DoesNotTakeOtherSoundForIt) {
  const Speech speech = noise(1);
  const Speech other = noise(2);
  const Verdict verdict =
      listen(speech, Payload::Pcmu, arrivals_of(other, Payload::Pcmu, 0), spoken_of(speech));
  EXPECT_GT(verdict.windows, 5U);
  EXPECT_LT(verdict.median_correlation, 0.3);
}

TEST(Listening, HearsSilenceAsNothing) {
  const Speech speech = noise(1);
  Arrivals silent = arrivals_of(speech, Payload::Pcmu, 0);
  for (auto& payload : silent.payloads) payload.assign(160, std::byte{0xff});
  EXPECT_LT(listen(speech, Payload::Pcmu, silent, spoken_of(speech)).median_correlation, 0.1);
}

TEST(Values, GivesPercentilesOfWhatWasAdded) {
  Values values(200);
  for (int i = 1; i <= 100; ++i) values.add_ns(i * 1'000);
  EXPECT_NEAR(values.percentile(50), 51, 1);
  EXPECT_NEAR(values.percentile(99), 100, 1);
  EXPECT_EQ(values.max(), 100);
}

TEST(Values, KeepsNoMoreThanItHasRoomFor) {
  Values values(1);
  values.add_ns(5'000);
  values.add_ns(9'000);
  EXPECT_EQ(values.count(), 1U);
  EXPECT_EQ(values.max(), 5);
}

TEST(Values, OfNothingAreZero) { EXPECT_EQ(Values(1).percentile(99), 0); }

}  // namespace
}  // namespace causeway::bench
