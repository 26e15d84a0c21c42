#include "relay/base/packet_buf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace causeway {
namespace {

TEST(PacketPool, GivesOutEachBufferOnceAndTakesItBack) {
  PacketPool pool(3);
  std::vector<PacketBuf> taken;
  std::vector<const std::byte*> places;
  for (int i = 0; i < 3; ++i) {
    taken.push_back(pool.take());
    ASSERT_TRUE(taken.back());
    taken.back().resize(1);
    places.push_back(taken.back().data().data());
  }
  std::ranges::sort(places);
  EXPECT_EQ(std::ranges::adjacent_find(places), places.end());
  EXPECT_FALSE(pool.take()) << "none is left";
  EXPECT_EQ(pool.available(), 0U);
  taken.clear();
  EXPECT_EQ(pool.available(), pool.size());
}

TEST(PacketPool, GivesAUsedBufferBackEmptyWithItsRooms) {
  PacketPool pool(1);
  {
    PacketBuf packet = pool.take();
    packet.resize(100);
    packet.move_front(30);
  }
  const PacketBuf packet = pool.take();
  EXPECT_EQ(packet.size(), 0U);
  EXPECT_EQ(packet.head_room(), PacketBuf::kHeadRoom);
  EXPECT_GE(packet.tail_room(), PacketBuf::kMaxData + PacketBuf::kTailRoom);
}

TEST(PacketPoolDeathTest, EndsTheProcessWhenAPacketOutlivesIt) {
  EXPECT_DEATH(
      {
        PacketBuf survivor;
        PacketPool pool(1);
        survivor = pool.take();
      },
      "outlives its pool");
}

TEST(PacketBuf, GrowsAtBothEndsInPlace) {
  PacketPool pool(1);
  PacketBuf packet = pool.take();
  packet.resize(2);
  packet.data()[0] = std::byte{0xaa};
  packet.data()[1] = std::byte{0xbb};
  packet.move_front(-2);
  packet.resize(6);
  EXPECT_EQ(packet.data()[2], std::byte{0xaa});
  EXPECT_EQ(packet.data()[3], std::byte{0xbb});
  packet.move_front(3);
  EXPECT_EQ(packet.size(), 3U);
  EXPECT_EQ(packet.data()[0], std::byte{0xbb});
}

TEST(PacketBufDeathTest, NeverLeavesItsBuffer) {
  PacketPool pool(1);
  PacketBuf packet = pool.take();
  EXPECT_DEATH(packet.resize(PacketBuf::kCapacity), "outgrows");
  EXPECT_DEATH(packet.move_front(-65), "head room");
  EXPECT_DEATH(packet.move_front(1), "head room");
  packet.resize(PacketBuf::kMaxData + PacketBuf::kTailRoom);
  EXPECT_EQ(packet.tail_room(), 0U);
}

TEST(PacketBuf, MovesAndReturnsWhatItHeld) {
  PacketPool pool(2);
  PacketBuf a = pool.take();
  PacketBuf b = pool.take();
  EXPECT_EQ(pool.available(), 0U);
  a = std::move(b);
  EXPECT_EQ(pool.available(), 1U) << "what a held before went back";
  EXPECT_FALSE(b);  // NOLINT(bugprone-use-after-move): moved-from is specified to be empty
  PacketBuf& same = a;
  a = std::move(same);
  EXPECT_TRUE(a);
  a.reset();
  a.reset();
  EXPECT_EQ(pool.available(), 2U);
}

}  // namespace
}  // namespace causeway
