#include "codecs/resample.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/codecs/signals.h"

namespace causeway::codecs {
namespace {

constexpr std::uint32_t kRates[] = {8'000, 12'000, 16'000, 24'000, 32'000, 44'100, 48'000};

std::unique_ptr<Resampler> make(std::uint32_t from, std::uint32_t to,
                                std::uint8_t from_channels = 1, std::uint8_t to_channels = 1) {
  auto made = Resampler::create({SampleRate(from), from_channels}, {SampleRate(to), to_channels});
  EXPECT_TRUE(made.has_value());
  return std::move(*made);
}

// Converts in blocks of 20 ms, which have to come out whole.
Samples convert(Resampler& resampler, const Samples& in, std::uint32_t from, std::uint32_t to) {
  Samples all;
  for (std::size_t at = 0; at + from / 50 <= in.size(); at += from / 50) {
    Samples out(resampler.room_for(from / 50));
    const std::size_t made = resampler.convert(Pcm(in).subspan(at, from / 50), out);
    EXPECT_EQ(made, to / 50) << "block at " << at;
    all.insert(all.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(made));
  }
  return all;
}

TEST(Resampler, KeepsTheLevelOfA1KhzTone) {
  for (const std::uint32_t from : kRates) {
    for (const std::uint32_t to : kRates) {
      const Samples in = tone(1000, SampleRate(from), from, 10'000);
      const Samples out = convert(*make(from, to), in, from, to);
      EXPECT_NEAR(level_change_db(Pcm(out).last(to / 2), Pcm(in).last(from / 2)), 0, 0.1)
          << from << " -> " << to;
    }
  }
}

TEST(Resampler, KeepsTheVoiceBandAndRemovesWhatWouldFold) {
  const auto change = [](std::uint32_t from, std::uint32_t to, double hertz) {
    const Samples in = tone(hertz, SampleRate(from), from, 10'000);
    const Samples out = convert(*make(from, to), in, from, to);
    return level_change_db(Pcm(out).last(to / 2), Pcm(in).last(from / 2));
  };
  for (const std::uint32_t from : {16'000U, 48'000U}) {
    EXPECT_NEAR(change(from, 8'000, 300), 0, 0.1);
    EXPECT_NEAR(change(from, 8'000, 3'000), 0, 0.1);
    EXPECT_NEAR(change(from, 8'000, 3'400), 0, 0.7);
    EXPECT_LT(change(from, 8'000, 4'600), -30);
    EXPECT_LT(change(from, 8'000, 5'000), -60);
    EXPECT_NEAR(change(8'000, from, 3'400), 0, 0.5);
  }
}

TEST(Resampler, ConservesLengthOverTenSecondsInBlocksOfAnySize) {
  for (const std::uint32_t from : kRates) {
    for (const std::uint32_t to : kRates) {
      const auto resampler = make(from, to);
      const Samples in = speech(SampleRate(from), 7'000);
      std::size_t given = 0;
      std::size_t taken = 0;
      for (std::size_t block = 1; given < std::size_t{from} * 10; block = block * 7 % 6'007) {
        const std::size_t samples = std::min<std::size_t>(block, std::size_t{from} * 10 - given);
        Samples out(resampler->room_for(samples));
        taken += resampler->convert(Pcm(in).first(samples), out);
        given += samples;
      }
      EXPECT_EQ(taken, std::size_t{to} * 10) << from << " -> " << to;
    }
  }
}

TEST(Resampler, GivesWholeBlocksOf10MsFromTheFirstOn) {
  for (const std::uint32_t from : kRates) {
    for (const std::uint32_t to : kRates) {
      const auto resampler = make(from, to);
      for (int i = 0; i < 20; ++i) {
        Samples out(resampler->room_for(from / 100));
        ASSERT_EQ(resampler->convert(Samples(from / 100), out), to / 100) << from << " -> " << to;
      }
    }
  }
}

TEST(Resampler, DelaysByWhatItSays) {
  for (const std::uint32_t from : kRates) {
    for (const std::uint32_t to : kRates) {
      const auto resampler = make(from, to);
      Samples click(from / 10);
      click[0] = 20'000;
      const Samples out = convert(*resampler, click, from, to);
      double centre = 0;
      double weight = 0;
      for (std::size_t i = 0; i < out.size(); ++i) {
        centre += static_cast<double>(i) * out[i];
        weight += out[i];
      }
      const double delay_seconds = centre / weight / to;
      EXPECT_NEAR(delay_seconds * from, static_cast<double>(resampler->delay_samples()), 1.0)
          << from << " -> " << to;
      EXPECT_LE(delay_seconds, 0.0016);
    }
  }
}

TEST(Resampler, CanMakeRoomExactly) {
  const auto resampler = make(48'000, 8'000);
  EXPECT_EQ(resampler->room_for(960), 160U + 64U);
  EXPECT_EQ(resampler->room_for(961), 161U + 64U);
}

TEST(Resampler, MixesTwoChannelsToOneAndCopiesOneToTwo) {
  const Samples left = tone(500, SampleRate(16'000), 16'000, 8'000);
  const auto down = make(16'000, 8'000, 2, 1);
  Samples mono(down->room_for(16'000));
  mono.resize(down->convert(interleave(left, Samples(16'000)), mono));
  EXPECT_EQ(mono.size(), 8'000U);
  EXPECT_NEAR(level_change_db(Pcm(mono).last(4'000), Pcm(left).last(8'000)), -6.02, 0.2);

  const auto up = make(8'000, 16'000, 1, 2);
  Samples stereo(2 * up->room_for(8'000));
  stereo.resize(2 * up->convert(mono, stereo));
  ASSERT_EQ(stereo.size(), 32'000U);
  for (std::size_t i = 0; i < stereo.size(); i += 2) ASSERT_EQ(stereo[i], stereo[i + 1]);
}

TEST(Resampler, OfTwoWithTheSameInputTheOutputIsTheSame) {
  const Samples voice = speech(SampleRate(16'000), 16'000);
  const Samples expected = convert(*make(16'000, 8'000), voice, 16'000, 8'000);
  const auto resampler = make(16'000, 8'000);
  Samples out(resampler->room_for(voice.size()));
  out.resize(resampler->convert(voice, out));
  EXPECT_EQ(out, expected) << "block sizes must not matter";
}

}  // namespace
}  // namespace causeway::codecs
