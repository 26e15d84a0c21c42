#include "relay/record/packet_order.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace causeway::record {
namespace {

using namespace std::chrono_literals;

constexpr Instant kZero{std::chrono::hours(1)};

/// A PacketOrder that is fed 20 ms packets of an 8 kHz clock, and read half a second behind.
class Feed {
 public:
  /// Packet `n` with timestamp `timestamp_of` 160 a packet, at `arrival`.
  void push(int n, Duration arrival) { push(n, arrival, n * 160); }
  void push(int n, Duration arrival, std::int64_t timestamp,
            RtpClockRate rate = RtpClockRate{8000}) {
    const std::array<std::byte, 1> payload = {static_cast<std::byte>(n)};
    PacketOrder::Arrived packet;
    packet.seq = SeqNum(static_cast<std::uint16_t>(n));
    packet.timestamp = RtpTimestamp(static_cast<std::uint32_t>(timestamp));
    packet.clock = rate;
    packet.arrival = kZero + arrival;
    packet.payload = payload;
    order.push(packet, kZero + written);
  }
  /// Writes up to half a second before `now`.
  void advance(Duration now) {
    written = now - 500ms;
    while (const auto due = order.pop(kZero + written, std::nullopt)) {
      numbers.push_back(load_u8(due->packet.payload.data()));
      places.push_back(due->at - kZero);
    }
  }
  PacketOrder order;
  Duration written{};
  std::vector<int> numbers;
  std::vector<Duration> places;
};

TEST(PacketOrder, GivesPacketsInOrderWhenTheirTimeHasCome) {
  Feed feed;
  feed.push(2, 0ms);
  feed.push(1, 1ms);
  feed.push(3, 20ms);
  feed.advance(499ms);
  EXPECT_EQ(feed.numbers, (std::vector<int>{1}));  // its place is 20 ms before the first's
  feed.advance(600ms);
  EXPECT_EQ(feed.numbers, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(feed.places, (std::vector<Duration>{-20ms, 0ms, 20ms}));
}

TEST(PacketOrder, CountsDuplicatesLateAndMissing) {
  Feed feed;
  for (int n = 0; n < 100; ++n) {
    if (n == 40 || n == 50 || n == 51) continue;
    feed.push(n, n * 20ms);
    if (n == 60) feed.push(60, n * 20ms + 1ms);
    feed.advance(n * 20ms);
    if (n == 80) feed.push(40, n * 20ms + 2ms);
  }
  feed.advance(10s);
  EXPECT_EQ(feed.numbers.size(), 97U);
  const StreamCounts counts = feed.order.counts();
  EXPECT_EQ(counts.received, 98U);
  EXPECT_EQ(counts.duplicate, 1U);
  EXPECT_EQ(counts.late, 1U);
  EXPECT_EQ(counts.missing, 2U);
}

TEST(PacketOrder, BeginsANewRunWhenTimestampsJumpAhead) {
  Feed feed;
  for (int n = 0; n < 100; ++n) {
    feed.push(n, n * 20ms, n < 50 ? n * 160 : 8'000'000 + n * 160);
    feed.advance(n * 20ms);
  }
  feed.advance(10s);
  ASSERT_EQ(feed.places.size(), 100U);
  for (int n = 0; n < 100; ++n) EXPECT_EQ(feed.places[static_cast<std::size_t>(n)], n * 20ms);
}

TEST(PacketOrder, BeginsANewRunWhenTimestampsRunALittleAhead) {
  Feed feed;
  for (int n = 0; n < 100; ++n) {
    feed.push(n, n * 20ms, n < 50 ? n * 160 : 4'000 + n * 160);  // half a second that was not
    feed.advance(n * 20ms);
  }
  feed.advance(10s);
  ASSERT_EQ(feed.places.size(), 100U);
  for (int n = 0; n < 100; ++n) EXPECT_EQ(feed.places[static_cast<std::size_t>(n)], n * 20ms);
}

TEST(PacketOrder, BeginsANewRunWhenTheSenderStoppedItsTimestamps) {
  Feed feed;
  for (int n = 0; n < 200; ++n) {
    const Duration at = n * 20ms + (n < 50 ? 0ms : 1000ms);  // a pause without timestamps
    for (Duration now = feed.written + 500ms; now < at; now += 20ms) feed.advance(now);
    feed.push(n, at);
  }
  feed.advance(10s);
  ASSERT_EQ(feed.places.size(), 200U);
  for (int n = 0; n < 200; ++n) {
    EXPECT_EQ(feed.places[static_cast<std::size_t>(n)], n * 20ms + (n < 50 ? 0ms : 1000ms)) << n;
  }
  EXPECT_EQ(feed.order.counts().late, 0U);
}

TEST(PacketOrder, LosesABurstThatComesTooLateAndGoesOn) {
  Feed feed;
  for (int n = 0; n < 200; ++n) {
    // An outage of 1 s, after which all that was queued comes at once.
    Duration at = n * 20ms;
    if (n >= 50 && n < 100) at = 2000ms;
    for (Duration now = feed.written + 500ms; now < at; now += 20ms) feed.advance(now);
    feed.push(n, at);
  }
  feed.advance(10s);
  for (std::size_t i = 0; i < feed.places.size(); ++i) {
    EXPECT_EQ(feed.places[i], feed.numbers[i] * 20ms);
  }
  const auto late = feed.order.counts().late;
  EXPECT_GE(late, 20U);
  EXPECT_LE(late, 26U);
  EXPECT_EQ(feed.places.size() + late, 200U);
}

TEST(PacketOrder, TakesASenderThatBeganAnewWithItsNumbers) {
  Feed feed;
  for (int n = 0; n < 50; ++n) {
    feed.push(n, n * 20ms);
    feed.advance(n * 20ms);
  }
  for (int n = 0; n < 50; ++n) {
    feed.push(20'000 + n, 1s + n * 20ms, 77 + n * 160);
    feed.advance(1s + n * 20ms);
  }
  feed.advance(10s);
  ASSERT_EQ(feed.places.size(), 100U);
  EXPECT_EQ(feed.places[50], 1s);
  EXPECT_EQ(feed.places[99], 1980ms);
  EXPECT_EQ(feed.order.counts().missing, 0U);
}

TEST(PacketOrder, ChangesItsClockRateWithTheCodec) {
  Feed feed;
  for (int n = 0; n < 50; ++n) feed.push(n, n * 20ms);
  for (int n = 50; n < 100; ++n) feed.push(n, n * 20ms, n * 960, RtpClockRate{48'000});
  feed.advance(10s);
  ASSERT_EQ(feed.places.size(), 100U);
  for (int n = 0; n < 100; ++n) EXPECT_EQ(feed.places[static_cast<std::size_t>(n)], n * 20ms);
}

TEST(PacketOrder, CountsOtherPacketsAsThere) {
  Feed feed;
  feed.push(1, 0ms);
  for (std::uint16_t n = 2; n < 10; ++n) feed.order.note_other(SeqNum(n));
  feed.push(10, 180ms);
  EXPECT_EQ(feed.order.counts().missing, 0U);
  EXPECT_EQ(feed.order.counts().received, 2U);
}

TEST(PacketOrder, HoldsABoundedNumberOfPackets) {
  Feed feed;
  for (int n = 0; n < 5000; ++n) feed.push(n, 0ms);
  feed.advance(1h);
  EXPECT_LE(feed.numbers.size(), 2048U);
  EXPECT_EQ(feed.numbers.size() + feed.order.counts().late, 5000U);
}

}  // namespace
}  // namespace causeway::record
