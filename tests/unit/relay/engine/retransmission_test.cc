// Video through one engine whose hops lose packets: who answers a NACK, and what goes over which
// hop. All packets are SRTP, so the far end's replay window sees to it that nothing is sealed
// twice.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

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

constexpr auto kSuite = wire::SrtpSuite::AesCm128HmacSha1_80;
constexpr std::uint8_t kVp8 = 96;
constexpr std::uint8_t kRtx = 97;
constexpr Ssrc kCamera{0x71de0};
constexpr Ssrc kCameraRtx{0x71de1};

CodecSpec rtx_of(std::uint8_t apt) {
  CodecSpec rtx = sim::make_codec(kRtx, "rtx", 90000, MediaKind::Retransmission);
  rtx.fmtp = "apt=" + std::to_string(apt);
  return rtx;
}

/// A browser's end of a leg.
struct Endpoint {
  Endpoint(World& in, const char* at, std::uint16_t number)
      : world(in), here(address(at)), parts{.spec = {}, .number = number, .keys = {}} {
    const auto fill = static_cast<std::uint8_t>(number * 16);
    parts.spec.id = std::string(1, static_cast<char>('a' + number - 1));
    parts.spec.remote_rtp = here;
    parts.spec.has_rtcp_mux = true;
    parts.spec.security = Security::Sdes;
    parts.spec.codecs = {sim::make_codec(0, "PCMU"),
                         sim::make_codec(kVp8, "VP8", 90000, MediaKind::Video)};
    parts.keys = {kSuite, fill, static_cast<std::uint8_t>(fill + 1)};
    seal = std::move(*srtp::SrtpSender::create(sim::make_keys(kSuite, fill), {}));
    const auto send_fill = static_cast<std::uint8_t>(fill + 1);
    open = std::move(*srtp::SrtpReceiver::create(sim::make_keys(kSuite, send_fill), {}));
    world.attach(here, [this](Instant, const Flying& in_flight) { receive(in_flight.octets); });
  }
  void take_rtx() { parts.spec.codecs.push_back(rtx_of(kVp8)); }

  /// `n`: when it was captured, in steps of 5 ms.
  void send(std::uint8_t type, std::uint16_t seq, Ssrc ssrc, std::uint32_t n, Bytes payload) {
    auto packet = wire::OpenRtp::make(world.pool().take(), PayloadType(type), false, SeqNum(seq),
                                      RtpTimestamp(n * 450), ssrc, payload);
    launch(*seal->seal(std::move(packet)));
  }
  void nack(Ssrc ssrc, SeqNum seq) {
    std::array<std::byte, 100> octets{};
    wire::RtcpWriter writer(octets);
    const wire::NackEntry entry{seq, 0};
    ASSERT_TRUE(writer.receiver_report(Ssrc(5), {}) && writer.nack(Ssrc(5), ssrc, {&entry, 1}));
    PacketBuf compound = world.pool().take();
    compound.resize(writer.written().size());
    std::ranges::copy(writer.written(), compound.data().begin());
    launch(*seal->seal_rtcp(std::move(compound)));
  }
  void launch(const PacketBuf& packet) {
    const Bytes octets = packet.data();
    world.send(here, relay, {octets.begin(), octets.end()});
  }

  void receive(const std::vector<std::byte>& octets) {
    PacketBuf packet = world.pool().take();
    packet.resize(octets.size());
    std::ranges::copy(octets, packet.data().begin());
    if (wire::is_rtcp(octets)) {
      auto compound = open->open(*wire::SealedRtcp::parse(std::move(packet)), world.now());
      ASSERT_TRUE(compound);
      rtp::for_each_lost(compound->packets(),
                         [this](Ssrc ssrc, SeqNum seq) { asked.emplace_back(ssrc, seq); });
      return;
    }
    auto sealed = wire::SealedRtp::parse(std::move(packet));
    if (loses && (*loses)(sealed->seq())) {
      lost.push_back(octets);
      return;
    }
    wire_octets.push_back(octets);
    auto opened = open->open(std::move(*sealed), world.now());
    ASSERT_TRUE(opened) << name_of(opened.error());
    const Bytes payload = opened->payload();
    heard.push_back({opened->payload_type().raw(),
                     opened->seq(),
                     opened->ssrc(),
                     {payload.begin(), payload.end()}});
  }

  struct Heard {
    std::uint8_t type = 0;
    SeqNum seq;
    Ssrc ssrc;
    std::vector<std::byte> payload;
  };

