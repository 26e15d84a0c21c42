// Header extensions from one leg to another: whose pass, under which ids, and who answers
// transport-wide numbers.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "relay/wire/header_extensions.h"
#include "relay/wire/rtcp_writer.h"
#include "relay/wire/transport_cc.h"
#include "tests/sim/world.h"

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;
using sim::address;
using sim::Flying;
using sim::LegParts;
using sim::World;

constexpr std::uint8_t kPcmu = 0;
constexpr std::uint8_t kVp8 = 96;
constexpr std::uint8_t kRtx = 97;
constexpr Ssrc kCamera{0x71de0};
const std::string kLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
const std::string kSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";

ExtensionSpec extension(std::uint8_t id, std::string_view uri, MediaKind media,
                        std::string mid = "") {
  return {id, std::string(uri), media, std::move(mid)};
}

using Elements = std::vector<std::pair<int, std::string>>;

struct HeaderExtension : testing::Test {
  const SocketAddress a = address("192.0.2.1:4000");
  const SocketAddress b = address("192.0.2.2:5000");
  World world{5};
  LegParts leg_a{.spec = {}, .number = 1, .keys = {}};
  LegParts leg_b{.spec = {}, .number = 2, .keys = {}};
  std::unique_ptr<OpenSession> session;
  std::vector<Flying> rtp_at_b;
  std::vector<wire::TransportArrival> told_a;  // by transport-wide feedback
  std::vector<Ssrc> told_about;

  HeaderExtension() {
    leg_a.spec.id = "a";
    leg_a.spec.remote_rtp = a;
    leg_a.spec.has_rtcp_mux = true;
    leg_a.spec.codecs = {sim::make_codec(kPcmu, "PCMU"),
                         sim::make_codec(kVp8, "VP8", 90000, MediaKind::Video)};
    leg_b.spec = leg_a.spec;
    leg_b.spec.id = "b";
    leg_b.spec.remote_rtp = b;
    world.attach(a, [this](Instant, const Flying& in) { read_feedback(in.octets); });
    world.attach(b, [this](Instant, const Flying& in) {
      if (!wire::is_rtcp(in.octets)) rtp_at_b.push_back(in);
    });
  }
  void open() { session = world.open(sim::make_bridge(leg_a, leg_b, world.random())); }

  void read_feedback(Bytes octets) {
    if (!wire::is_rtcp(octets)) return;
    const auto compound = wire::check_rtcp_compound(octets);
    ASSERT_TRUE(compound);
    for (const wire::RtcpPacket packet : *compound) {
      const auto feedback = wire::Feedback::parse(packet);
      auto arrivals = feedback ? wire::TransportCc::parse(*feedback) : std::nullopt;
      if (!arrivals) continue;
      told_about.push_back(feedback->media);
      for (auto each = arrivals->next(); each; each = arrivals->next()) told_a.push_back(*each);
    }
  }

  /// A packet of a's with these elements, in the one-byte form.
  void send(std::uint8_t type, std::uint16_t seq, Ssrc ssrc, const Elements& elements) {
    std::vector<std::byte> body;
    for (const auto& [id, data] : elements) {
      body.push_back(static_cast<std::byte>(id << 4 | static_cast<int>(data.size() - 1)));
      for (const char each : data) body.push_back(static_cast<std::byte>(each));
    }
    body.resize((body.size() + 3) / 4 * 4);
    const std::vector<std::byte> payload(100, std::byte{7});
    auto packet = wire::OpenRtp::make(world.pool().take(), PayloadType(type), false, SeqNum(seq),
                                      RtpTimestamp(seq * 160U), ssrc, payload);
    EXPECT_TRUE(packet.set_extension(wire::HeaderExtensions::kOneByteProfile, body));
    const Bytes octets = packet.bytes();
    world.send(a, session->addresses[0].rtp, {octets.begin(), octets.end()});
    world.run_for(5ms);
  }
  static std::string number(std::uint16_t n) {
    return {static_cast<char>(n >> 8), static_cast<char>(n & 0xff)};
  }

  /// The elements of the last packet that b heard.
  Elements heard() {
    PacketBuf buffer = world.pool().take();
    const auto& octets = rtp_at_b.back().octets;
    buffer.resize(octets.size());
    std::ranges::copy(octets, buffer.data().begin());
    const auto packet = wire::open_plain(*wire::SealedRtp::parse(std::move(buffer)));
    Elements elements;
    wire::HeaderExtensions extensions(*packet);
    for (auto each = extensions.next(); each; each = extensions.next()) {
      std::string data;
      for (const std::byte octet : each->data) data += static_cast<char>(octet);
      elements.emplace_back(each->id, data);
    }
    return elements;
  }
};

