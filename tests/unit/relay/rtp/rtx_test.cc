#include "relay/rtp/rtx.h"

#include <gtest/gtest.h>

#include "tests/unit/relay/wire/octets.h"

namespace causeway::rtp {
namespace {

using std::chrono::seconds;
using wire::hex;
using wire::OpenRtp;

constexpr PayloadType kVp8{96};
constexpr PayloadType kRtx{97};
constexpr Ssrc kVideo{0x11111111};
constexpr Ssrc kRepair{0x22222222};
constexpr Instant kNow = Instant(seconds(1000));

RtxTypes types() {
  RtxTypes made;
  EXPECT_TRUE(made.add(kRtx, kVp8));
  return made;
}

struct Rtx : testing::Test {
  PacketPool pool{8};
  OpenRtp open(std::string_view text) {
    return *wire::open_plain(*wire::SealedRtp::parse(wire::packet_of(pool, hex(text))));
  }
  /// A retransmission of number 0x1234, of stream `ssrc`.
  OpenRtp retransmission(Ssrc ssrc = kRepair, SeqNum osn = SeqNum(0x1234)) {
    OpenRtp packet = open("80e10005 01020304 00000000 0000 aabbcc");
    packet.set_ssrc(ssrc);
    std::array<std::byte, 2> octets{};
    store_be16(octets.data(), osn.raw());
    std::ranges::copy(octets, packet.packet().data().begin() + 12);
    return packet;
  }
};

// ---- sending ------------------------------------------------------------------------------------

TEST_F(Rtx, WrapsThePacketAsRfc4588Says) {
  RtxSender sender(kRepair, SeqNum(0xffff));
  const OpenRtp original = open("91e01234 01020304 11111111 99999999 bede0001 10ff0000 aabbcc");
  const auto packet = sender.wrap(original.bytes(), types(), pool.take());
  ASSERT_TRUE(packet);
  EXPECT_TRUE(std::ranges::equal(
      packet->bytes(), hex("91e1ffff 01020304 22222222 99999999 bede0001 10ff0000 1234 aabbcc")))
      << "marker, timestamp, CSRC and extension stay; type, number and SSRC are its own";
  EXPECT_EQ(packet->layout().header_octets, 24);
  const auto second = sender.wrap(original.bytes(), types(), pool.take());
  EXPECT_EQ(second->seq(), SeqNum(0)) << "a second repeat is another packet";
}

TEST_F(Rtx, LeavesPaddingOut) {
  RtxSender sender(kRepair, SeqNum(5));
  const OpenRtp original = open("a0601234 01020304 11111111 aabbcc 000003");
  const auto packet = sender.wrap(original.bytes(), types(), pool.take());
  ASSERT_TRUE(packet);
  EXPECT_TRUE(std::ranges::equal(packet->bytes(), hex("80610005 01020304 22222222 1234 aabbcc")));
}

TEST_F(Rtx, UsesNoNumberForWhatItDoesNotWrap) {
  RtxSender sender(kRepair, SeqNum(5));
  const OpenRtp other = open("80651234 01020304 11111111 aabbcc");
  EXPECT_FALSE(sender.wrap(other.bytes(), types(), pool.take()));
  std::vector<std::byte> large(PacketBuf::kMaxData - 1, std::byte{0});
  large[0] = std::byte{0x80};
  large[1] = std::byte{96};
  EXPECT_FALSE(sender.wrap(large, types(), pool.take()));
  EXPECT_EQ(sender.next(), SeqNum(5));
  EXPECT_EQ(pool.available(), pool.size() - 1) << "the buffers went back, but for the original's";
}

// ---- receiving ----------------------------------------------------------------------------------

TEST_F(Rtx, UnwrapsToTheVeryPacketThatWasLost) {
  RtxReceiver receiver(types());
  receiver.pair(kVideo, kRepair);
  RtxSender sender(kRepair, SeqNum(77));
  const auto original = hex("91e01234 01020304 11111111 99999999 bede0001 10ff0000 aabbcc");
  auto wrapped = sender.wrap(original, types(), pool.take());
  const auto packet = receiver.unwrap(std::move(*wrapped), kNow);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(std::ranges::equal(packet->bytes(), original));
  EXPECT_EQ(packet->payload().size(), 3U);
}

TEST_F(Rtx, FindsTheStreamByTheNumberThatWasAskedFor) {
  RtxReceiver receiver(types());
  EXPECT_EQ(receiver.unwrap(retransmission(), kNow).error(), DropReason::NoPath);
  receiver.on_request(kVideo, SeqNum(0x1234), kNow);
  const auto packet = receiver.unwrap(retransmission(), kNow);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->ssrc(), kVideo);
  EXPECT_EQ(packet->seq(), SeqNum(0x1234));
  EXPECT_EQ(packet->payload_type(), kVp8);
  EXPECT_TRUE(receiver.unwrap(retransmission(kRepair, SeqNum(9)), kNow + seconds(60)))
      << "from then on it is known";
}

TEST_F(Rtx, DoesNotGuessWhereTwoStreamsWereAskedForTheSameNumber) {
  RtxReceiver receiver(types());
  receiver.on_request(kVideo, SeqNum(0x1234), kNow);
  receiver.on_request(Ssrc(0x33333333), SeqNum(0x1234), kNow);
  receiver.on_request(kVideo, SeqNum(0x1235), kNow);
  EXPECT_EQ(receiver.unwrap(retransmission(), kNow).error(), DropReason::NoPath);
  EXPECT_TRUE(receiver.unwrap(retransmission(kRepair, SeqNum(0x1235)), kNow));
  EXPECT_EQ(receiver.original_of(kRepair), kVideo);
}

TEST_F(Rtx, ForgetsARequestThatIsOld) {
  RtxReceiver receiver(types());
  receiver.on_request(kVideo, SeqNum(0x1234), kNow);
  EXPECT_EQ(receiver.unwrap(retransmission(), kNow + seconds(3)).error(), DropReason::NoPath);
}

TEST_F(Rtx, RefusesWhatCarriesNoNumber) {
  RtxReceiver receiver(types());
  receiver.pair(kVideo, kRepair);
  EXPECT_EQ(receiver.unwrap(open("80610005 01020304 22222222 12"), kNow).error(),
            DropReason::BadPayload);
  EXPECT_EQ(receiver.unwrap(open("a0610005 01020304 22222222 00000004"), kNow).error(),
            DropReason::Probe)
      << "padding alone probes the network";
  EXPECT_EQ(receiver.unwrap(open("80600005 01020304 22222222 1234aa"), kNow).error(),
            DropReason::UnknownPayloadType);
  EXPECT_EQ(pool.available(), pool.size());
}

TEST_F(Rtx, KeepsSignalledPairsWhenStreamsThatWereFoundOutCrowdIn) {
  RtxReceiver receiver(types());
  receiver.pair(kVideo, kRepair);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    receiver.on_request(Ssrc(1000 + i), SeqNum(static_cast<std::uint16_t>(i)), kNow);
    ASSERT_TRUE(receiver.unwrap(
        retransmission(Ssrc(5000 + i), SeqNum(static_cast<std::uint16_t>(i))), kNow));
  }
  EXPECT_EQ(receiver.original_of(kRepair), kVideo);
  EXPECT_EQ(receiver.original_of(Ssrc(5999)), Ssrc(1999));
  EXPECT_FALSE(receiver.original_of(Ssrc(5000))) << "the oldest made room";
}

TEST_F(Rtx, PairsBothWaysByApt) {
  RtxTypes two = types();
  EXPECT_TRUE(two.add(PayloadType(99), PayloadType(98)));
  EXPECT_EQ(two.rtx_of(PayloadType(98)), PayloadType(99));
  EXPECT_EQ(two.apt_of(kRtx), kVp8);
  EXPECT_FALSE(two.apt_of(kVp8));
  EXPECT_TRUE(two.add(kRtx, PayloadType(100))) << "set anew";
  EXPECT_EQ(two.apt_of(kRtx), PayloadType(100));
}

}  // namespace
}  // namespace causeway::rtp
