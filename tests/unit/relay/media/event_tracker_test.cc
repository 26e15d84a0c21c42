#include "relay/media/event_tracker.h"

#include <gtest/gtest.h>

namespace causeway::media {
namespace {

using std::chrono::milliseconds;

constexpr RtpClockRate k48{48000};
constexpr RtpTimestamp kStart{0xfffff000};

Instant at(int ms) { return Instant(milliseconds(100'000 + ms)); }

EventTracker::Packet packet(RtpTimestamp timestamp, int duration, bool is_end = false,
                            std::uint8_t event = 5, bool has_marker = false) {
  return {Ssrc(1),
          timestamp,
          k48,
          has_marker,
          {event, is_end, 10, static_cast<std::uint16_t>(duration)}};
}

TEST(EventTracker, TellsBeginUpdatesAndEndOnce) {
  EventTracker tracker;
  auto step = tracker.handle(at(0), packet(kStart, 960, false, 5, true));
  EXPECT_TRUE(step.has_begun);
  EXPECT_EQ(step.event.ticks, 960);
  step = tracker.handle(at(20), packet(kStart, 1920));
  EXPECT_FALSE(step.has_begun);
  EXPECT_TRUE(step.is_news);
  step = tracker.handle(at(40), packet(kStart, 2880, true));
  EXPECT_TRUE(step.has_ended);
  EXPECT_EQ(step.event.ticks, 2880);
  for (int i = 0; i < 2; ++i) {
    step = tracker.handle(at(60), packet(kStart, 2880, true));
    EXPECT_FALSE(step.is_news) << "the end is sent three times";
    EXPECT_FALSE(step.has_ended);
  }
  EXPECT_FALSE(tracker.is_active());
  EXPECT_EQ(tracker.next_timeout(), std::nullopt);
}

TEST(EventTracker, TakesContinuationSegmentsForOneEvent) {
  EventTracker tracker;
  int begun = 0;
  int ended = 0;
  // 5 s at 48 kHz: 240,000 ticks, four segments.
  std::int64_t last = 0;
  for (int ticks = 960; ticks <= 240'000; ticks += 960) {
    const int segment = (ticks - 1) / 0xffff;
    const auto step = tracker.handle(
        at(ticks / 48),
        packet(kStart.plus(segment * 0xffff), ticks - segment * 0xffff, ticks == 240'000));
    begun += step.has_begun ? 1 : 0;
    ended += step.has_ended ? 1 : 0;
    EXPECT_FALSE(step.unfinished);
    last = step.event.ticks;
  }
  EXPECT_EQ(begun, 1);
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(last, 240'000);
}

TEST(EventTracker, TakesASegmentForTheSameEventThoughTheLastUpdatesWereLost) {
  EventTracker tracker;
  (void)tracker.handle(at(0), packet(kStart, 0xffff - 4000));
  const auto step = tracker.handle(at(100), packet(kStart.plus(0xffff), 960));
  EXPECT_FALSE(step.has_begun);
  EXPECT_EQ(step.event.ticks, 0xffff + 960);
}

TEST(EventTracker, TakesTheSameDigitAgainForANewEvent) {
  EventTracker tracker;
  (void)tracker.handle(at(0), packet(kStart, 4800, true));
  const auto step = tracker.handle(at(150), packet(kStart.plus(7200), 960));
  EXPECT_TRUE(step.has_begun);
  EXPECT_FALSE(step.unfinished) << "the first one had ended";
}

TEST(EventTracker, EndsAnEventWhoseEndWasLostWhenAnotherBegins) {
  EventTracker tracker;
  (void)tracker.handle(at(0), packet(kStart, 4800));
  const auto step = tracker.handle(at(90), packet(kStart.plus(9600), 960, false, 6, true));
  ASSERT_TRUE(step.unfinished);
  EXPECT_EQ(step.unfinished->event, 5);
  EXPECT_EQ(step.unfinished->ticks, 4800);
  EXPECT_TRUE(step.has_begun);
  EXPECT_EQ(step.event.event, 6);
}

TEST(EventTracker, EndsAnEventWhoseEndWasLostAfterThreeUpdateIntervals) {
  EventTracker tracker;
  (void)tracker.handle(at(0), packet(kStart, 2400));
  (void)tracker.handle(at(50), packet(kStart, 4800));
  EXPECT_EQ(tracker.next_timeout(), at(50) + EventTracker::kLostEnd);
  EXPECT_FALSE(tracker.handle_timeout(at(150)));
  const auto ended = tracker.handle_timeout(at(200));
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->ticks, 4800);
  EXPECT_FALSE(tracker.handle_timeout(at(300)));
  EXPECT_FALSE(tracker.handle(at(310), packet(kStart, 4800, true)).is_news)
      << "its end, late: it is over already";
}

TEST(EventTracker, BeginsWithWhateverPacketComesFirst) {
  EventTracker tracker;
  const auto step = tracker.handle(at(0), packet(kStart, 4800, true));
  EXPECT_TRUE(step.has_begun);
  EXPECT_TRUE(step.has_ended);
  EXPECT_EQ(step.event.ticks, 4800);
}

TEST(EventTracker, IgnoresReorderedUpdatesAndOldEvents) {
  EventTracker tracker;
  (void)tracker.handle(at(0), packet(kStart, 2880));
  EXPECT_FALSE(tracker.handle(at(1), packet(kStart, 1920)).is_news);
  (void)tracker.handle(at(2), packet(kStart, 4800, true));
  (void)tracker.handle(at(100), packet(kStart.plus(9600), 960, false, 6));
  EXPECT_FALSE(tracker.handle(at(101), packet(kStart, 4800, true)).is_news);
  EXPECT_TRUE(tracker.is_active());
}

TEST(EventTracker, KeepsEventsOfSourcesApart) {
  EventTracker tracker;
  (void)tracker.handle(at(0), packet(kStart, 960));
  auto other = packet(kStart, 1920);
  other.ssrc = Ssrc(2);
  EXPECT_TRUE(tracker.handle(at(10), other).has_begun);
}

}  // namespace
}  // namespace causeway::media
