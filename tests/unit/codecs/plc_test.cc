#include "codecs/plc.h"

#include <gtest/gtest.h>

#include "tests/unit/codecs/signals.h"

namespace causeway::codecs {
namespace {

constexpr std::uint32_t kRates[] = {8'000, 16'000, 44'100, 48'000};

TEST(Plc, LeavesSoundAloneWhereNothingWasLost) {
  for (const std::uint32_t rate : kRates) {
    Plc plc(SampleRate(rate), 2);
    const Samples voice =
        interleave(speech(SampleRate(rate), rate, 1), speech(SampleRate(rate), rate, 2));
    Samples heard = voice;
    for (std::size_t at = 0; at < heard.size(); at += rate / 25) {
      plc.heard(MutablePcm(heard).subspan(at, rate / 25));
    }
    EXPECT_EQ(heard, voice);
  }
}

TEST(Plc, TreatsTwoChannelsAsTwoStreams) {
  for (const std::uint32_t rate : kRates) {
    const Samples left = speech(SampleRate(rate), rate, 1);
    const Samples right = speech(SampleRate(rate), rate, 2);
    Samples both = interleave(left, right);
    Samples mono_left = left;
    Samples mono_right = right;
    Plc stereo(SampleRate(rate), 2);
    PitchConcealer first{SampleRate(rate)};
    PitchConcealer second{SampleRate(rate)};
    const std::size_t frame = rate / 50;
    for (std::size_t i = 0; i < 50; ++i) {
      const auto two = MutablePcm(both).subspan(2 * i * frame, 2 * frame);
      const auto one_left = MutablePcm(mono_left).subspan(i * frame, frame);
      const auto one_right = MutablePcm(mono_right).subspan(i * frame, frame);
      if (i % 5 == 4) {
        stereo.conceal(two);
        first.conceal(one_left);
        second.conceal(one_right);
      } else {
        stereo.heard(two);
        first.heard(one_left);
        second.heard(one_right);
      }
    }
    EXPECT_EQ(both, interleave(mono_left, mono_right));
    EXPECT_NE(mono_left, left) << "nothing was concealed";
  }
}

TEST(Plc, ConcealsLossesOfAnyLengthWithinTheirBounds) {
  const Samples voice = tone(80, SampleRate(8000), 1600, 9000);
  for (std::size_t samples = 0; samples < 60; ++samples) {
    Plc plc(SampleRate(8000), 1);
    Samples heard = voice;
    plc.heard(heard);
    Samples out(samples + 100, 1234);
    plc.conceal(MutablePcm(out).first(samples));
    EXPECT_EQ(Samples(out.end() - 100, out.end()), Samples(100, 1234)) << samples;
    plc.heard(MutablePcm(heard).first(samples));
  }
}

TEST(Plc, IsSilentWhereNothingWasEverHeard) {
  for (const std::uint32_t rate : kRates) {
    Plc plc(SampleRate(rate), 1);
    Samples out(rate / 50, 5);
    plc.conceal(out);
    EXPECT_EQ(out, Samples(rate / 50));
  }
}

}  // namespace
}  // namespace causeway::codecs
