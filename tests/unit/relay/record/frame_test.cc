#include "relay/record/frame.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <vector>

namespace causeway::record {
namespace {

using namespace std::chrono_literals;

constexpr RecordingId kId{7};
constexpr RecordingId kOtherId{8};

std::vector<std::byte> packet_of(std::size_t octets) {
  return std::vector<std::byte>(octets, std::byte{0x5a});
}

/// Everything that the ring holds, taken out.
std::vector<FrameHeader> drain(ByteRing& ring) {
  std::vector<FrameHeader> headers;
  for (Bytes record = ring.front(); !record.empty(); record = ring.front()) {
    headers.push_back(read_frame(record)->header);
    ring.pop();
  }
  return headers;
}

TEST(Frame, GivesBackWhatWasWritten) {
  std::array<std::byte, kFrameHeaderOctets + 3> record{};
  FrameHeader header;
  header.recording = kId;
  header.kind = FrameKind::Lost;
  header.channel = 1;
  header.codec_slot = 4;
  header.at = Instant(-5ns);
  header.frames = 0x80000001;
  header.octets = 0xfffffffe;
  write_frame_header(record, header);
  const auto frame = read_frame(record);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->header.recording, kId);
  EXPECT_EQ(frame->header.kind, FrameKind::Lost);
  EXPECT_EQ(frame->header.channel, 1);
  EXPECT_EQ(frame->header.codec_slot, 4);
  EXPECT_EQ(frame->header.at, Instant(-5ns));
  EXPECT_EQ(frame->header.frames, 0x80000001U);
  EXPECT_EQ(frame->header.octets, 0xfffffffeU);
  EXPECT_EQ(frame->packet.size(), 3U);
}

TEST(Frame, RefusesShortRecordsAndUnknownKinds) {
  std::array<std::byte, kFrameHeaderOctets> record{};
  EXPECT_FALSE(read_frame(record));  // kind 0
  record[4] = std::byte{8};
  EXPECT_FALSE(read_frame(record));
  record[4] = std::byte{7};
  EXPECT_TRUE(read_frame(record));
  EXPECT_FALSE(read_frame(Bytes(record).first(kFrameHeaderOctets - 1)));
}

TEST(RingWriter, CopiesThePacketBehindItsHeader) {
  ByteRing ring(4096);
  RingWriter writer(ring);
  const auto packet = packet_of(172);
  ASSERT_TRUE(writer.write_packet(kId, 1, 2, Instant(42ns), packet));
  const auto frame = read_frame(ring.front());
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->header.kind, FrameKind::Rtp);
  EXPECT_EQ(frame->header.at, Instant(42ns));
  EXPECT_TRUE(std::equal(packet.begin(), packet.end(), frame->packet.begin(), frame->packet.end()));
}

TEST(RingWriter, PutsALostMarkerWhereTheFullRingLostPackets) {
  ByteRing ring(4096);
  RingWriter writer(ring);
  const auto packet = packet_of(24);
  std::size_t written = 0;
  while (writer.write_packet(kId, 0, 0, Instant(1ns), packet)) ++written;
  EXPECT_FALSE(writer.write_packet(kId, 0, 0, Instant(2ns), packet));
  EXPECT_FALSE(writer.write_packet(kId, 1, 0, Instant(3ns), packet));
  EXPECT_TRUE(writer.has_pending());
  EXPECT_EQ(writer.lost_packets(), 3U);
  EXPECT_EQ(writer.lost_octets(), 72U);

  EXPECT_EQ(drain(ring).size(), written);
  EXPECT_TRUE(writer.write_packet(kId, 0, 0, Instant(4ns), packet));
  EXPECT_FALSE(writer.has_pending());
  const auto after = drain(ring);
  ASSERT_EQ(after.size(), 3U);
  EXPECT_EQ(after[0].kind, FrameKind::Lost);
  EXPECT_EQ(after[0].channel, 0);
  EXPECT_EQ(after[0].frames, 2U);
  EXPECT_EQ(after[0].octets, 48U);
  EXPECT_EQ(after[1].kind, FrameKind::Lost);
  EXPECT_EQ(after[1].channel, 1);
  EXPECT_EQ(after[1].frames, 1U);
  EXPECT_EQ(after[2].kind, FrameKind::Rtp);
}

TEST(RingWriter, NeverLosesAMarkerAndKeepsItsPlace) {
  ByteRing ring(4096);
  RingWriter writer(ring);
  const auto packet = packet_of(24);
  while (writer.write_packet(kId, 0, 0, Instant(1ns), packet)) {
  }
  writer.write_marker(kId, FrameKind::Pause, Instant(2ns));
  EXPECT_FALSE(writer.write_packet(kId, 0, 0, Instant(3ns), packet));
  writer.write_marker(kId, FrameKind::Stop, Instant(4ns));
  (void)drain(ring);
  EXPECT_TRUE(writer.flush());
  const auto after = drain(ring);
  ASSERT_EQ(after.size(), 4U);
  EXPECT_EQ(after[0].kind, FrameKind::Lost);
  EXPECT_EQ(after[1].kind, FrameKind::Pause);
  EXPECT_EQ(after[2].kind, FrameKind::Lost);  // not joined with the first: a marker is between
  EXPECT_EQ(after[3].kind, FrameKind::Stop);
  EXPECT_EQ(after[3].at, Instant(4ns));
}

TEST(RingWriter, MakesRoomForMarkersByForgettingLossCounts) {
  ByteRing ring(4096);
  RingWriter writer(ring, 2);
  const auto packet = packet_of(24);
  while (writer.write_packet(kId, 0, 0, Instant(1ns), packet)) {
  }
  EXPECT_FALSE(writer.write_packet(kOtherId, 0, 0, Instant(2ns), packet));
  writer.write_marker(kId, FrameKind::Stop, Instant(3ns));
  (void)drain(ring);
  EXPECT_TRUE(writer.flush());
  const auto after = drain(ring);
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(after[0].recording, kOtherId);
  EXPECT_EQ(after[1].kind, FrameKind::Stop);
  EXPECT_EQ(writer.lost_packets(), 2U);
}

}  // namespace
}  // namespace causeway::record
