#include "codecs/opus_framing.h"

#include <gtest/gtest.h>
#include <opus.h>

#include <random>

#include "tests/unit/codecs/signals.h"

namespace causeway::codecs {
namespace {

using namespace std::chrono_literals;
constexpr int toc(int config, int is_stereo, int code) {
  return (config << 3) | (is_stereo << 2) | code;
}
constexpr int kSilk20 = 1;      // SILK, narrowband, 20 ms
constexpr int kShortCelt = 28;  // CELT, full band, 2.5 ms

Octets with_body(std::initializer_list<int> head, std::size_t more) {
  Octets packet = octets(head);
  packet.resize(packet.size() + more);
  return packet;
}

TEST(OpusFraming, ReadsTheTableOfConfigurations) {
  struct Row {
    int config;
    OpusMode mode;
    std::uint32_t rate;
    Duration frame;
  };
  const Row rows[] = {
      {0, OpusMode::Silk, 8'000, 10ms},     {3, OpusMode::Silk, 8'000, 60ms},
      {6, OpusMode::Silk, 12'000, 40ms},    {9, OpusMode::Silk, 16'000, 20ms},
      {12, OpusMode::Hybrid, 24'000, 10ms}, {15, OpusMode::Hybrid, 48'000, 20ms},
      {16, OpusMode::Celt, 8'000, 2500us},  {21, OpusMode::Celt, 16'000, 5ms},
      {26, OpusMode::Celt, 24'000, 10ms},   {31, OpusMode::Celt, 48'000, 20ms},
  };
  for (const Row& row : rows) {
    const auto packet = OpusPacket::parse(octets({toc(row.config, 0, 0), 1}));
    ASSERT_TRUE(packet.has_value());
    EXPECT_EQ(packet->mode(), row.mode) << row.config;
    EXPECT_EQ(packet->bandwidth_rate(), SampleRate(row.rate)) << row.config;
    EXPECT_EQ(packet->frame_duration(), row.frame) << row.config;
    EXPECT_FALSE(packet->is_stereo());
  }
  EXPECT_TRUE(OpusPacket::parse(octets({toc(0, 1, 0), 1}))->is_stereo());
}

TEST(OpusFraming, R1RefusesAnEmptyPacket) { EXPECT_FALSE(OpusPacket::parse({}).has_value()); }

TEST(OpusFraming, ATocAloneIsAFrameOfNoOctets) {
  const auto packet = OpusPacket::parse(octets({toc(kSilk20, 0, 0)}));
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->frame_count(), 1U);
  EXPECT_TRUE(packet->frame(0).empty());
  EXPECT_EQ(packet->samples_at(SampleRate(48'000)), 960U);
}

TEST(OpusFraming, R2RefusesFramesAbove1275Octets) {
  EXPECT_TRUE(OpusPacket::parse(with_body({toc(kSilk20, 0, 0)}, 1275)).has_value());
  EXPECT_FALSE(OpusPacket::parse(with_body({toc(kSilk20, 0, 0)}, 1276)).has_value());
  EXPECT_TRUE(OpusPacket::parse(with_body({toc(kSilk20, 0, 1)}, 2550)).has_value());
  EXPECT_FALSE(OpusPacket::parse(with_body({toc(kSilk20, 0, 1)}, 2552)).has_value());
  EXPECT_FALSE(OpusPacket::parse(with_body({toc(kSilk20, 0, 2), 0}, 1276)).has_value());
  EXPECT_FALSE(OpusPacket::parse(with_body({toc(kSilk20, 0, 3), 0x82, 0}, 1276)).has_value());
}

TEST(OpusFraming, R3RefusesTwoEqualFramesOfAnOddTotal) {
  EXPECT_FALSE(OpusPacket::parse(with_body({toc(kSilk20, 0, 1)}, 7)).has_value());
  const auto packet = OpusPacket::parse(with_body({toc(kSilk20, 0, 1)}, 8));
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->frame_count(), 2U);
  EXPECT_EQ(packet->frame(1).size(), 4U);
  EXPECT_EQ(packet->duration(), 40ms);
}

TEST(OpusFraming, R4RefusesTwoFramesWhoseLengthLies) {
  EXPECT_FALSE(OpusPacket::parse(octets({toc(kSilk20, 0, 2)})).has_value());
  EXPECT_FALSE(OpusPacket::parse(with_body({toc(kSilk20, 0, 2), 9}, 8)).has_value());
  EXPECT_FALSE(OpusPacket::parse(octets({toc(kSilk20, 0, 2), 252})).has_value());
  const auto packet = OpusPacket::parse(with_body({toc(kSilk20, 0, 2), 3}, 8));
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->frame(0).size(), 3U);
  EXPECT_EQ(packet->frame(1).size(), 5U);
}

TEST(OpusFraming, ReadsLengthsOfTwoOctets) {
  // 253 + 4 * 20 = 333.
  const auto packet = OpusPacket::parse(with_body({toc(kSilk20, 0, 2), 253, 20}, 340));
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->frame(0).size(), 333U);
  EXPECT_EQ(packet->frame(1).size(), 7U);
}

TEST(OpusFraming, R5RefusesNoFramesAndMoreThan120Ms) {
  EXPECT_FALSE(OpusPacket::parse(octets({toc(kSilk20, 0, 3)})).has_value());
  EXPECT_FALSE(OpusPacket::parse(octets({toc(kSilk20, 0, 3), 0})).has_value());
  EXPECT_TRUE(OpusPacket::parse(with_body({toc(kSilk20, 0, 3), 6}, 6)).has_value());
  EXPECT_FALSE(OpusPacket::parse(with_body({toc(kSilk20, 0, 3), 7}, 7)).has_value());
  EXPECT_TRUE(OpusPacket::parse(with_body({toc(kShortCelt, 0, 3), 48}, 48)).has_value());
  EXPECT_FALSE(OpusPacket::parse(with_body({toc(kShortCelt, 0, 3), 49}, 49)).has_value());
  EXPECT_FALSE(OpusPacket::parse(with_body({toc(kShortCelt, 0, 3), 63}, 63)).has_value());
}

TEST(OpusFraming, R6RefusesEqualFramesThatDoNotFillThePacket) {
  EXPECT_FALSE(OpusPacket::parse(with_body({toc(kSilk20, 0, 3), 3}, 7)).has_value());
  EXPECT_TRUE(OpusPacket::parse(with_body({toc(kSilk20, 0, 3), 3}, 9)).has_value());
}

TEST(OpusFraming, R6TakesPaddingOffAndRefusesMoreThanThereIs) {
  // 3 frames of 2 octets, 5 octets of padding.
  const auto packet = OpusPacket::parse(with_body({toc(kSilk20, 0, 3), 0x43, 5}, 11));
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->padding_octets(), 5U);
  EXPECT_EQ(packet->frame(2).size(), 2U);
  EXPECT_FALSE(OpusPacket::parse(with_body({toc(kSilk20, 0, 3), 0x43, 12}, 11)).has_value());
  EXPECT_FALSE(OpusPacket::parse(octets({toc(kSilk20, 0, 3), 0x43})).has_value());
  EXPECT_FALSE(OpusPacket::parse(octets({toc(kSilk20, 0, 3), 0x43, 255})).has_value());
}

