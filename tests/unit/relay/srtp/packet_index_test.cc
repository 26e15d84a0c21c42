#include "relay/srtp/packet_index.h"

#include <gtest/gtest.h>

namespace causeway::srtp {
namespace {

std::optional<std::uint64_t> guess(std::uint32_t roc, std::uint16_t newest, std::uint16_t seq) {
  return guess_index(make_index(roc, SeqNum(newest)), SeqNum(seq));
}

TEST(PacketIndex, StaysInItsRocWithinHalfTheSpace) {
  EXPECT_EQ(guess(7, 100, 101), make_index(7, SeqNum(101)));
  EXPECT_EQ(guess(7, 100, 99), make_index(7, SeqNum(99)));
  EXPECT_EQ(guess(7, 40000, 65535), make_index(7, SeqNum(65535)));
}

TEST(PacketIndex, GoesToTheNextRocAtTheWrap) {
  EXPECT_EQ(guess(7, 65535, 0), make_index(8, SeqNum(0)));
  EXPECT_EQ(guess(0, 65535, 0), make_index(1, SeqNum(0)));
}

TEST(PacketIndex, GoesBackToThePreviousRocForAPacketFromBeforeTheWrap) {
  EXPECT_EQ(guess(8, 0, 65535), make_index(7, SeqNum(65535)));
  EXPECT_EQ(guess(1, 5, 65530), make_index(0, SeqNum(65530)));
}

// newest < 32768: another ROC only for a number more than 32768 ahead.
TEST(PacketIndex, HasItsLowerEdgeAt32768) {
  EXPECT_EQ(guess(7, 0, 32768), make_index(7, SeqNum(32768)));
  EXPECT_EQ(guess(7, 0, 32769), make_index(6, SeqNum(32769)));
  EXPECT_EQ(guess(7, 32767, 65535), make_index(7, SeqNum(65535)));
  EXPECT_EQ(guess(7, 32766, 65535), make_index(6, SeqNum(65535)));
}

// newest >= 32768: another ROC only for a number more than 32768 behind.
TEST(PacketIndex, HasItsUpperEdgeAt32768) {
  EXPECT_EQ(guess(7, 32768, 0), make_index(7, SeqNum(0)));
  EXPECT_EQ(guess(7, 32769, 0), make_index(8, SeqNum(0)));
  EXPECT_EQ(guess(7, 65535, 32767), make_index(7, SeqNum(32767)));
  EXPECT_EQ(guess(7, 65535, 32766), make_index(8, SeqNum(32766)));
}

TEST(PacketIndex, NeverGoesBelowTheFirstRoc) {
  EXPECT_EQ(guess(0, 2, 65535), make_index(0, SeqNum(65535)));
  EXPECT_EQ(guess(0, 0, 32769), make_index(0, SeqNum(32769)));
}

TEST(PacketIndex, DoesNotWrapThe48Bits) {
  EXPECT_EQ(guess(0xffffffff, 65535, 0), std::nullopt);
  EXPECT_EQ(guess(0xffffffff, 65534, 65535), (std::uint64_t{1} << 48) - 1);
}

}  // namespace
}  // namespace causeway::srtp