  World& world;
  SocketAddress here;
  SocketAddress relay;
  LegParts parts;
  std::unique_ptr<srtp::SrtpSender> seal;
  std::unique_ptr<srtp::SrtpReceiver> open;
  std::optional<std::function<bool(SeqNum)>> loses;
  std::vector<std::vector<std::byte>> lost;
  std::vector<std::vector<std::byte>> wire_octets;
  std::vector<Heard> heard;
  std::vector<std::pair<Ssrc, SeqNum>> asked;  // what NACKs to this endpoint ask for
};

/// The picture that packet `n` carries.
std::vector<std::byte> picture(std::uint16_t n) {
  std::vector<std::byte> payload(1000, std::byte{7});
  store_be16(payload.data(), n);
  return payload;
}

struct Retransmission : testing::Test {
  World world{3};
  Endpoint a{world, "192.0.2.1:4000", 1};
  Endpoint b{world, "192.0.2.2:5000", 2};
  std::unique_ptr<OpenSession> session;

  void open() {
    session = world.open(sim::make_bridge(a.parts, b.parts, world.random()));
    a.relay = session->addresses[0].rtp;
    b.relay = session->addresses[1].rtp;
  }
  /// a's packets [first, first + count), of which those in `missing` never reach the relay.
  void show(std::uint16_t first, std::uint16_t count, const std::set<std::uint16_t>& missing = {}) {
    for (std::uint16_t n = first; n < first + count; ++n) {
      if (!missing.contains(n)) a.send(kVp8, n, kCamera, n, picture(n));
      world.run_for(5ms);
    }
  }
  LegReport report(std::uint16_t leg) {
    auto read = std::make_unique<ReadReport>();
    read->leg = {session->handle, leg};
    return world.call(std::move(read))->report;
  }
  std::uint64_t drops(std::uint16_t leg, DropReason reason) {
    return report(leg).drops[static_cast<std::size_t>(reason)];
  }
  /// What b calls a's packet `n`, by what it heard of the first one.
  [[nodiscard]] SeqNum number_at_b(std::uint16_t n) const {
    const Endpoint::Heard& first = b.heard.front();
    return first.seq.plus(n - load_be16(first.payload.data()));
  }
  [[nodiscard]] Ssrc camera_at_b() const { return b.heard.front().ssrc; }
  void lose_at_b(std::uint16_t n) {
    b.loses = [seq = number_at_b(n)](SeqNum each) { return each == seq; };
  }
};

TEST_F(Retransmission, ALostPacketIsSentAgainOctetForOctetAndTheSenderIsNotAsked) {
  open();
  show(100, 10);
  lose_at_b(110);
  show(110, 10);
  ASSERT_EQ(b.lost.size(), 1U);
  b.loses.reset();
  b.nack(camera_at_b(), number_at_b(110));
  world.run_for(20ms);
  EXPECT_EQ(b.wire_octets.back(), b.lost.front());
  EXPECT_EQ(b.heard.back().payload, picture(110));
  EXPECT_TRUE(a.asked.empty());
  EXPECT_EQ(report(2).sent.retransmitted_packets, 1U);
  EXPECT_EQ(report(2).sent.retransmitted_octets, b.lost.front().size());
  EXPECT_EQ(report(2).sent.packets, 20U);
}

TEST_F(Retransmission, WhatIsNotKeptAnyMoreIsAskedOfTheSender) {
  open();
  show(100, 10);
  lose_at_b(110);
  show(110, 10);
  b.loses.reset();
  world.run_for(1s);
  b.nack(camera_at_b(), number_at_b(110));
  world.run_for(20ms);
  EXPECT_EQ(b.heard.size(), 19U);
  ASSERT_EQ(a.asked.size(), 1U);
  EXPECT_EQ(a.asked[0], std::pair(kCamera, SeqNum(110)));
}

TEST_F(Retransmission, AudioIsNotSentAgain) {
  open();
  for (std::uint16_t n = 0; n < 10; ++n) a.send(0, n, Ssrc(77), 0, std::vector<std::byte>(160));
  world.run_for(10ms);
  ASSERT_EQ(b.heard.size(), 10U);
  b.nack(b.heard[5].ssrc, b.heard[5].seq);
  world.run_for(10ms);
  EXPECT_EQ(b.wire_octets.size(), 10U);
  ASSERT_EQ(a.asked.size(), 1U);
  EXPECT_EQ(a.asked[0], std::pair(Ssrc(77), SeqNum(5)));
}

