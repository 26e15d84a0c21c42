#include "relay/media/reorder_window.h"

#include <gtest/gtest.h>

namespace causeway::media {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Place = ReorderWindow::Place;

constexpr Duration kMost = milliseconds(40);

Instant at(Duration since) { return Instant(seconds(50)) + since; }

class ReorderWindowTest : public testing::Test {
 protected:
  ReorderWindowTest() { window_.restart(SeqNum(0xfffe)); }
  wire::OpenRtp packet(int steps) {
    return wire::OpenRtp::make(pool_.take(), PayloadType(0), false, SeqNum(0xfffe).plus(steps),
                               RtpTimestamp(0), Ssrc(1), {});
  }
  /// Packet 0 was had, 1 was given up at 20 ms and came 15 ms later.
  void make_a_late_packet() {
    window_.take(seq(0), at(milliseconds(0)));
    window_.take(seq(2), at(milliseconds(20)));
    window_.take_late(seq(1), at(milliseconds(35)), kMost);
  }
  static SeqNum seq(int steps) { return SeqNum(0xfffe).plus(steps); }

  PacketPool pool_{64};
  ReorderWindow window_;
};

TEST_F(ReorderWindowTest, KnowsThePlaceOfAPacketAcrossTheWrap) {
  window_.take(seq(0), at(milliseconds(0)));
  EXPECT_EQ(window_.take(seq(3), at(milliseconds(60))), 2);
  EXPECT_EQ(window_.place_of(seq(4)), Place::Next);
  EXPECT_EQ(window_.place_of(seq(5)), Place::Ahead);
  EXPECT_EQ(window_.place_of(seq(3)), Place::Duplicate);
  EXPECT_EQ(window_.place_of(seq(2)), Place::Late);
  EXPECT_EQ(window_.place_of(seq(1)), Place::Late);
  EXPECT_EQ(window_.place_of(seq(0)), Place::Duplicate);
  EXPECT_EQ(window_.place_of(seq(-1)), Place::Late);
  EXPECT_EQ(window_.place_of(seq(-100)), Place::Late);
}

TEST_F(ReorderWindowTest, TakesALatePacketForADuplicateTheSecondTime) {
  make_a_late_packet();
  EXPECT_EQ(window_.place_of(seq(1)), Place::Duplicate);
}

TEST_F(ReorderWindowTest, HoldsNothingAtFirst) {
  window_.take(seq(0), at(milliseconds(0)));
  auto early = packet(2);
  EXPECT_FALSE(window_.hold(early, at(milliseconds(20))));
  EXPECT_EQ(early.seq(), seq(2)) << "the packet is still the caller's";
}

TEST_F(ReorderWindowTest, GrowsToWhatWouldHaveSavedALatePacket) {
  make_a_late_packet();
  EXPECT_EQ(window_.length(), milliseconds(15));
}

TEST_F(ReorderWindowTest, DoesNotGrowForAPacketThatNoWindowWouldSave) {
  window_.take(seq(0), at(milliseconds(0)));
  window_.take(seq(2), at(milliseconds(20)));
  window_.take_late(seq(1), at(milliseconds(61)), kMost);
  EXPECT_EQ(window_.length(), Duration(0));
}

TEST_F(ReorderWindowTest, ReleasesInOrderWhatWasHeld) {
  make_a_late_packet();
  auto fifth = packet(5);
  auto fourth = packet(4);
  ASSERT_TRUE(window_.hold(fifth, at(milliseconds(40))));
  ASSERT_TRUE(window_.hold(fourth, at(milliseconds(41))));
  EXPECT_EQ(window_.give_up_at(), at(milliseconds(40) + window_.length()));
  EXPECT_FALSE(window_.pop_next(at(milliseconds(42)))) << "3 is missing";
  EXPECT_EQ(window_.place_of(seq(4)), Place::Duplicate);
  window_.take(seq(3), at(milliseconds(45)));
  EXPECT_EQ(window_.pop_next(at(milliseconds(45)))->seq(), seq(4));
  window_.take(seq(4), at(milliseconds(45)));
  EXPECT_EQ(window_.pop_next(at(milliseconds(45)))->seq(), seq(5));
  EXPECT_FALSE(window_.has_held());
}

TEST_F(ReorderWindowTest, GivesUpTheMissingForTheFirstHeld) {
  make_a_late_packet();
  auto fifth = packet(5);
  ASSERT_TRUE(window_.hold(fifth, at(milliseconds(40))));
  const auto first = window_.pop_first();
  ASSERT_TRUE(first);
  EXPECT_EQ(window_.take(first->seq(), at(milliseconds(55))), 2);
}

TEST_F(ReorderWindowTest, ShrinksTenMillisecondsInTenSecondsWhenNotNeeded) {
  make_a_late_packet();
  for (int i = 0; i <= 9; ++i) window_.relax(at(seconds(i)));
  EXPECT_EQ(window_.length(), milliseconds(15));
  for (int i = 10; i <= 12; ++i) window_.relax(at(seconds(i)));
  EXPECT_EQ(window_.length(), milliseconds(15)) << "the late packet itself is of this period";
  for (int i = 13; i <= 22; ++i) window_.relax(at(seconds(i)));
  EXPECT_EQ(window_.length(), milliseconds(5));
  for (int i = 23; i <= 33; ++i) window_.relax(at(seconds(i)));
  EXPECT_EQ(window_.length(), Duration(0));
}

TEST_F(ReorderWindowTest, DoesNotShrinkWhileItSavesPackets) {
  make_a_late_packet();
  int next = 3;
  for (int i = 0; i <= 60; ++i) {
    const Instant now = at(seconds(i));
    window_.relax(now);
    auto early = packet(next + 1);
    ASSERT_TRUE(window_.hold(early, now));
    window_.take(seq(next), now + milliseconds(12));
    ASSERT_TRUE(window_.pop_next(now + milliseconds(12)));
    window_.take(seq(next + 1), now + milliseconds(12));
    next += 2;
  }
  EXPECT_EQ(window_.length(), milliseconds(15));
}

TEST_F(ReorderWindowTest, HoldsNoMoreThanItsRoom) {
  make_a_late_packet();
  auto far = packet(3 + ReorderWindow::kRoom);
  EXPECT_FALSE(window_.hold(far, at(milliseconds(40))));
}

TEST_F(ReorderWindowTest, GivesHeldPacketsBackWhenTheStreamChanges) {
  make_a_late_packet();
  auto early = packet(5);
  ASSERT_TRUE(window_.hold(early, at(milliseconds(40))));
  window_.restart(SeqNum(7));
  EXPECT_EQ(pool_.available(), pool_.size());
  EXPECT_EQ(window_.place_of(SeqNum(7)), Place::Next);
}

}  // namespace
}  // namespace causeway::media
