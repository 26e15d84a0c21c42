#include "codecs/plc.h"

#include <gtest/gtest.h>

#include "codecs/spandsp.h"
#include "tests/unit/codecs/signals.h"

namespace causeway::codecs {
namespace {

using namespace test;

TEST(Plc, At8KhzDoesExactlyWhatSpandspDoes) {
  Plc plc(SampleRate(8000), 1);
  plc_state_t reference{};
  plc_init(&reference);
  const Samples voice = speech(SampleRate(8000), 16'000);
  for (std::size_t at = 0; at < voice.size(); at += 160) {
    Samples ours(voice.begin() + static_cast<std::ptrdiff_t>(at),
                 voice.begin() + static_cast<std::ptrdiff_t>(at + 160));
    Samples theirs = ours;
    if (at % 800 >= 640) {
      plc.conceal(ours);
      plc_fillin(&reference, theirs.data(), 160);
    } else {
      plc.heard(ours);
      plc_rx(&reference, theirs.data(), 160);
    }
    ASSERT_EQ(ours, theirs) << at;
  }
}

TEST(Plc, LeavesSoundAloneWhereNothingWasLost) {
  for (const std::uint32_t rate : {8'000U, 16'000U, 48'000U}) {
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

// spandsp's plc_fillin writes past a short piece; Plc must not let it.
TEST(Plc, NeverWritesPastAShortLoss) {
  const Samples voice = tone(80, SampleRate(8000), 1600, 9000);
  for (std::size_t samples = 0; samples < 60; ++samples) {
    Plc plc(SampleRate(8000), 1);
    Samples heard = voice;
    plc.heard(heard);
    Samples out(samples + 100, 1234);
    plc.conceal(MutablePcm(out).first(samples));
    EXPECT_EQ(Samples(out.end() - 100, out.end()), Samples(100, 1234)) << samples;
  }
}

TEST(Plc, IsSilentWhereNothingWasEverHeard) {
  for (const std::uint32_t rate : {8'000U, 16'000U}) {
    Plc plc(SampleRate(rate), 1);
    Samples out(rate / 50, 5);
    plc.conceal(out);
    EXPECT_EQ(out, Samples(rate / 50));
  }
}

}  // namespace
}  // namespace causeway::codecs