TEST_F(Retransmission, WhatWasLostOnTheFirstHopIsAskedOfTheSenderAndRepairedUnderItsNumber) {
  open();
  show(100, 20, {110});
  b.nack(camera_at_b(), number_at_b(110));
  world.run_for(20ms);
  ASSERT_EQ(a.asked.size(), 1U);
  a.send(kVp8, 110, kCamera, 110, picture(110));
  world.run_for(20ms);
  EXPECT_EQ(b.heard.back().seq, number_at_b(110));
  EXPECT_EQ(b.heard.back().payload, picture(110));
  // And is kept like any other.
  b.nack(camera_at_b(), number_at_b(110));
  const std::size_t before = b.wire_octets.size();
  b.loses = [](SeqNum) { return true; };
  world.run_for(20ms);
  EXPECT_EQ(b.lost.size(), 1U);
  EXPECT_EQ(b.wire_octets.size(), before);
  EXPECT_EQ(a.asked.size(), 1U);
}

TEST_F(Retransmission, TowardsAnEndpointWithRtxItComesInAStreamOfItsOwn) {
  b.take_rtx();
  open();
  show(100, 30);
  const Ssrc camera = camera_at_b();
  std::vector<Endpoint::Heard> again;
  for (const std::uint16_t n : {std::uint16_t{120}, std::uint16_t{125}, std::uint16_t{121}}) {
    b.nack(camera, number_at_b(n));
    world.run_for(20ms);
    ASSERT_EQ(b.heard.back().type, kRtx);
    again.push_back(b.heard.back());
    EXPECT_EQ(SeqNum(load_be16(again.back().payload.data())), number_at_b(n));
    const auto& payload = again.back().payload;
    EXPECT_EQ(std::vector(payload.begin() + 2, payload.end()), picture(n));
  }
  EXPECT_NE(again[0].ssrc, camera);
  EXPECT_EQ(again[1].ssrc, again[0].ssrc);
  EXPECT_EQ(again[2].seq.distance_from(again[0].seq), 2);
  EXPECT_TRUE(a.asked.empty());
  EXPECT_EQ(report(2).sent.retransmitted_packets, 3U);

  // Its numbers are part of what is written down.
  auto command = std::make_unique<TakeSnapshot>();
  command->session = session->handle;
  command->snapshot = std::make_unique<SessionSnapshot>();
  const auto taken = world.call(std::move(command));
  const auto& others = taken->snapshot->legs[1].streams.others;
  ASSERT_EQ(others.size(), 1U);
  EXPECT_EQ(others[0].rtx, rtp::RtxSender(again[0].ssrc, again[2].seq.plus(1)));
}

TEST_F(Retransmission, RtxOfASenderReachesAnEndpointWithoutItAsThePacketThatWasLost) {
  a.take_rtx();
  open();
  show(100, 20, {110});
  b.nack(camera_at_b(), number_at_b(110));
  world.run_for(20ms);
  ASSERT_EQ(a.asked.size(), 1U);
  std::vector<std::byte> payload = picture(110);
  payload.insert(payload.begin(), 2, std::byte{0});
  store_be16(payload.data(), 110);
  a.send(kRtx, 4000, kCameraRtx, 110, payload);
  world.run_for(20ms);
  EXPECT_EQ(b.heard.back().type, kVp8);
  EXPECT_EQ(b.heard.back().ssrc, camera_at_b());
  EXPECT_EQ(b.heard.back().seq, number_at_b(110));
  EXPECT_EQ(b.heard.back().payload, picture(110));
  const LegReport::Received received = report(1).received;
  EXPECT_EQ(received.retransmitted_packets, 1U);
  EXPECT_EQ(received.packets, 19U);
  EXPECT_EQ(received.lost, 1U) << "the network did lose it";
  EXPECT_EQ(received.ssrc, kCamera);
}

TEST_F(Retransmission, BothSidesMayHaveRtxAndEachHopHasItsOwn) {
  a.take_rtx();
  b.take_rtx();
  open();
  show(100, 20, {110});
  b.nack(camera_at_b(), number_at_b(110));
  b.nack(camera_at_b(), number_at_b(115));
  world.run_for(20ms);
  ASSERT_EQ(a.asked.size(), 1U);
  ASSERT_EQ(b.heard.back().type, kRtx);
  std::vector<std::byte> payload = picture(110);
  payload.insert(payload.begin(), 2, std::byte{0});
  store_be16(payload.data(), 110);
  a.send(kRtx, 4000, kCameraRtx, 110, payload);
  world.run_for(20ms);
  EXPECT_EQ(b.heard.back().type, kVp8) << "it is sent to b for the first time";
  EXPECT_EQ(b.heard.back().payload, picture(110));
  // Twice is once too often.
  a.send(kRtx, 4001, kCameraRtx, 110, payload);
  const std::size_t before = b.heard.size();
  world.run_for(20ms);
  EXPECT_EQ(b.heard.size(), before);
  EXPECT_EQ(drops(1, DropReason::Duplicate), 1U);
}

