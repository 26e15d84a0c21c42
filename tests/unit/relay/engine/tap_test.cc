#include "relay/engine/tap.h"

#include <gtest/gtest.h>

#include <tuple>
#include <utility>

#include "relay/record/frame.h"
#include "tests/sim/world.h"

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;
using record::FrameKind;
using record::RecordingId;
using sim::address;
using sim::Flying;
using sim::World;

constexpr RecordingId kOne{1};
constexpr RecordingId kTwo{2};
constexpr auto kSuite = wire::SrtpSuite::AesCm128HmacSha1_80;

/// What the recorder would find in its ring.
struct Tapped {
  record::FrameHeader header;
  std::vector<std::byte> packet;
};

/// An SRTP endpoint a and a plain endpoint b, both PCMU, and the recorder's ring.
struct Taps : testing::Test {
  const SocketAddress a = address("192.0.2.1:4000");
  const SocketAddress b = address("192.0.2.2:5000");
  World world{1};
  std::unique_ptr<OpenSession> session;
  std::unique_ptr<srtp::SrtpSender> phone;  // what endpoint a seals with
  std::vector<Flying> heard_b;
  int heard_a = 0;

  Taps() {
    sim::LegParts leg_a;
    leg_a.spec.id = "a";
    leg_a.number = 1;
    leg_a.spec.remote_rtp = a;
    leg_a.spec.codecs = {sim::make_codec(0, "PCMU"),
                         sim::make_codec(96, "H264", 90'000, MediaKind::Video)};
    sim::LegParts leg_b{leg_a.spec, 2, {}};
    leg_b.spec.id = "b";
    leg_b.spec.remote_rtp = b;
    leg_a.spec.security = Security::Sdes;
    leg_a.keys = {kSuite, 0x11, 0x22};
    phone = std::move(*srtp::SrtpSender::create(sim::make_keys(kSuite, 0x11), {}));
    world.attach(a, [this](Instant, const Flying&) { ++heard_a; });
    world.attach(b, [this](Instant, const Flying& in) { heard_b.push_back(in); });
    session = world.open(sim::make_bridge(leg_a, leg_b, world.random()));
  }

  Status control(RecordingId id, std::optional<FrameKind> marker,
                 std::initializer_list<ControlRecording::LegTap> taps = {}) {
    auto command = std::make_unique<ControlRecording>();
    command->session = session->handle;
    command->recording = id;
    command->marker = marker;
    for (const auto& tap : taps) command->taps.push_back(tap);
    return world.call(std::move(command))->status;
  }
  static ControlRecording::LegTap tap(std::uint16_t leg, RecordingId id, std::uint8_t channel,
                                      RecordTap::Point point = RecordTap::Point::AsReceived) {
    return {leg, {id, channel, point}};
  }

  void a_says(std::uint16_t seq, std::uint8_t octet) {
    auto open = wire::OpenRtp::make(world.pool().take(), PayloadType(0), false, SeqNum(seq),
                                    RtpTimestamp(160U * seq), Ssrc(77),
                                    std::vector<std::byte>(160, std::byte{octet}));
    const auto packet = phone->seal(std::move(open));
    const Bytes octets = std::as_const(*packet).data();
    world.send(a, session->addresses[0].rtp, {octets.begin(), octets.end()});
  }
  void b_says(std::uint16_t seq, std::uint8_t octet) {
    world.send(
        b, session->addresses[1].rtp,
        sim::rtp_packet(0, seq, 160U * seq, 88, std::vector<std::byte>(160, std::byte{octet})));
  }

  std::vector<Tapped> read() {
    std::vector<Tapped> all;
    for (Bytes octets = world.records().front(); !octets.empty();
         octets = world.records().front()) {
      const auto frame = record::read_frame(octets);
      EXPECT_TRUE(frame);
      all.push_back({frame->header, {frame->packet.begin(), frame->packet.end()}});
      world.records().pop();
    }
    return all;
  }
};

TEST_F(Taps, AsReceivedIsWhatTheEndpointSaidOpened) {
  ASSERT_EQ(control(kOne, FrameKind::Start, {tap(1, kOne, 0), tap(2, kOne, 1)}), Status::Ok);
  a_says(10, 0x5a);
  b_says(20, 0x33);
  world.run_for(10ms);
  const auto all = read();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].header.kind, FrameKind::Start);
  for (const auto& [frame, channel, ssrc, octet] :
       {std::tuple(all[1], 0, 77U, 0x5a), std::tuple(all[2], 1, 88U, 0x33)}) {
    EXPECT_EQ(frame.header.recording, kOne);
    EXPECT_EQ(frame.header.channel, channel);
    ASSERT_EQ(frame.packet.size(), 172U) << "no tag";
    EXPECT_EQ(load_be32(&frame.packet[8]), ssrc) << "the endpoint's own";
    EXPECT_EQ(load_u8(&frame.packet[100]), octet) << "in the clear";
  }
}

