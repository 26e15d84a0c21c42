#include <gtest/gtest.h>

#include <array>

#include "relay/engine/engine.h"
#include "relay/wire/rtcp_views.h"
#include "relay/wire/rtcp_writer.h"
#include "tests/sim/world.h"

// A browser, whose sound and pictures come bundled, with a phone, which has a leg for each
// (adr/0022).

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;
using sim::address;
using sim::Flying;
using sim::LegParts;

constexpr std::uint32_t kPageSound = 77;
constexpr std::uint32_t kPagePictures = 78;
constexpr std::uint32_t kPhoneSound = 87;
constexpr std::uint32_t kPhonePictures = 88;

struct VideoLeg : testing::Test {
  const SocketAddress page = address("192.0.2.1:4000");
  const SocketAddress phone = address("192.0.2.2:5000");
  const SocketAddress phone_video = address("192.0.2.2:6000");
  sim::World world{1};
  LegParts leg_page;
  LegParts leg_phone;
  LegParts leg_video;
  std::unique_ptr<OpenSession> session;
  std::vector<Flying> heard_by_page;
  std::vector<Flying> heard_by_phone;
  std::vector<Flying> seen_by_phone;
  std::vector<Flying> rtcp_of_sound;
  std::vector<Flying> rtcp_of_pictures;

  VideoLeg() {
    const CodecSpec sound = sim::make_codec(0, "PCMU");
    const CodecSpec pictures = sim::make_codec(96, "VP8", 90000, MediaKind::Video);
    const auto leg = [](const char* id, std::uint16_t number, const SocketAddress& remote) {
      LegParts parts;
      parts.spec.id = id;
      parts.number = number;
      parts.spec.remote_rtp = remote;
      return parts;
    };
    leg_page = leg("page", 1, page);
    leg_page.spec.has_rtcp_mux = true;
    leg_page.spec.codecs = {sound, pictures};
    leg_phone = leg("phone", 2, phone);
    leg_phone.spec.codecs = {sound};
    leg_video = leg("phone-video", 3, phone_video);
    leg_video.spec.codecs = {pictures};
    collect("192.0.2.1:4000", heard_by_page);
    collect("192.0.2.2:5000", heard_by_phone);
    collect("192.0.2.2:6000", seen_by_phone);
    collect("192.0.2.2:5001", rtcp_of_sound);
    collect("192.0.2.2:6001", rtcp_of_pictures);
  }
  void collect(const char* at, std::vector<Flying>& into) {
    world.attach(address(at), [&into](Instant, const Flying& in) { into.push_back(in); });
  }
  void open() {
    auto made = std::make_unique<Session>(1h, LeaseExpiry::Close);
    for (const LegParts* leg : {&leg_page, &leg_phone, &leg_video}) {
      made->add_leg(sim::make_leg(*leg, world.random()));
    }
    for (const auto& [from, to] :
         {std::pair{&leg_page, &leg_phone}, std::pair{&leg_phone, &leg_page},
          std::pair{&leg_page, &leg_video}, std::pair{&leg_video, &leg_page}}) {
      made->add_connection(sim::make_connection(*from, *to));
    }
    session = world.open(std::move(made));
  }
  /// 20 ms of everything.
  void flow() {
    ++count;
    const auto send = [&](const SocketAddress& from, std::size_t leg, std::uint8_t type,
                          std::uint32_t ssrc) {
      world.send(from, session->addresses[leg].rtp,
                 sim::rtp_packet(type, count, count * (type == 0 ? 160U : 1800U), ssrc,
                                 std::vector<std::byte>(160, std::byte{0x5a})));
    };
    send(page, 0, 0, kPageSound);
    send(page, 0, 96, kPagePictures);
    send(phone, 1, 0, kPhoneSound);
    send(phone_video, 2, 96, kPhonePictures);
    world.run_for(20ms);
  }
  /// What the page knows the phone's streams as.
  std::uint32_t ssrc_at_page(std::uint8_t type) {
    for (const Flying& in : heard_by_page) {
      if ((load_u8(&in.octets[1]) & 0x7f) == type) return load_be32(&in.octets[8]);
    }
    return 0;
  }
  std::uint16_t last_seq_at_page(std::uint8_t type) {
    std::uint16_t seq = 0;
    for (const Flying& in : heard_by_page) {
      if ((load_u8(&in.octets[1]) & 0x7f) == type) seq = load_be16(&in.octets[2]);
    }
    return seq;
  }
  LegReport report(std::uint16_t leg) {
    auto read = std::make_unique<ReadReport>();
    read->leg = {session->handle, leg};
    return world.call(std::move(read))->report;
  }
  std::uint64_t all_drops(std::uint16_t leg) {
    std::uint64_t sum = 0;
    for (const std::uint64_t each : report(leg).drops) sum += each;
    return sum;
  }

  std::uint16_t count = 0;
};

