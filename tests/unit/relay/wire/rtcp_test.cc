#include "relay/wire/rtcp.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/relay/wire/octets.h"

namespace causeway::wire {
namespace {

// An RR without blocks, and a BYE of the same source.
constexpr const char* kRr = "80c90001 cafebabe";
constexpr const char* kBye = "81cb0001 cafebabe";

Result<OpenRtcp, DropReason> open(PacketPool& pool, Bytes octets) {
  auto sealed = SealedRtcp::parse(packet_of(pool, octets));
  if (!sealed) return failure(sealed.error());
  return open_plain(std::move(*sealed));
}
Result<OpenRtcp, DropReason> open(PacketPool& pool, std::string_view text) {
  return open(pool, hex(text));
}

TEST(SealedRtcp, LooksAtTheClearOctetsOnly) {
  PacketPool pool(1);
  const auto parse = [&](std::string_view text) {
    return SealedRtcp::parse(packet_of(pool, hex(text)));
  };
  EXPECT_EQ(parse("80c90001 cafebabe 0102030405")->ssrc(), Ssrc(0xcafebabe));
  EXPECT_EQ(parse("80c90001 cafeba").error(), DropReason::Truncated);
  EXPECT_EQ(parse("").error(), DropReason::Truncated);
  EXPECT_EQ(parse("00c90001 cafebabe").error(), DropReason::BadVersion);
  EXPECT_EQ(parse("80bf0001 cafebabe").error(), DropReason::BadHeader);
  EXPECT_EQ(parse("80e00001 cafebabe").error(), DropReason::BadHeader);
  EXPECT_EQ(pool.available(), 1U);
}

TEST(OpenRtcp, WalksACompound) {
  PacketPool pool(1);
  const auto compound = open(pool, std::string(kRr) + kBye);
  ASSERT_TRUE(compound);
  EXPECT_EQ(compound->ssrc(), Ssrc(0xcafebabe));
  std::vector<RtcpType> types;
  for (const RtcpPacket packet : compound->packets()) {
    types.push_back(packet.type());
    EXPECT_EQ(packet.octets().size(), 8U);
    EXPECT_EQ(load_be32(packet.body().data()), 0xcafebabeU);
  }
  EXPECT_EQ(types, (std::vector{RtcpType::Rr, RtcpType::Bye}));
}

TEST(OpenRtcp, AcceptsAReducedSizeCompound) {
  PacketPool pool(1);
  const auto compound = open(pool, "81ce0002 cafebabe 11223344");
  ASSERT_TRUE(compound);
  EXPECT_EQ((*compound->packets().begin()).type(), RtcpType::Psfb);
  EXPECT_EQ((*compound->packets().begin()).count(), 1);
}

TEST(OpenRtcp, LeavesPaddingOutOfTheLastPacket) {
  PacketPool pool(1);
  const auto compound = open(pool, std::string(kRr) + "a1cb0002 cafebabe 00000004");
  ASSERT_TRUE(compound);
  auto at = compound->packets().begin();
  EXPECT_EQ((*++at).octets().size(), 8U);
  EXPECT_EQ(++at, compound->packets().end());
}

TEST(OpenRtcp, RefusesFramingThatLies) {
  PacketPool pool(1);
  const auto reason = [&](const std::string& text) { return open(pool, text).error(); };
  EXPECT_EQ(reason("80c90002 cafebabe"), DropReason::Truncated);          // length past the end
  EXPECT_EQ(reason(kRr + std::string("81cb00")), DropReason::Truncated);  // half a header behind
  EXPECT_EQ(reason(kRr + std::string("41cb0001 cafebabe")), DropReason::BadVersion);
  EXPECT_EQ(reason("a0c90001 cafebabe" + std::string(kBye)),
            DropReason::BadHeader);                                        // padding first
  EXPECT_EQ(reason("a0c90002 cafebabe 00000000"), DropReason::BadHeader);  // padding of 0
  EXPECT_EQ(reason("a0c90002 cafebabe 00000003"), DropReason::BadHeader);  // no whole word
  EXPECT_EQ(reason("a0c90002 cafebabe 0000000c"), DropReason::BadHeader);  // more than is there
  EXPECT_EQ(pool.available(), 1U);
}

TEST(OpenRtcp, IsMadeByTheRelayItself) {
  PacketPool pool(1);
  const auto octets = hex(kRr);
  OpenRtcp compound = OpenRtcp::make(pool.take(), octets);
  EXPECT_TRUE(std::ranges::equal(compound.bytes(), octets));
  const PacketBuf buffer = std::move(compound).take();
  EXPECT_EQ(buffer.head_room(), PacketBuf::kHeadRoom);
}

TEST(OpenRtcpDeathTest, RefusesToMakeWhatIsBadlyFramed) {
  PacketPool pool(1);
  EXPECT_DEATH((void)OpenRtcp::make(pool.take(), hex("80c90002 cafebabe")), "well framed");
}

// The packets of whatever is accepted cover it exactly, in words, padding only at the very end.
TEST(OpenRtcp, WalksEveryAcceptedCompoundToItsEnd) {
  PacketPool pool(1);
  std::mt19937 random(2);
  int accepted = 0;
  for (int i = 0; i < 50000; ++i) {
    std::vector<std::byte> octets(8 + 4 * (random() % 12));
    for (std::byte& octet : octets) octet = static_cast<std::byte>(random());
    for (std::size_t at = 0;
         at + 4 <= octets.size();) {  // plausible headers, sometimes a wrong one
      const std::size_t words = random() % 5;
      octets[at] =
          static_cast<std::byte>(0x80U | (random() & 0x1fU) | (random() % 8 == 0 ? 0x20U : 0));
      octets[at + 1] = static_cast<std::byte>(192 + random() % 32);
      store_be16(&octets[at + 2], static_cast<std::uint16_t>(words));
      at += 4 * (words + 1);
    }
    const auto compound = open(pool, octets);
    if (!compound) continue;
    ++accepted;
    std::size_t covered = 0;
    for (const RtcpPacket packet : compound->packets()) covered += packet.octets().size();
    EXPECT_LE(covered, octets.size());
    EXPECT_LE(octets.size() - covered, 252U);
  }
  EXPECT_GT(accepted, 500);
}

}  // namespace
}  // namespace causeway::wire