TEST_F(Taps, AForgedPacketIsNotRecorded) {
  ASSERT_EQ(control(kOne, FrameKind::Start, {tap(1, kOne, 0)}), Status::Ok);
  world.send(a, session->addresses[0].rtp,
             sim::rtp_packet(0, 10, 1600, 77, std::vector<std::byte>(170, std::byte{1})));
  world.run_for(10ms);
  EXPECT_EQ(read().size(), 1U) << "the Start alone";
}

TEST_F(Taps, AsSentIsWhatTheEndpointIsToHearBeforeItIsSealed) {
  constexpr auto kSent = RecordTap::Point::AsSent;
  ASSERT_EQ(control(kOne, FrameKind::Start, {tap(1, kOne, 0, kSent), tap(2, kOne, 1, kSent)}),
            Status::Ok);
  a_says(10, 0x5a);
  b_says(20, 0x33);
  world.run_for(10ms);
  const auto all = read();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].header.channel, 1);
  ASSERT_EQ(heard_b.size(), 1U);
  EXPECT_EQ(all[1].packet, heard_b[0].octets);
  EXPECT_EQ(all[2].header.channel, 0);
  ASSERT_EQ(all[2].packet.size(), 172U) << "what a will open";
  EXPECT_EQ(load_u8(&all[2].packet[100]), 0x33);
}

TEST_F(Taps, PicturesAreNotCopied) {
  ASSERT_EQ(
      control(kOne, FrameKind::Start, {tap(2, kOne, 0), tap(1, kOne, 1, RecordTap::Point::AsSent)}),
      Status::Ok);
  world.send(b, session->addresses[1].rtp,
             sim::rtp_packet(96, 10, 90'000, 99, std::vector<std::byte>(1'000, std::byte{1})));
  world.run_for(10ms);
  EXPECT_EQ(heard_a, 1) << "they pass";
  EXPECT_EQ(read().size(), 1U) << "the Start alone";
}

TEST_F(Taps, RecordingsOfOneLegBeginAndEndApart) {
  ASSERT_EQ(control(kOne, FrameKind::Start, {tap(1, kOne, 0)}), Status::Ok);
  a_says(10, 0x5a);
  world.run_for(10ms);
  ASSERT_EQ(control(kTwo, FrameKind::Start, {tap(1, kTwo, 0)}), Status::Ok);
  a_says(11, 0x5a);
  world.run_for(10ms);
  ASSERT_EQ(control(kOne, FrameKind::Stop), Status::Ok);
  a_says(12, 0x5a);
  world.run_for(10ms);
  std::vector<std::pair<std::uint32_t, int>> packets;
  for (const Tapped& each : read()) {
    if (each.header.kind != FrameKind::Rtp) continue;
    packets.emplace_back(each.header.recording.raw(), load_be16(&each.packet[2]));
  }
  EXPECT_EQ(packets,
            (std::vector<std::pair<std::uint32_t, int>>{{1, 10}, {1, 11}, {2, 11}, {2, 12}}));
}

TEST_F(Taps, AFullRingIsToldOnceForEachRecordingAndAgainAfterASecondWithout) {
  ASSERT_EQ(control(kOne, FrameKind::Start, {tap(1, kOne, 0)}), Status::Ok);
  ASSERT_EQ(control(kTwo, FrameKind::Start, {tap(2, kTwo, 0)}), Status::Ok);
  std::uint16_t seq = 0;
  const auto speak = [&](int packets) {
    for (int i = 0; i < packets; ++i) {
      b_says(++seq, 0x33);
      if (seq % 8 == 0) a_says(seq, 0x5a);
      world.run_for(1ms);
    }
  };
  speak(6000);  // more than 1 MiB
  world.run_for(10ms);
  EXPECT_EQ(heard_b.size(), 6000U / 8) << "the call loses nothing";
  auto told = world.events_of<RecordingOverrun>();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0]->lost_packets, 1U);
  EXPECT_NE(told[0]->recording, told[1]->recording);

  // A recorder that makes room for one packet at a time is one overrun.
  for (int i = 0; i < 20; ++i) {
    ASSERT_FALSE(world.records().front().empty());
    world.records().pop();
    speak(4);
  }
  EXPECT_EQ(world.events_of<RecordingOverrun>().size(), 2U);
  (void)read();
  world.run_for(record::kRingCalm);
  speak(6000);
  told = world.events_of<RecordingOverrun>();
  ASSERT_EQ(told.size(), 4U);
  EXPECT_GT(told[2]->lost_packets, 100U) << "all that this recording has lost";
}

}  // namespace
}  // namespace causeway::engine
