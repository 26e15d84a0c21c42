#include "relay/wire/rtp.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/relay/wire/octets.h"

namespace causeway::wire {
namespace {

// Version 2, marker, type 96, sequence 0x1234, timestamp 0x01020304, SSRC 0xcafebabe, 4 octets.
constexpr const char* kPlain = "80e01234 01020304 cafebabe aabbccdd";

Result<OpenRtp, DropReason> open(PacketPool& pool, Bytes octets) {
  auto sealed = SealedRtp::parse(packet_of(pool, octets));
  if (!sealed) return failure(sealed.error());
  return open_plain(std::move(*sealed));
}

TEST(Rtp, ReadsTheFixedHeader) {
  PacketPool pool(1);
  const auto packet = open(pool, hex(kPlain));
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->has_marker());
  EXPECT_EQ(packet->payload_type(), PayloadType(96));
  EXPECT_EQ(packet->seq(), SeqNum(0x1234));
  EXPECT_EQ(packet->timestamp(), RtpTimestamp(0x01020304));
  EXPECT_EQ(packet->ssrc(), Ssrc(0xcafebabe));
  EXPECT_EQ(packet->payload().size(), 4U);
  EXPECT_EQ(load_be32(packet->payload().data()), 0xaabbccddU);
}

TEST(Rtp, SkipsCsrcsAndExtensionAndPadding) {
  PacketPool pool(1);
  // P, X, two CSRCs; extension of one word; payload one octet; three octets of padding.
  const auto packet = open(pool, hex("b2001234 01020304 cafebabe 11111111 22222222"
                                     "bede0001 10ff0000 aa 000003"));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->layout().extension_offset, 24);
  EXPECT_EQ(packet->layout().extension_octets, 4);
  EXPECT_EQ(packet->layout().header_octets, 28);
  ASSERT_EQ(packet->payload().size(), 1U);
  EXPECT_EQ(packet->payload()[0], std::byte{0xaa});
}

TEST(Rtp, AcceptsAPacketThatIsAllPadding) {
  PacketPool pool(1);
  const auto packet = open(pool, hex("a0001234 01020304 cafebabe 00000004"));
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->payload().empty());
}

TEST(Rtp, RefusesHeadersThatLie) {
  PacketPool pool(1);
  const auto reason = [&](std::string_view text) { return open(pool, hex(text)).error(); };
  EXPECT_EQ(reason("80e01234 01020304 cafeba"), DropReason::Truncated);
  EXPECT_EQ(reason("40e01234 01020304 cafebabe"), DropReason::BadVersion);
  EXPECT_EQ(reason("8fe01234 01020304 cafebabe 11111111"), DropReason::BadHeader);  // 15 CSRCs
  EXPECT_EQ(reason("90e01234 01020304 cafebabe bede"), DropReason::BadHeader);
  EXPECT_EQ(reason("90e01234 01020304 cafebabe bede0002 00000000"), DropReason::BadHeader);
  EXPECT_EQ(reason("a0e01234 01020304 cafebabe 00000005"),
            DropReason::BadHeader);  // padding > rest
  EXPECT_EQ(reason("a0e01234 01020304 cafebabe 00000000"), DropReason::BadHeader);  // padding of 0
  EXPECT_EQ(reason("a0e01234 01020304 cafebabe"), DropReason::BadHeader);  // nothing to pad
  EXPECT_EQ(pool.available(), 1U) << "a refused packet goes back to its pool";
}

TEST(Rtp, NeverReadsPastTheEndOfRandomOctets) {
  PacketPool pool(1);
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::vector<std::byte> octets(random() % 80);
    for (std::byte& octet : octets) octet = static_cast<std::byte>(random());
    if (!octets.empty()) octets[0] = (octets[0] & std::byte{0x3f}) | std::byte{0x80};
    const auto packet = open(pool, octets);
    if (!packet) continue;
    EXPECT_EQ(
        packet->layout().header_octets + packet->payload().size() + packet->layout().padding_octets,
        octets.size());
  }
}

TEST(Rtp, RewritesFieldsInPlace) {
  PacketPool pool(1);
  auto packet = open(pool, hex(kPlain));
  ASSERT_TRUE(packet);
  packet->set_marker(false);
  packet->set_payload_type(PayloadType(8));
  packet->set_seq(SeqNum(1));
  packet->set_timestamp(RtpTimestamp(2));
  packet->set_ssrc(Ssrc(3));
  const auto expected = hex("80080001 00000002 00000003 aabbccdd");
  EXPECT_TRUE(std::ranges::equal(packet->bytes(), expected));
  packet->set_marker(true);
  EXPECT_EQ(packet->payload_type(), PayloadType(8));
  EXPECT_TRUE(packet->has_marker());
}

TEST(Rtp, MakesAPacketOfItsOwn) {
  PacketPool pool(1);
  const auto payload = hex("aabbccdd");
  const OpenRtp packet = OpenRtp::make(pool.take(), PayloadType(96), true, SeqNum(0x1234),
                                       RtpTimestamp(0x01020304), Ssrc(0xcafebabe), payload);
  EXPECT_TRUE(std::ranges::equal(packet.bytes(), hex(kPlain)));
  EXPECT_TRUE(std::ranges::equal(packet.payload(), payload));
}

TEST(Rtp, IsToldFromRtcpByTheSecondOctet) {
  EXPECT_FALSE(is_rtcp(hex("80bf")));
  EXPECT_TRUE(is_rtcp(hex("80c0")));
  EXPECT_TRUE(is_rtcp(hex("81c8")));
  EXPECT_TRUE(is_rtcp(hex("80df")));
  EXPECT_FALSE(is_rtcp(hex("80e0")));  // type 96 with marker
}

}  // namespace
}  // namespace causeway::wire