TEST(OpusFraming, AddsUpChainsOfPadding) {
  // 255 stands for 254 and one more octet: 254 + 254 + 10.
  const auto packet = OpusPacket::parse(with_body({toc(kSilk20, 0, 3), 0x41, 255, 255, 10}, 520));
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->padding_octets(), 518U);
  EXPECT_EQ(packet->frame(0).size(), 2U);
}

TEST(OpusFraming, R7RefusesLengthsThatPassTheEnd) {
  EXPECT_TRUE(OpusPacket::parse(with_body({toc(kSilk20, 0, 3), 0x83, 4, 5}, 9)).has_value());
  EXPECT_FALSE(OpusPacket::parse(with_body({toc(kSilk20, 0, 3), 0x83, 4, 6}, 9)).has_value());
  EXPECT_FALSE(OpusPacket::parse(octets({toc(kSilk20, 0, 3), 0x83, 4})).has_value());
  EXPECT_FALSE(OpusPacket::parse(octets({toc(kSilk20, 0, 3), 0x83, 0, 252})).has_value());
}

// libopus has a parser of the same section; ours must agree with it on every packet.
void expect_agreement(Bytes packet) {
  const auto* data = reinterpret_cast<const unsigned char*>(packet.data());
  const unsigned char* frames[48] = {};
  opus_int16 sizes[48] = {};
  unsigned char their_toc = 0;
  int offset = 0;
  const int count = opus_packet_parse(data, static_cast<opus_int32>(packet.size()), &their_toc,
                                      frames, sizes, &offset);
  const auto ours = OpusPacket::parse(packet);
  ASSERT_EQ(ours.has_value(), count > 0);
  if (!ours) return;
  ASSERT_EQ(ours->frame_count(), static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < ours->frame_count(); ++i) {
    ASSERT_EQ(ours->frame(i).size(), static_cast<std::size_t>(sizes[i]));
    if (sizes[i] > 0) {
      ASSERT_EQ(static_cast<const void*>(ours->frame(i).data()), frames[i]);
    }
  }
  for (const std::uint32_t rate : {8'000U, 12'000U, 16'000U, 24'000U, 48'000U}) {
    ASSERT_EQ(static_cast<int>(ours->samples_at(SampleRate(rate))),
              opus_packet_get_nb_samples(data, static_cast<opus_int32>(packet.size()),
                                         static_cast<opus_int32>(rate)));
  }
  ASSERT_EQ(ours->is_stereo() ? 2 : 1, opus_packet_get_nb_channels(data));
}

TEST(OpusFraming, AgreesWithLibopusOnAMillionHostilePackets) {
  std::mt19937 random(20'260'101);
  std::vector<std::byte> packet;
  for (int round = 0; round < 1'000'000; ++round) {
    // Mostly short packets, where the lengths are; now and then one around the limit of a frame.
    const std::size_t size = round % 16 == 0 ? random() % 2700 : 1 + random() % 24;
    packet.resize(size);
    const std::size_t random_octets = std::min<std::size_t>(size, 24);
    for (std::size_t i = 0; i < random_octets; ++i) {
      // Large and small values both: they are what lengths and padding turn on.
      const auto value = random();
      packet[i] = std::byte{static_cast<std::uint8_t>((value >> 8) % 4 == 0   ? 250 + value % 6
                                                      : (value >> 8) % 4 == 1 ? value % 4
                                                                              : value)};
    }
    ASSERT_NO_FATAL_FAILURE(expect_agreement(packet));
  }
}

TEST(OpusFraming, LbrrIsOnlyInSilkAndHybridFramesOfMoreThanOneOctet) {
  // 20 ms mono: one VAD bit, then the LBRR bit, 0x40.
  EXPECT_TRUE(OpusPacket::parse(octets({toc(1, 0, 0), 0x40, 0}))->has_lbrr());
  EXPECT_FALSE(OpusPacket::parse(octets({toc(1, 0, 0), 0xBF, 0xFF}))->has_lbrr());
  EXPECT_TRUE(OpusPacket::parse(octets({toc(13, 0, 0), 0x40, 0}))->has_lbrr());
  EXPECT_FALSE(OpusPacket::parse(octets({toc(19, 0, 0), 0xFF, 0xFF}))->has_lbrr());
  EXPECT_FALSE(OpusPacket::parse(octets({toc(1, 0, 0), 0x40}))->has_lbrr());
  EXPECT_FALSE(OpusPacket::parse(octets({toc(1, 0, 0)}))->has_lbrr());
}

TEST(OpusFraming, LbrrFlagFollowsOneVadFlagFor20MsOfTheFrame) {
  // 10 ms has one VAD flag as 20 ms has; 40 ms two; 60 ms three.
  for (const auto& [config, flag] : {std::pair{0, 0x40}, {1, 0x40}, {2, 0x20}, {3, 0x10}}) {
    EXPECT_TRUE(OpusPacket::parse(octets({toc(config, 0, 0), flag, 0}))->has_lbrr());
    EXPECT_FALSE(OpusPacket::parse(octets({toc(config, 0, 0), ~flag & 0xFF, 0}))->has_lbrr());
  }
}

TEST(OpusFraming, InStereoEitherChannelMayHaveLbrr) {
  // Mid flags, then side flags: 20 ms is v L v L, 60 ms is v v v L v v v L.
  for (const auto& [config, mid, side] :
       {std::tuple{1, 0x40, 0x10}, std::tuple{2, 0x20, 0x04}, std::tuple{3, 0x10, 0x01}}) {
    EXPECT_TRUE(OpusPacket::parse(octets({toc(config, 1, 0), mid, 0}))->has_lbrr());
    EXPECT_TRUE(OpusPacket::parse(octets({toc(config, 1, 0), side, 0}))->has_lbrr());
    EXPECT_FALSE(
        OpusPacket::parse(octets({toc(config, 1, 0), ~(mid | side) & 0xFF, 0}))->has_lbrr());
  }
}

}  // namespace
}  // namespace causeway::codecs