TEST_F(HeaderExtension, PassesUnderTheOtherLegsIdAndWhatThatDoesNotListIsLeftOut) {
  leg_a.spec.extensions = {extension(1, kLevel, MediaKind::Audio),
                           extension(2, kSendTime, MediaKind::Video),
                           extension(4, ExtensionSpec::kMid, MediaKind::Video, "their-video"),
                           extension(5, "urn:only-a", MediaKind::Video)};
  leg_b.spec.extensions = {extension(7, kSendTime, MediaKind::Video),
                           extension(2, kLevel, MediaKind::Video)};
  open();
  send(kVp8, 1, kCamera, {{2, "abc"}, {4, "their-video"}, {5, "x"}, {9, "y"}});
  EXPECT_EQ(heard(), (Elements{{7, "abc"}}));
  send(kPcmu, 1, Ssrc(77), {{1, "l"}});
  EXPECT_EQ(heard(), Elements{});
  EXPECT_EQ(rtp_at_b.back().octets.size(), 112U);
}

TEST_F(HeaderExtension, TheLevelOfSoundThatPassesIsWhatItsSenderSays) {
  leg_a.spec.extensions = {extension(1, kLevel, MediaKind::Audio),
                           extension(1, kLevel, MediaKind::Video)};
  open();
  const auto level = [&](std::uint16_t leg) {
    auto read = std::make_unique<ReadReport>();
    read->leg = {session->handle, leg};
    const LegReport report = world.call(std::move(read))->report;
    EXPECT_FALSE(report.sent.level) << "nothing is encoded";
    return report.received.level;
  };
  EXPECT_FALSE(level(1));
  send(kVp8, 1, kCamera, {{1, "\x01"}});
  EXPECT_FALSE(level(1)) << "that is no sound";
  send(kPcmu, 1, Ssrc(77), {{1, "\x9e"}});  // speech (V) at -30 dBov
  EXPECT_EQ(level(1), (codecs::LevelMeter::Levels{30, 30}));
  for (std::uint16_t seq = 2; seq < 500; ++seq) send(kPcmu, seq, Ssrc(77), {{1, "\x7f"}});
  EXPECT_EQ(level(1), (codecs::LevelMeter::Levels{127, 30}));
  EXPECT_FALSE(level(2)) << "b has negotiated no such extension";
}

TEST_F(HeaderExtension, TheLevelOfSoundThatIsDecodedIsMeasured) {
  leg_a.spec.extensions = {extension(1, kLevel, MediaKind::Audio)};
  leg_a.spec.codecs = {sim::make_codec(kPcmu, "PCMU")};
  leg_b.spec.codecs = {sim::make_codec(8, "PCMA")};
  open();
  const auto report = [&](std::uint16_t leg) {
    auto read = std::make_unique<ReadReport>();
    read->leg = {session->handle, leg};
    return world.call(std::move(read))->report;
  };
  // Octets of 7: steady and loud, whatever the extension says of it.
  for (std::uint16_t seq = 1; seq < 50; ++seq) send(kPcmu, seq, Ssrc(77), {{1, "\x7f"}});
  const auto heard = report(1).received.level;
  const auto said = report(2).sent.level;
  ASSERT_TRUE(heard && said);
  EXPECT_LT(heard->now, 10);
  EXPECT_NEAR(heard->now, said->now, 1);
  EXPECT_FALSE(report(1).sent.level);
  EXPECT_FALSE(report(2).received.level);
}

TEST_F(HeaderExtension, EachLegIsToldItsOwnMid) {
  leg_a.spec.extensions.emplace();
  leg_b.spec.extensions = {extension(4, ExtensionSpec::kMid, MediaKind::Audio, "0"),
                           extension(4, ExtensionSpec::kMid, MediaKind::Video, "video")};
  open();
  send(kVp8, 1, kCamera, {{4, "whatever"}});
  EXPECT_EQ(heard(), (Elements{{4, "video"}}));
  send(kPcmu, 1, Ssrc(77), {{4, "whatever"}});
  EXPECT_EQ(heard(), (Elements{{4, "0"}}));
}

TEST_F(HeaderExtension, OfLegsThatListNonePassesAsItIs) {
  open();
  send(kVp8, 1, kCamera, {{2, "abc"}, {9, "y"}});
  EXPECT_EQ(heard(), (Elements{{2, "abc"}, {9, "y"}}));
}

