// Two pages with several sections of video in one bundle, all under one payload type (adr/0025).

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "relay/wire/header_extensions.h"
#include "relay/wire/rtcp_writer.h"
#include "tests/sim/world.h"
#include "tests/unit/support/alloc_counter.h"

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;
using sim::address;
using sim::Flying;
using sim::LegParts;
using sim::World;

constexpr std::uint8_t kVp8 = 96;
constexpr std::uint8_t kMidId = 4;
constexpr Ssrc kCamera{0xca};
constexpr Ssrc kScreen{0x5c};
/// What the payload of each begins with, so that the far end knows what it was.
constexpr std::byte kCameraMark{1};
constexpr std::byte kScreenMark{2};

VideoSectionSpec section(std::string mid, Direction direction = Direction::SendRecv) {
  return {std::move(mid), direction, {}, {}};
}

struct VideoSection : testing::Test {
  const SocketAddress a = address("192.0.2.1:4000");
  const SocketAddress b = address("192.0.2.2:5000");
  World world{25};
  LegParts leg_a{.spec = {}, .number = 1, .keys = {}};
  LegParts leg_b{.spec = {}, .number = 2, .keys = {}};
  std::unique_ptr<OpenSession> session;
  struct Seen {
    std::byte mark;
    std::string mid;
    Ssrc ssrc;
    SeqNum seq;
    std::uint8_t type = 0;
  };
  std::vector<Seen> seen_by_b;
  std::vector<Ssrc> asked_of_a;  // for a picture

  VideoSection() {
    leg_a.spec.id = "a";
    leg_a.spec.remote_rtp = a;
    leg_a.spec.has_rtcp_mux = true;
    leg_a.spec.codecs = {sim::make_codec(0, "PCMU"),
                         sim::make_codec(kVp8, "VP8", 90000, MediaKind::Video)};
    leg_a.spec.extensions = {{kMidId, std::string(ExtensionSpec::kMid), MediaKind::Audio, "0"},
                             {kMidId, std::string(ExtensionSpec::kMid), MediaKind::Video, ""}};
    leg_b.spec = leg_a.spec;
    leg_b.spec.id = "b";
    leg_b.spec.remote_rtp = b;
    leg_a.spec.video_sections = {section("1"), section("2")};
    leg_b.spec.video_sections = {section("cam"), section("scr")};
    world.attach(b, [this](Instant, const Flying& in) { see(in.octets); });
    world.attach(a, [this](Instant, const Flying& in) { read_feedback(in.octets); });
  }
  void open() { session = world.open(sim::make_bridge(leg_a, leg_b, world.random())); }

  void see(const std::vector<std::byte>& octets) {
    if (wire::is_rtcp(octets)) return;
    PacketBuf buffer = world.pool().take();
    buffer.resize(octets.size());
    std::ranges::copy(octets, buffer.data().begin());
    const auto packet = wire::open_plain(*wire::SealedRtp::parse(std::move(buffer)));
    ASSERT_TRUE(packet);
    std::string mid;
    if (const auto said = wire::HeaderExtensions(*packet).find(kMidId)) {
      for (const std::byte octet : *said) mid += static_cast<char>(octet);
    }
    seen_by_b.push_back(
        {packet->payload()[0], mid, packet->ssrc(), packet->seq(), packet->payload_type().raw()});
  }
  void read_feedback(const std::vector<std::byte>& octets) {
    if (!wire::is_rtcp(octets)) return;
    const auto compound = wire::check_rtcp_compound(octets);
    ASSERT_TRUE(compound);
    for (const wire::RtcpPacket packet : *compound) {
      const auto feedback = wire::Feedback::parse(packet);
      if (feedback && feedback->is(wire::PsfbType::Pli)) asked_of_a.push_back(feedback->media);
    }
  }

