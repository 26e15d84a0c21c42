#include "relay/record/wav_writer.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/relay/record/rig.h"

namespace causeway::record::test {
namespace {

TEST(WavWriter, IsAPlayableFileBeforeAnySound) {
  WavWriter writer(SampleRate{16'000}, 2);
  std::vector<FileWrite> writes;
  writer.flush(writes);
  FakeFile file;
  file.apply(writes);
  const auto wav = parse_wav(file.octets);
  ASSERT_TRUE(wav);
  EXPECT_EQ(wav->rate, 16'000U);
  EXPECT_EQ(wav->channels, 2U);
  EXPECT_TRUE(wav->samples.empty());
  EXPECT_EQ(file.octets.size(), WavWriter::kHeadOctets);
}

TEST(WavWriter, WritesSamplesBeforeTheHeadThatCountsThem) {
  WavWriter writer(SampleRate{8000}, 2);
  std::vector<FileWrite> writes;
  writer.append(std::array<std::int16_t, 4>{1, -2, 300, -32768});
  EXPECT_TRUE(writer.has_unflushed());
  writer.flush(writes);
  ASSERT_EQ(writes.size(), 2U);
  EXPECT_EQ(writes[0].offset, 80U);
  EXPECT_EQ(writes[1].offset, 0U);
  EXPECT_FALSE(writer.has_unflushed());
  FakeFile file;
  file.apply(writes);
  EXPECT_EQ(parse_wav(file.octets)->samples, (std::vector<std::int16_t>{1, -2, 300, -32768}));
}

TEST(WavWriter, TurnsIntoRf64WhenItOutgrowsRiff) {
  WavWriter writer(SampleRate{8000}, 2, 80 + 400);
  FakeFile file;
  std::vector<std::int16_t> all;
  for (std::int16_t flush = 0; flush < 8; ++flush) {
    const std::vector<std::int16_t> some(40, flush);
    all.insert(all.end(), some.begin(), some.end());
    writer.append(some);
    std::vector<FileWrite> writes;
    writer.flush(writes);
    // A reader may come between any two writes.
    for (const FileWrite& write : writes) {
      file.apply(write);
      if (!file.octets.empty() && load_le(file.octets, 0, 4) != 0) {
        EXPECT_TRUE(parse_wav(file.octets));
      }
    }
    const auto wav = parse_wav(file.octets);
    ASSERT_TRUE(wav);
    EXPECT_EQ(wav->samples, all);
    EXPECT_EQ(wav->is_rf64, flush >= 5) << flush;  // 80 octets a flush
    EXPECT_EQ(writer.file_octets(), file.octets.size());
  }
}

TEST(WavWriter, CountsInDs64WhatDoesNotFit32Bits) {
  // As if 5 GiB had been written: only the head is looked at.
  WavWriter writer(SampleRate{48'000}, 2, 0);
  writer.append(std::vector<std::int16_t>(2000, 1));
  std::vector<FileWrite> writes;
  writer.flush(writes);
  const Bytes head = writes.back().octets;
  EXPECT_EQ(load_le(head, 0, 4), 0x34364652U);  // "RF64"
  EXPECT_EQ(load_le(head, 4, 4), 0xffffffffU);
  EXPECT_EQ(load_le(head, 20, 8), 80U + 4000 - 8);
  EXPECT_EQ(load_le(head, 28, 8), 4000U);
  EXPECT_EQ(load_le(head, 36, 8), 1000U);
  EXPECT_EQ(load_le(head, 44, 4), 0U);
  EXPECT_EQ(load_le(head, 76, 4), 0xffffffffU);
}

}  // namespace
}  // namespace causeway::record::test