TEST_F(Retransmission, ProbesAndWhatNobodyAskedForGoNoFurther) {
  a.take_rtx();
  open();
  show(100, 10);
  auto probe = wire::OpenRtp::make(world.pool().take(), PayloadType(kRtx), false, SeqNum(1),
                                   RtpTimestamp(0), kCameraRtx, std::vector<std::byte>(200));
  probe.packet().data()[0] |= std::byte{0x20};
  probe.packet().data().back() = std::byte{200};
  PacketBuf octets = std::move(probe).take();
  auto padded = wire::open_plain(*wire::SealedRtp::parse(std::move(octets)));
  a.launch(*a.seal->seal(std::move(*padded)));
  std::vector<std::byte> payload = picture(105);
  store_be16(payload.data(), 105);
  a.send(kRtx, 2, kCameraRtx, 105, payload);
  world.run_for(20ms);
  EXPECT_EQ(b.heard.size(), 10U);
  EXPECT_EQ(drops(1, DropReason::Probe), 1U);
  EXPECT_EQ(drops(1, DropReason::NoPath), 1U);
  const LegReport::Received received = report(1).received;
  EXPECT_EQ(received.packets, 10U);
  EXPECT_EQ(received.lost, 0U);
  EXPECT_EQ(received.retransmitted_packets, 2U);
}

TEST_F(Retransmission, AForgedNackIsNotAnswered) {
  open();
  show(100, 10);
  std::swap(a.seal, b.seal);
  b.nack(camera_at_b(), number_at_b(105));
  world.run_for(20ms);
  EXPECT_EQ(b.heard.size(), 10U);
  EXPECT_EQ(drops(2, DropReason::AuthFailed), 1U);
}

TEST_F(Retransmission, NothingOfBeforeIsSentAgainWhenTheLegsSecurityChanges) {
  for (const bool has_rtx : {false, true}) {
    if (has_rtx) b.take_rtx();
    b.heard.clear();
    a.asked.clear();
    open();
    show(static_cast<std::uint16_t>(has_rtx ? 200 : 100), 10);
    const auto update = [&](bool is_secure) {
      auto command = std::make_unique<UpdateLeg>();
      command->leg = {session->handle, 2};
      command->update.is_secure = is_secure;
      if (is_secure) {
        const LegParts::Keys& keys = *b.parts.keys;
        command->update.receiver =
            std::move(*srtp::SrtpReceiver::create(sim::make_keys(kSuite, keys.receive_fill), {}));
        command->update.sender =
            std::move(*srtp::SrtpSender::create(sim::make_keys(kSuite, keys.send_fill), {}));
      }
      ASSERT_EQ(world.call(std::move(command))->status, Status::Ok);
    };
    update(false);
    update(true);
    const std::size_t before = b.wire_octets.size();
    b.nack(camera_at_b(), b.heard.back().seq);
    world.run_for(20ms);
    EXPECT_EQ(b.wire_octets.size(), before);
    EXPECT_EQ(a.asked.size(), 1U) << "it crosses";
    auto close = std::make_unique<CloseSession>();
    close->session = session->handle;
    world.call(std::move(close));
  }
}

TEST_F(Retransmission, RtxThatIsNegotiatedDuringACallTakesOverAndAReplanForgetsNothing) {
  open();
  show(100, 10);
  b.parts.spec.codecs.push_back(rtx_of(kVp8));
  auto update = std::make_unique<UpdateLeg>();
  update->leg = {session->handle, 2};
  update->update.set_codecs(b.parts.spec);
  update->replanned.push_back(sim::make_connection(a.parts, b.parts));
  ASSERT_EQ(world.call(std::move(update))->status, Status::Ok);
  b.nack(camera_at_b(), number_at_b(105));
  b.loses = [](SeqNum) { return true; };
  world.run_for(20ms);
  ASSERT_EQ(b.lost.size(), 1U) << "as it was sent";
  EXPECT_EQ(b.lost[0], b.wire_octets[5]);
  b.loses.reset();
  show(110, 10);
  b.nack(camera_at_b(), number_at_b(115));
  world.run_for(20ms);
  EXPECT_EQ(b.heard.back().type, kRtx);
}