std::vector<std::uint32_t> feedback_sources(const std::vector<Flying>& in) {
  std::vector<std::uint32_t> sources;
  for (const Flying& each : in) {
    for (std::size_t at = 0; at + 12 <= each.octets.size();) {
      const std::uint8_t type = load_u8(&each.octets[at + 1]);
      if (type == 206) sources.push_back(load_be32(&each.octets[at + 8]));
      at += 4 * (load_be16(&each.octets[at + 2]) + std::size_t{1});
    }
  }
  return sources;
}

std::vector<std::uint32_t> reported_sources(const std::vector<Flying>& in) {
  std::vector<std::uint32_t> sources;
  for (const Flying& each : in) {
    for (std::size_t at = 0; at + 8 <= each.octets.size();) {
      const std::uint8_t type = load_u8(&each.octets[at + 1]);
      const std::size_t blocks = load_u8(&each.octets[at]) & 31U;
      const std::size_t first = at + (type == 200 ? 28 : 8);
      for (std::size_t i = 0; (type == 200 || type == 201) && i < blocks; ++i) {
        sources.push_back(load_be32(&each.octets[first + 24 * i]));
      }
      at += 4 * (load_be16(&each.octets[at + 2]) + std::size_t{1});
    }
  }
  return sources;
}

TEST_F(VideoLeg, SoundAndPicturesGoEachToTheirLeg) {
  open();
  for (int i = 0; i < 5; ++i) flow();
  EXPECT_EQ(heard_by_phone.size(), 5U);
  EXPECT_EQ(seen_by_phone.size(), 5U);
  EXPECT_EQ(heard_by_page.size(), 10U);
  EXPECT_NE(ssrc_at_page(0), ssrc_at_page(96));
  for (std::uint16_t leg = 1; leg <= 3; ++leg) EXPECT_EQ(all_drops(leg), 0U) << leg;
}

TEST_F(VideoLeg, WhatNobodyTakesIsCountedOnce) {
  open();
  world.send(page, session->addresses[0].rtp,
             sim::rtp_packet(99, 1, 1, 79, std::vector<std::byte>(20, std::byte{1})));
  world.run_for(10ms);
  EXPECT_EQ(all_drops(1), 1U);
}

TEST_F(VideoLeg, PicturesPassBesideTranscodedSound) {
  leg_phone.spec.codecs = {sim::make_codec(8, "PCMA")};
  open();
  world.send(phone, session->addresses[1].rtp,
             sim::rtp_packet(8, 1, 160, kPhoneSound, std::vector<std::byte>(160, std::byte{1})));
  for (int i = 0; i < 10; ++i) flow();
  EXPECT_EQ(seen_by_phone.size(), 10U);
  EXPECT_GE(heard_by_phone.size(), 8U);
  EXPECT_EQ(load_u8(&heard_by_phone.back().octets[1]) & 0x7f, 8);
}

TEST_F(VideoLeg, RtcpReachesTheLegThatItIsAbout) {
  open();
  for (int i = 0; i < 5; ++i) flow();
  std::array<std::byte, 300> octets{};
  wire::RtcpWriter writer(octets);
  std::array<wire::ReportBlock, 2> blocks{};
  for (const auto& [block, type] :
       {std::pair{&blocks[0], std::uint8_t{0}}, std::pair{&blocks[1], std::uint8_t{96}}}) {
    block->ssrc = Ssrc(ssrc_at_page(type));
    block->extended_highest_seq = last_seq_at_page(type);
  }
  ASSERT_TRUE(writer.receiver_report(Ssrc(kPageSound), blocks));
  ASSERT_TRUE(writer.pli(Ssrc(kPageSound), Ssrc(ssrc_at_page(96))));
  world.send(page, session->addresses[0].rtp, {writer.written().begin(), writer.written().end()});
  world.run_for(20ms);
  EXPECT_EQ(feedback_sources(rtcp_of_pictures), std::vector<std::uint32_t>{kPhonePictures});
  EXPECT_TRUE(feedback_sources(rtcp_of_sound).empty());
  EXPECT_EQ(reported_sources(rtcp_of_sound), std::vector<std::uint32_t>{kPhoneSound});
  EXPECT_EQ(reported_sources(rtcp_of_pictures), std::vector<std::uint32_t>{kPhonePictures});

  // And back: the phone asks for a picture of the page's.
  heard_by_page.clear();
  wire::RtcpWriter back(octets);
  ASSERT_TRUE(back.receiver_report(Ssrc(kPhonePictures), {}));
  ASSERT_TRUE(back.pli(Ssrc(kPhonePictures), Ssrc(load_be32(&seen_by_phone[0].octets[8]))));
  world.send(address("192.0.2.2:6001"), *session->addresses[2].rtcp,
             {back.written().begin(), back.written().end()});
  world.run_for(20ms);
  EXPECT_EQ(feedback_sources(heard_by_page), std::vector<std::uint32_t>{kPagePictures});
}

}  // namespace
}  // namespace causeway::engine