  std::vector<std::byte> picture(Ssrc ssrc, std::uint16_t seq, const std::string& mid,
                                 std::byte mark, std::uint8_t type = kVp8) {
    const std::vector<std::byte> payload(200, mark);
    auto packet = wire::OpenRtp::make(world.pool().take(), PayloadType(type), false, SeqNum(seq),
                                      RtpTimestamp(seq * 900U), ssrc, payload);
    if (!mid.empty()) {
      std::vector<std::byte> body{static_cast<std::byte>(kMidId << 4 | (mid.size() - 1))};
      for (const char each : mid) body.push_back(static_cast<std::byte>(each));
      body.resize((body.size() + 3) / 4 * 4);
      EXPECT_TRUE(packet.set_extension(wire::HeaderExtensions::kOneByteProfile, body));
    }
    const Bytes octets = packet.bytes();
    return {octets.begin(), octets.end()};
  }
  void send(Ssrc ssrc, std::uint16_t seq, const std::string& mid, std::byte mark,
            std::uint8_t type = kVp8) {
    world.send(a, session->addresses[0].rtp, picture(ssrc, seq, mid, mark, type));
  }
  std::uint64_t drops(std::uint16_t leg, DropReason reason) {
    auto read = std::make_unique<ReadReport>();
    read->leg = {session->handle, leg};
    return world.call(std::move(read))->report.drops[static_cast<std::size_t>(reason)];
  }
  /// Both legs' sections as the parts now say.
  void update() {
    for (const LegParts* parts : {&leg_a, &leg_b}) {
      auto change = std::make_unique<UpdateLeg>();
      change->leg = {session->handle, parts->number};
      change->update.set_codecs(parts->spec);
      world.call(std::move(change));
    }
  }
  std::map<std::byte, std::set<std::string>> mids_by_mark() {
    std::map<std::byte, std::set<std::string>> mids;
    for (const Seen& each : seen_by_b) mids[each.mark].insert(each.mid);
    return mids;
  }
};