TEST_F(Retransmission, ARekeyedStreamUnderANewSsrcIsAskedForUnderIt) {
  b.take_rtx();
  open();
  for (std::uint16_t n = 1; n <= 30; ++n) {  // 90,000 numbers: at least one rollover
    a.send(kVp8, static_cast<std::uint16_t>(n * 3000), kCamera, n, picture(n));
    world.run_for(5ms);
  }
  const Endpoint::Heard old = b.heard.back();
  auto rekey = std::make_unique<UpdateLeg>();
  rekey->leg = {session->handle, 2};
  rekey->update.sender = std::move(*srtp::SrtpSender::create(sim::make_keys(kSuite, 0x77), {}));
  ASSERT_EQ(world.call(std::move(rekey))->status, Status::Ok);
  b.open = std::move(*srtp::SrtpReceiver::create(sim::make_keys(kSuite, 0x77), {}));
  for (std::uint16_t n = 31; n <= 35; ++n) {
    a.send(kVp8, static_cast<std::uint16_t>(n * 3000), kCamera, n, picture(n));
    world.run_for(5ms);
  }
  const std::size_t before = b.heard.size();
  ASSERT_NE(b.heard.back().ssrc, old.ssrc);
  b.nack(old.ssrc, old.seq);
  world.run_for(20ms);
  EXPECT_EQ(b.heard.size(), before);
  b.nack(b.heard.back().ssrc, b.heard.back().seq);
  world.run_for(20ms);
  EXPECT_EQ(b.heard.back().type, kRtx);
}

/// An engine without a world around it, since that allocates.
TEST(RetransmissionOnTheWorker, AllocatesNothing) {
  if (!test_support::can_count_allocations()) GTEST_SKIP() << "this build cannot count";
  PacketPool pool(64);
  Engine engine(World::default_config(), pool);
  Outbox out(nullptr);
  Random random(Random::Key{1, 2});
  const Instant now{1000s};
  LegParts a{.spec = {}, .number = 1, .keys = {}};
  a.spec.remote_rtp = address("192.0.2.1:4000");
  a.spec.has_rtcp_mux = true;
  a.spec.codecs = {sim::make_codec(kVp8, "VP8", 90000, MediaKind::Video), rtx_of(kVp8)};
  LegParts b = a;
  b.number = 2;
  b.spec.remote_rtp = address("192.0.2.2:5000");
  auto command = std::make_unique<OpenSession>();
  command->session = sim::make_bridge(a, b, random);
  engine.handle_command(now, std::move(command), out);
  std::array<SocketId, 2> sockets;
  for (std::size_t i = 0; i < 2; ++i) {
    sockets[i] = out.sockets[i].socket;
    engine.handle_socket_opened(now, sockets[i], true, out);
  }
  const auto deliver = [&](std::size_t leg, Bytes octets) {
    Datagram in{sockets[leg], *(leg == 0 ? a : b).spec.remote_rtp, now, pool.take()};
    in.packet.resize(octets.size());
    std::ranges::copy(octets, in.packet.data().begin());
    out.transmits.clear();
    const test_support::AllocationScope scope;
    engine.handle_datagrams({&in, 1}, out);
    EXPECT_EQ(scope.allocations(), 0U);
    EXPECT_EQ(scope.frees(), 0U);
  };
  for (std::uint16_t n = 100; n < 120; ++n) {
    if (n != 110) deliver(0, sim::rtp_packet(kVp8, n, 3000, kCamera.raw(), picture(n)));
  }
  ASSERT_EQ(out.transmits.size(), 1U);
  const Bytes last = std::as_const(out.transmits[0].packet).data();
  std::array<std::byte, 100> octets{};
  wire::RtcpWriter writer(octets);
  const std::array entries = {wire::NackEntry{SeqNum(load_be16(&last[2])).plus(-9), 1U << 3U}};
  ASSERT_TRUE(writer.nack(Ssrc(5), Ssrc(load_be32(&last[8])), entries));
  deliver(1, writer.written());
  ASSERT_EQ(out.transmits.size(), 2U) << "one is kept and sent again, for the other a is asked";
  auto repair = sim::rtp_packet(kRtx, 1, 3000, kCameraRtx.raw(), picture(110));
  store_be16(&repair[12], 110);
  deliver(0, repair);
  EXPECT_EQ(out.transmits.size(), 1U);
}

}  // namespace
}  // namespace causeway::engine
