#include "codecs/pitch_concealer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "codecs/spandsp.h"
#include "tests/unit/codecs/signals.h"

namespace causeway::codecs {
namespace {

constexpr std::uint32_t kRates[] = {8'000, 16'000, 32'000, 44'100, 48'000};

// A voice of a fixed pitch: a train of harmonics.
Samples voice_of(double pitch, std::uint32_t rate, std::size_t samples) {
  Samples out(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    double value = 0;
    for (int k = 1; k <= 12; ++k) {
      value += std::sin(2 * std::numbers::pi * pitch * k * static_cast<double>(i) / rate + k) / k;
    }
    out[i] = static_cast<std::int16_t>(std::lrint(4'000 * value));
  }
  return out;
}

int largest_step(Pcm samples) {
  int largest = 0;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    largest = std::max(largest, std::abs(int{samples[i]} - int{samples[i - 1]}));
  }
  return largest;
}

TEST(PitchConcealer, ContinuesAVoiceAtEveryRateAndPitch) {
  for (const std::uint32_t rate : kRates) {
    for (const double pitch : {70.0, 100.0, 133.0, 190.0}) {
      const Samples voice = voice_of(pitch, rate, rate / 5);
      PitchConcealer concealer{SampleRate(rate)};
      Samples heard(voice.begin(), voice.begin() + rate / 10);
      concealer.heard(heard);
      Samples out(rate / 50);
      concealer.conceal(out);
      EXPECT_GT(correlation(Pcm(voice).subspan(rate / 10, rate / 50), out), 0.9)
          << rate << " Hz, pitch " << pitch;
    }
  }
}

TEST(PitchConcealer, HoldsFor10MsAndIsSilentAfter60) {
  for (const std::uint32_t rate : kRates) {
    Samples voice = voice_of(100, rate, rate / 10);
    PitchConcealer concealer{SampleRate(rate)};
    concealer.heard(voice);
    Samples out(rate / 5);
    concealer.conceal(out);
    EXPECT_NEAR(level_change_db(Pcm(out).first(rate / 100), Pcm(voice).last(rate / 100)), 0, 1.0);
    const auto silent = Pcm(out).subspan(rate * 6 / 100);
    EXPECT_EQ(Samples(silent.begin(), silent.end()), Samples(silent.size()));
  }
}

TEST(PitchConcealer, GivesTheSameInOnePieceAsInMany) {
  Samples voice = voice_of(120, 16'000, 1600);
  PitchConcealer whole{SampleRate(16'000)};
  PitchConcealer pieces{SampleRate(16'000)};
  whole.heard(voice);
  pieces.heard(voice);
  Samples expected(960);
  whole.conceal(expected);
  Samples out(960);
  for (std::size_t at = 0; at < 960; at += 60) pieces.conceal(MutablePcm(out).subspan(at, 60));
  EXPECT_EQ(out, expected);
}

TEST(PitchConcealer, JoinsWithoutAClick) {
  for (const std::uint32_t rate : {8'000U, 16'000U, 48'000U}) {
    const Samples voice = voice_of(110, rate, rate / 2);
    const int natural = largest_step(voice);
    PitchConcealer concealer{SampleRate(rate)};
    Samples all = voice;
    const std::size_t frame = rate / 50;
    for (std::size_t at = 0; at + frame <= all.size(); at += frame) {
      const auto part = MutablePcm(all).subspan(at, frame);
      (at / frame) % 5 == 4 ? concealer.conceal(part) : concealer.heard(part);
    }
    EXPECT_LE(largest_step(all), natural * 3 / 2) << rate;
  }
}

// spandsp's plc is the yardstick at 8 kHz: on speech, ours has to be about as near to the truth.
// Its ring of history is straightened first, since it would do that with an overlapping memcpy.
void fill_in(plc_state_t& plc, MutablePcm out) {
  std::rotate(plc.history, plc.history + plc.buf_ptr, plc.history + PLC_HISTORY_LEN);
  plc.buf_ptr = 0;
  plc_fillin(&plc, out.data(), static_cast<int>(out.size()));
}

TEST(PitchConcealer, IsAsNearToTheTruthAsSpandsp) {
  const Samples truth = speech(SampleRate(8000), 160'000);
  PitchConcealer concealer{SampleRate(8000)};
  plc_state_t reference{};
  plc_init(&reference);
  double ours_sum = 0;
  double theirs_sum = 0;
  int losses = 0;
  for (std::size_t at = 0; at + 160 <= truth.size(); at += 160) {
    Samples ours(truth.begin() + static_cast<std::ptrdiff_t>(at),
                 truth.begin() + static_cast<std::ptrdiff_t>(at + 160));
    const Samples original = ours;
    Samples theirs = ours;
    if ((at / 160) % 7 == 6) {
      concealer.conceal(ours);
      fill_in(reference, theirs);
      if (rms(original) > 500) {
        ours_sum += correlation(original, ours);
        theirs_sum += correlation(original, theirs);
        ++losses;
      }
    } else {
      concealer.heard(ours);
      plc_rx(&reference, theirs.data(), 160);
    }
  }
  ASSERT_GT(losses, 50);
  RecordProperty("ours", std::to_string(ours_sum / losses));
  RecordProperty("spandsp", std::to_string(theirs_sum / losses));
  EXPECT_GT(ours_sum / losses, theirs_sum / losses - 0.05);
}

TEST(PitchConcealer, FullScaleSoundStaysInRange) {
  Samples loud(3200);
  for (std::size_t i = 0; i < loud.size(); ++i) loud[i] = i / 53 % 2 == 0 ? 32'767 : -32'768;
  PitchConcealer concealer{SampleRate(16'000)};
  concealer.heard(loud);
  Samples out(1600);
  concealer.conceal(out);
  Samples next(320, -32'768);
  concealer.heard(next);
  EXPECT_EQ(next.back(), -32'768);
}

}  // namespace
}  // namespace causeway::codecs