TEST_F(HeaderExtension, TransportWideNumbersAreAnsweredWhereTheOtherLegHasNone) {
  leg_a.spec.extensions = {extension(3, ExtensionSpec::kTransportCc, MediaKind::Video)};
  open();
  for (std::uint16_t n = 0; n < 10; ++n) {
    if (n != 4) send(kVp8, n, kCamera, {{3, number(static_cast<std::uint16_t>(700 + n))}});
  }
  EXPECT_EQ(heard(), Elements{});
  EXPECT_TRUE(told_a.empty()) << "it is not due yet";
  world.run_for(100ms);
  ASSERT_EQ(told_a.size(), 9U);
  EXPECT_EQ(told_a[0].seq, SeqNum(700));
  EXPECT_EQ(told_a[4].seq, SeqNum(705));
  EXPECT_EQ(told_a[8].at - told_a[0].at, 40ms);
  EXPECT_EQ(told_about, std::vector{kCamera});
  world.run_for(1s);
  EXPECT_EQ(told_about.size(), 1U) << "nothing more has come";
}

TEST_F(HeaderExtension, TransportWideNumbersPassWhereBothLegsHaveThem) {
  leg_a.spec.extensions = {extension(3, ExtensionSpec::kTransportCc, MediaKind::Video)};
  leg_b.spec.extensions = {extension(9, ExtensionSpec::kTransportCc, MediaKind::Video)};
  open();
  for (std::uint16_t n = 0; n < 10; ++n) {
    send(kVp8, n, kCamera, {{3, number(static_cast<std::uint16_t>(700 + n))}});
  }
  EXPECT_EQ(heard(), (Elements{{9, number(709)}}));
  world.run_for(200ms);
  EXPECT_TRUE(told_a.empty()) << "it is for b to answer";
  std::array<std::byte, 200> octets{};
  wire::RtcpWriter writer(octets);
  const std::array arrivals = {wire::TransportArrival{SeqNum(700), 1s},
                               wire::TransportArrival{SeqNum(709), 2s}};
  const Ssrc camera_at_b(load_be32(&rtp_at_b.back().octets[8]));
  ASSERT_TRUE(writer.receiver_report(Ssrc(5), {}));
  ASSERT_EQ(wire::write_transport_cc(writer, {Ssrc(5), camera_at_b, SeqNum(700), 0}, arrivals), 2U);
  const Bytes sent = writer.written();
  world.send(b, session->addresses[1].rtp, {sent.begin(), sent.end()});
  world.run_for(10ms);
  ASSERT_EQ(told_a.size(), 2U);
  EXPECT_EQ(told_a[1].seq, SeqNum(709));
  EXPECT_EQ(told_about, std::vector{kCamera});
}

// Padding and repeats end at the relay: their numbers would look lost to the far end.
TEST_F(HeaderExtension, TransportWideNumbersOfASenderWithRtxAreAnsweredHere) {
  CodecSpec rtx = sim::make_codec(kRtx, "rtx", 90000, MediaKind::Retransmission);
  rtx.fmtp = "apt=96";
  leg_a.spec.codecs.push_back(rtx);
  leg_a.spec.extensions = {extension(3, ExtensionSpec::kTransportCc, MediaKind::Video)};
  leg_b.spec.extensions = leg_a.spec.extensions;
  open();
  send(kVp8, 1, kCamera, {{3, number(1)}});
  EXPECT_EQ(heard(), Elements{});
  send(kRtx, 1, Ssrc(99), {{3, number(2)}});
  EXPECT_EQ(rtp_at_b.size(), 1U);
  world.run_for(100ms);
  EXPECT_EQ(told_a.size(), 2U);
}

TEST_F(HeaderExtension, ManyNumbersAreAnsweredBeforeTheyAreForgotten) {
  leg_a.spec.extensions = {extension(3, ExtensionSpec::kTransportCc, MediaKind::Video)};
  open();
  world.set_faults(a, {.delay = 1ms, .jitter = 20ms});
  std::set<std::uint16_t> seen;
  for (std::uint32_t n = 0; n < 5000; ++n) {
    const auto seq = static_cast<std::uint16_t>(n);
    world.at(world.now() + n * 100us, [this, seq] {
      auto packet = wire::OpenRtp::make(world.pool().take(), PayloadType(kVp8), false, SeqNum(seq),
                                        RtpTimestamp(0), kCamera, {});
      const std::array<std::byte, 4> body = {std::byte{0x31}, static_cast<std::byte>(seq >> 8),
                                             static_cast<std::byte>(seq & 0xff), std::byte{0}};
      EXPECT_TRUE(packet.set_extension(wire::HeaderExtensions::kOneByteProfile, body));
      const Bytes octets = packet.bytes();
      world.send(a, session->addresses[0].rtp, {octets.begin(), octets.end()});
    });
  }
  world.run_for(2s);
  for (const wire::TransportArrival& each : told_a) seen.insert(each.seq.raw());
  EXPECT_EQ(seen.size(), 5000U);
}

}  // namespace
}  // namespace causeway::engine