TEST_F(VideoSection, TwoVideosOfOneTypeAreToldApartUnderReordering) {
  world.set_faults(a, {.jitter = 40ms});
  open();
  // A browser says the MID until it has heard that its packets arrive.
  for (std::uint16_t n = 0; n < 300; ++n) {
    send(kCamera, n, n < 20 ? "1" : "", kCameraMark);
    send(kScreen, static_cast<std::uint16_t>(40'000 + n), n < 20 ? "2" : "", kScreenMark);
    world.run_for(5ms);
  }
  world.run_for(100ms);
  // What overtook the first packet with a MID belongs to nobody yet; the rest is all there.
  EXPECT_GE(seen_by_b.size() + drops(1, DropReason::NoPath) + drops(1, DropReason::Late), 600U);
  EXPECT_GT(seen_by_b.size(), 580U);
  const auto mids = mids_by_mark();
  EXPECT_EQ(mids.at(kCameraMark), std::set<std::string>{"cam"});
  EXPECT_EQ(mids.at(kScreenMark), std::set<std::string>{"scr"});
  std::map<std::byte, std::set<std::uint32_t>> ssrcs;
  for (const Seen& each : seen_by_b) ssrcs[each.mark].insert(each.ssrc.raw());
  EXPECT_EQ(ssrcs.at(kCameraMark).size(), 1U);
  EXPECT_EQ(ssrcs.at(kScreenMark).size(), 1U);
  EXPECT_NE(ssrcs.at(kCameraMark), ssrcs.at(kScreenMark));
  EXPECT_TRUE(world.events_of<SsrcChanged>().empty()) << "that they take turns is no change";
}

TEST_F(VideoSection, NothingPassesThatNothingTellsAndTheSignalledSsrcDoes) {
  leg_a.spec.video_sections[1].ssrcs = {kScreen};
  open();
  send(kCamera, 1, "", kCameraMark);
  send(kScreen, 1, "", kScreenMark);
  world.run_for(10ms);
  ASSERT_EQ(seen_by_b.size(), 1U);
  EXPECT_EQ(seen_by_b[0].mid, "scr");
  EXPECT_EQ(drops(1, DropReason::NoPath), 1U);
}

TEST_F(VideoSection, ATypeOfOneSectionTellsAndTheOtherLegHasItUnderAnother) {
  leg_a.spec.codecs.push_back(sim::make_codec(100, "VP8", 90000, MediaKind::Video));
  leg_a.spec.video_sections[0].types = {PayloadType(kVp8)};
  leg_a.spec.video_sections[1].types = {PayloadType(100)};
  leg_b.spec.codecs.push_back(sim::make_codec(102, "VP8", 90000, MediaKind::Video));
  leg_b.spec.video_sections[0].types = {PayloadType(kVp8)};
  leg_b.spec.video_sections[1].types = {PayloadType(102)};
  open();
  send(kCamera, 1, "", kCameraMark);
  send(kScreen, 1, "", kScreenMark, 100);
  world.run_for(10ms);
  ASSERT_EQ(seen_by_b.size(), 2U);
  EXPECT_EQ(seen_by_b[0].type, kVp8);
  EXPECT_EQ(seen_by_b[1].type, 102);
  EXPECT_EQ(seen_by_b[1].mid, "scr");
}

TEST_F(VideoSection, AMidThatNobodyHasGoesNowhere) {
  open();
  send(kCamera, 1, "9", kCameraMark);
  world.run_for(10ms);
  EXPECT_TRUE(seen_by_b.empty());
  EXPECT_EQ(drops(1, DropReason::NoPath), 1U);
}

TEST_F(VideoSection, EachHasADirectionOfItsOwnAndAPauseIsNoLoss) {
  leg_b.spec.video_sections[1].direction = Direction::RecvOnly;
  open();
  for (std::uint16_t n = 1; n <= 5; ++n) {
    send(kCamera, n, "1", kCameraMark);
    send(kScreen, n, "2", kScreenMark);
    world.run_for(10ms);
  }
  EXPECT_EQ(mids_by_mark().count(kScreenMark), 0U);
  EXPECT_EQ(mids_by_mark().at(kCameraMark).size(), 1U);
  EXPECT_EQ(drops(2, DropReason::Paused), 5U);
  leg_b.spec.video_sections[1].direction = Direction::SendRecv;
  update();
  send(kScreen, 6, "", kScreenMark);
  world.run_for(10ms);
  leg_b.spec.video_sections[1].direction = Direction::RecvOnly;
  update();
  for (std::uint16_t n = 7; n <= 50; ++n) send(kScreen, n, "", kScreenMark);
  world.run_for(10ms);
  leg_b.spec.video_sections[1].direction = Direction::SendRecv;
  update();
  send(kScreen, 51, "", kScreenMark);
  world.run_for(10ms);
  std::vector<SeqNum> seqs;
  for (const Seen& each : seen_by_b) {
    if (each.mark == kScreenMark) seqs.push_back(each.seq);
  }
  ASSERT_EQ(seqs.size(), 2U);
  EXPECT_EQ(seqs[1].distance_from(seqs[0]), 1);
  // What the sender may not send is dropped where it comes in.
  leg_a.spec.video_sections[0].direction = Direction::SendOnly;
  update();
  send(kCamera, 6, "", kCameraMark);
  world.run_for(10ms);
  EXPECT_EQ(drops(1, DropReason::Paused), 1U);
}

TEST_F(VideoSection, APictureIsAskedOfTheStreamThatItIsAbout) {
  open();
  send(kCamera, 1, "1", kCameraMark);
  send(kScreen, 1, "2", kScreenMark);
  world.run_for(10ms);
  ASSERT_EQ(seen_by_b.size(), 2U);
  for (const Seen& each : seen_by_b) {
    if (each.mark != kScreenMark) continue;
    std::array<std::byte, 100> octets{};
    wire::RtcpWriter writer(octets);
    ASSERT_TRUE(writer.receiver_report(Ssrc(5), {}) && writer.pli(Ssrc(5), each.ssrc));
    world.send(b, session->addresses[1].rtp, {writer.written().begin(), writer.written().end()});
  }
  world.run_for(10ms);
  EXPECT_EQ(asked_of_a, std::vector<Ssrc>{kScreen});
}

TEST_F(VideoSection, ASectionEndsAndAnotherBeginsInItsPlaceWithoutAGapInTheRest) {
  open();
  std::uint16_t camera = 0;
  const auto both = [&](Ssrc screen, const std::string& mid, std::byte mark) {
    for (std::uint16_t n = 0; n < 10; ++n) {
      ++camera;
      send(kCamera, camera, camera < 5 ? "1" : "", kCameraMark);
      if (!mid.empty()) send(screen, n, n < 5 ? mid : "", mark);
      world.run_for(10ms);
    }
  };
  both(kScreen, "2", kScreenMark);
  leg_a.spec.video_sections.pop_back();
  leg_b.spec.video_sections.pop_back();
  update();
  both({}, "", {});
  // A packet of the share that has ended.
  send(kScreen, 10, "", kScreenMark);
  world.run_for(10ms);
  leg_a.spec.video_sections.push_back(section("7"));
  leg_b.spec.video_sections.push_back(section("8"));
  update();
  both(Ssrc(0x5d), "7", std::byte{3});
  const auto mids = mids_by_mark();
  EXPECT_EQ(mids.at(kCameraMark), std::set<std::string>{"cam"});
  EXPECT_EQ(mids.at(kScreenMark), std::set<std::string>{"scr"});
  EXPECT_EQ(mids.at(std::byte{3}), std::set<std::string>{"8"});
  std::map<std::byte, std::vector<SeqNum>> seqs;
  for (const Seen& each : seen_by_b) seqs[each.mark].push_back(each.seq);
  EXPECT_EQ(seqs.at(kScreenMark).size(), 10U);
  EXPECT_EQ(seqs.at(std::byte{3}).size(), 10U);
  ASSERT_EQ(seqs.at(kCameraMark).size(), 30U);
  for (std::size_t i = 1; i < 30; ++i) {
    EXPECT_EQ(seqs.at(kCameraMark)[i].distance_from(seqs.at(kCameraMark)[i - 1]), 1);
  }
}

TEST_F(VideoSection, ALegWithoutSectionsHasTheFirstPlaceOnly) {
  leg_b.spec.video_sections.clear();
  open();
  send(kCamera, 1, "1", kCameraMark);
  send(kScreen, 1, "2", kScreenMark);
  world.run_for(10ms);
  ASSERT_EQ(seen_by_b.size(), 1U);
  EXPECT_EQ(seen_by_b[0].mark, kCameraMark);
}

TEST_F(VideoSection, WhatWasLearnedIsPartOfASnapshot) {
  open();
  send(kScreen, 1, "2", kScreenMark);
  world.run_for(10ms);
  auto take = std::make_unique<TakeSnapshot>();
  take->session = session->handle;
  take->snapshot = std::make_unique<SessionSnapshot>();
  const auto taken = world.call(std::move(take));
  const LegSnapshot& snapshot = taken->snapshot->legs[0];
  const auto restored = sim::make_leg(leg_a, world.random());
  restored->restore(snapshot, world.now());
  LegSnapshot again;
  restored->fill_snapshot(again);
  ASSERT_EQ(again.sections.size(), 1U);
  EXPECT_EQ(again.sections[0].ssrc, kScreen);
  EXPECT_EQ(again.sections[0].section, 1);
}

/// An engine without a world around it, since that allocates.
TEST_F(VideoSection, TellingApartAllocatesNothing) {
  if (!test_support::can_count_allocations()) GTEST_SKIP() << "this build cannot count";
  PacketPool pool(64);
  Engine engine(World::default_config(), pool);
  Outbox out(nullptr);
  Random random(Random::Key{1, 2});
  const Instant now{1000s};
  auto command = std::make_unique<OpenSession>();
  command->session = sim::make_bridge(leg_a, leg_b, random);
  engine.handle_command(now, std::move(command), out);
  const SocketId socket = out.sockets[0].socket;
  for (std::size_t i = 0; i < 2; ++i) {
    engine.handle_socket_opened(now, out.sockets[i].socket, true, out);
  }
  std::size_t sent = 0;
  for (std::uint16_t n = 1; n <= 20; ++n) {
    for (const Ssrc ssrc : {kCamera, kScreen}) {
      const auto octets = picture(ssrc, n, ssrc == kCamera ? "1" : "2", kCameraMark);
      Datagram in{socket, a, now, pool.take()};
      in.packet.resize(octets.size());
      std::ranges::copy(octets, in.packet.data().begin());
      out.transmits.clear();
      const test_support::AllocationScope scope;
      engine.handle_datagrams({&in, 1}, out);
      EXPECT_EQ(scope.allocations(), 0U);
      EXPECT_EQ(scope.frees(), 0U);
      sent += out.transmits.size();
    }
  }
  EXPECT_EQ(sent, 40U);
}

}  // namespace
}  // namespace causeway::engine
