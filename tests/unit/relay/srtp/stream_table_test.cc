#include "relay/srtp/stream_table.h"

#include <gtest/gtest.h>

namespace causeway::srtp {
namespace {

struct Entry {
  void clear() { at = {}; }
  [[nodiscard]] StreamIndex position() const { return at; }
  void restore(const StreamIndex& from) { at = from; }
  StreamIndex at;
};
using Table = StreamTable<Entry>;

constexpr StreamIndex at(std::uint64_t index) {
  return {.ssrc = {}, .rtp_index = index, .has_rtp = true};
}

TEST(StreamTable, ReplacesTheLeastRecentlyTouched) {
  Table table(2, Entry{});
  table.add(Ssrc(1));
  table.add(Ssrc(2));
  table.touch(Ssrc(1));
  const auto added = table.add(Ssrc(3));
  EXPECT_EQ(added.replaced, Ssrc(2));
  EXPECT_NE(table.find(Ssrc(1)), nullptr);
  EXPECT_EQ(table.find(Ssrc(2)), nullptr);
}

TEST(StreamTable, LookingForAnSsrcIsNoUseOfIt) {
  Table table(2, Entry{});
  table.add(Ssrc(1));
  table.add(Ssrc(2));
  EXPECT_NE(table.find(Ssrc(1)), nullptr);
  EXPECT_EQ(table.add(Ssrc(3)).replaced, Ssrc(1));
}

TEST(StreamTable, RemembersWhereAReplacedSsrcStood) {
  Table table(1, Entry{});
  table.add(Ssrc(1)).entry.at = at(500);
  table.add(Ssrc(2));
  ASSERT_NE(table.find_past(Ssrc(1)), nullptr);
  EXPECT_EQ(table.find_past(Ssrc(1))->rtp_index, 500U);
  EXPECT_EQ(table.add(Ssrc(1)).entry.at.rtp_index, 500U);
  EXPECT_EQ(table.find_past(Ssrc(1)), nullptr);
}

TEST(StreamTable, SaysWhenItCannotRememberAnother) {
  Table table(1, Entry{});
  for (std::uint32_t i = 0; i <= Table::kPast; ++i) {
    EXPECT_TRUE(table.has_room_for(Ssrc(i))) << i;
    table.add(Ssrc(i)).entry.at = at(i);
  }
  EXPECT_FALSE(table.has_room_for(Ssrc(1000)));
  EXPECT_TRUE(table.has_room_for(Ssrc(0))) << "its place among the past becomes free";
  EXPECT_EQ(table.add(Ssrc(0)).entry.at.rtp_index, 0U);
  for (std::uint32_t i = 1; i <= Table::kPast; ++i) {
    EXPECT_NE(table.find_past(Ssrc(i)), nullptr) << i;
  }
}

TEST(StreamTable, ExpectsTheSsrcsOfAnEarlierKeyWithoutSpendingTheirIndices) {
  Table earlier(2, Entry{});
  earlier.add(Ssrc(1)).entry.at = at(70000);
  Table table(2, Entry{});
  table.expect_all_of(earlier);
  ASSERT_NE(table.find_past(Ssrc(1)), nullptr);
  EXPECT_TRUE(table.find_past(Ssrc(1))->is_of_earlier_key);
  EXPECT_EQ(table.add(Ssrc(1)).entry.at.rtp_index, 0U);
  EXPECT_NE(table.find_past(Ssrc(1)), nullptr) << "until its RTP says which it is";
}

TEST(StreamTable, CountsAndListsTheLiveOnes) {
  Table table(3, Entry{});
  table.add(Ssrc(5)).entry.at = at(1);
  table.add(Ssrc(6)).entry.at = at(2);
  ASSERT_EQ(table.size(), 2U);
  EXPECT_EQ(table.position(0).ssrc, Ssrc(5));
  EXPECT_EQ(table.position(1).ssrc, Ssrc(6));
  EXPECT_EQ(table.position(1).rtp_index, 2U);
}

}  // namespace
}  // namespace causeway::srtp
