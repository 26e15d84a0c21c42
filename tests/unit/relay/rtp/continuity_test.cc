#include "relay/rtp/continuity.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace causeway::rtp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr RtpClockRate k8k{8000};
constexpr RtpClockRate k48k{48000};
constexpr Ssrc kA{0xaaaa};
constexpr Ssrc kB{0xbbbb};
constexpr Ssrc kOut{0x0107};

Instant at(Duration since_zero) { return Instant(seconds(1000) + since_zero); }

/// A 20 ms audio packet, number `n` of a stream, arriving on time unless `late` says otherwise.
InputPacket packet(Ssrc ssrc, int n, Duration late = {}) {
  return {ssrc, SeqNum(static_cast<std::uint16_t>(n)),
          RtpTimestamp(static_cast<std::uint32_t>(n) * 160U), at(n * milliseconds(20) + late), k8k};
}

OutputStream stream() { return {kOut, SeqNum(65534), RtpTimestamp(5000), k8k}; }

TEST(OutputStream, GivesTheFirstPacketItsOwnSequenceAndTimestamp) {
  OutputStream out = stream();
  EXPECT_EQ(out.map(packet(kA, 10)), (Placed{kOut, SeqNum(65534), RtpTimestamp(5000), true}));
}

TEST(OutputStream, KeepsGapsAndReorderingAcrossTheWrap) {
  OutputStream out = stream();
  (void)out.map(packet(kA, 10));
  EXPECT_EQ(out.map(packet(kA, 14)), (Placed{kOut, SeqNum(2), RtpTimestamp(5640), false}));
  EXPECT_EQ(out.map(packet(kA, 12)), (Placed{kOut, SeqNum(0), RtpTimestamp(5320), false}));
  EXPECT_EQ(out.map(packet(kA, 15)), (Placed{kOut, SeqNum(3), RtpTimestamp(5800), false}));
}

TEST(OutputStream, RefusesADuplicateEvenOfAReorderedPacket) {
  OutputStream out = stream();
  (void)out.map(packet(kA, 10));
  (void)out.map(packet(kA, 12));
  (void)out.map(packet(kA, 11));
  EXPECT_EQ(out.map(packet(kA, 11)), failure(DropReason::Duplicate));
  EXPECT_EQ(out.map(packet(kA, 12)), failure(DropReason::Duplicate));
}

TEST(OutputStream, ContinuesAfterANewSsrcByElapsedTimeAndMarksIt) {
  OutputStream out = stream();
  (void)out.map(packet(kA, 10));
  InputPacket other = packet(kB, 40000);
  other.arrival = at(milliseconds(200 + 400));
  EXPECT_EQ(out.map(other), (Placed{kOut, SeqNum(65535), RtpTimestamp(5000 + 3200), true}));
  ASSERT_TRUE(out.mapping());
  EXPECT_EQ(out.mapping()->in, kB);
  EXPECT_EQ(out.mapping()->to_in(SeqNum(65535)), SeqNum(40000));
}

TEST(OutputStream, MovesTheTimestampByAtLeastOneTick) {
  OutputStream out = stream();
  (void)out.map(packet(kA, 10));
  InputPacket other = packet(kB, 7);
  other.arrival = packet(kA, 10).arrival;
  EXPECT_EQ(out.map(other)->timestamp, RtpTimestamp(5001));
}

TEST(OutputStream, DropsStragglersOfTheStreamItLeft) {
  OutputStream out = stream();
  (void)out.map(packet(kA, 10));
  (void)out.map(packet(kB, 11));
  EXPECT_EQ(out.map(packet(kA, 12)), failure(DropReason::Late));
  EXPECT_EQ(out.map(packet(kB, 12))->seq, SeqNum(0));
}

TEST(OutputStream, FollowsBackToAnEarlierSsrcOnceTheGuardIsOver) {
  OutputStream out = stream();
  (void)out.map(packet(kA, 10));
  (void)out.map(packet(kB, 11));
  EXPECT_EQ(out.map(packet(kA, 22)),
            (Placed{kOut, SeqNum(0), RtpTimestamp(5000 + 12 * 160), true}));
}

TEST(OutputStream, DropsReorderedPacketsFromBeforeTheMappingBegan) {
  OutputStream out = stream();
  (void)out.map(packet(kA, 10));
  (void)out.map(packet(kB, 20));
  EXPECT_EQ(out.map(packet(kB, 19)), failure(DropReason::Late));
}

TEST(OutputStream, TreatsASequenceJumpAsADiscontinuity) {
  OutputStream out = stream();
  (void)out.map(packet(kA, 10));
  InputPacket jumped = packet(kA, 10 + 3001);
  jumped.arrival = at(milliseconds(220));
  EXPECT_EQ(out.map(jumped), (Placed{kOut, SeqNum(65535), RtpTimestamp(5160), true}));
}

TEST(OutputStream, KeepsALossOfThreeThousandPacketsAsAGap) {
  OutputStream out = stream();
  (void)out.map(packet(kA, 10));
  EXPECT_EQ(out.map(packet(kA, 3010))->seq, SeqNum(65534).plus(3000));
}

TEST(OutputStream, TreatsATimestampJumpWithoutItsArrivalGapAsADiscontinuity) {
  for (const std::int64_t jump : {17'000, -17'000, 2'000'000'000}) {
    OutputStream out = stream();
    (void)out.map(packet(kA, 10));
    InputPacket jumped = packet(kA, 11);
    jumped.timestamp = jumped.timestamp.plus(jump);
    EXPECT_EQ(out.map(jumped), (Placed{kOut, SeqNum(65535), RtpTimestamp(5160), true})) << jump;
  }
}

TEST(OutputStream, DoesNotTakeAVeryOldPacketForAJump) {
  OutputStream out = stream();
  for (int n = 0; n < 400; ++n) {
    if (n != 200) (void)out.map(packet(kA, n));
  }
  // Within the window of numbers, but four seconds old.
  EXPECT_EQ(out.map(packet(kA, 200, seconds(4))), failure(DropReason::Late));
  EXPECT_EQ(out.map(packet(kA, 400)),
            (Placed{kOut, SeqNum(65534).plus(400), RtpTimestamp(5000 + 400 * 160), false}));
}

TEST(OutputStream, KeepsSilenceOfAnyLengthWhoseTimestampsMatch) {
  OutputStream out = stream();
  (void)out.map(packet(kA, 10));
  InputPacket after = packet(kA, 11);
  after.timestamp = after.timestamp.plus(30 * 8000);
  after.arrival += seconds(30);
  EXPECT_EQ(out.map(after), (Placed{kOut, SeqNum(65535), RtpTimestamp(5160 + 240'000), false}));
}

TEST(OutputStream, KeepsTheTimelineThroughABurstAfterAStall) {
  OutputStream out = stream();
  (void)out.map(packet(kA, 10));
  EXPECT_EQ(out.map(packet(kA, 11, seconds(3))),
            (Placed{kOut, SeqNum(65535), RtpTimestamp(5160), false}));
}

TEST(OutputStream, PassesALongEventWhosePacketsShareOneTimestamp) {
  OutputStream out = stream();
  InputPacket event = packet(kA, 10);
  for (int i = 0; i < 250; ++i) {
    (void)out.map(event);
    event.seq = event.seq.plus(1);
    event.arrival += milliseconds(20);
  }
  event.timestamp = event.timestamp.plus(250 * 160);
  EXPECT_EQ(out.map(event),
            (Placed{kOut, SeqNum(65534).plus(250), RtpTimestamp(5000 + 40'000), false}));
}

TEST(OutputStream, StartsANewTimelineWhenTheClockRateChanges) {
  OutputStream out = stream();
  (void)out.map(packet(kA, 10));
  InputPacket opus = packet(kA, 11);
  opus.clock_rate = k48k;
  EXPECT_EQ(out.map(opus), (Placed{kOut, SeqNum(65535), RtpTimestamp(5960), true}));
  EXPECT_EQ(out.clock_rate(), k48k);
}

TEST(OutputStream, FollowsASenderThatRestartsALittleBehind) {
  OutputStream out = stream();
  for (int n = 1000; n < 1500; ++n) (void)out.map(packet(kA, n));
  int lost = 0;
  std::optional<Placed> first;
  for (int n = 0; n < 50 && !first; ++n) {
    InputPacket in = packet(kA, 1200 + n);
    in.arrival = at((1500 + n) * milliseconds(20));
    if (auto placed = out.map(in)) first = *placed;
    ++lost;
  }
  ASSERT_TRUE(first);
  EXPECT_LE(lost, 12);
  EXPECT_EQ(first->seq, SeqNum(65534).plus(500));
  EXPECT_TRUE(first->starts_timeline);
}

TEST(OutputStream, AppendsPacketsBackToBack) {
  OutputStream out = stream();
  EXPECT_EQ(out.append(160, at({})), (Placed{kOut, SeqNum(65534), RtpTimestamp(5000), true}));
  EXPECT_EQ(out.append(240, at(milliseconds(37))),
            (Placed{kOut, SeqNum(65535), RtpTimestamp(5160), false}));
  EXPECT_EQ(out.next_timestamp(), RtpTimestamp(5400));
  out.skip(800);
  EXPECT_EQ(out.append(160, at(milliseconds(150))).timestamp, RtpTimestamp(6200));
  EXPECT_FALSE(out.mapping());
}

TEST(OutputStream, RepeatsAnEventWithoutMovingTheTimeline) {
  OutputStream out = stream();
  (void)out.append(160, at({}));
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(out.append_at(RtpTimestamp(5160), at(i * milliseconds(20))),
              (Placed{kOut, SeqNum(65534).plus(i), RtpTimestamp(5160), false}));
    out.skip(160);
  }
  EXPECT_EQ(out.append(160, at(milliseconds(80))).timestamp, RtpTimestamp(5160 + 480));
}

TEST(OutputStream, ResumesByElapsedTimeButNeverBeforeTheEndOfTheLastPacket) {
  OutputStream out = stream();
  (void)out.append(160, at({}));
  out.resume(at(milliseconds(500)), k8k);
  EXPECT_EQ(out.append(160, at(milliseconds(500))),
            (Placed{kOut, SeqNum(65535), RtpTimestamp(9000), true}));
  out.resume(at(milliseconds(501)), k8k);
  EXPECT_EQ(out.append(160, at(milliseconds(501))),
            (Placed{kOut, SeqNum(0), RtpTimestamp(9160), true}));
}

TEST(OutputStream, CountsElapsedTimeInTheNewClockAfterACodecChange) {
  OutputStream out = stream();
  (void)out.append(160, at({}));
  out.resume(at(milliseconds(20)), k48k);
  EXPECT_EQ(out.append(960, at(milliseconds(20))).timestamp, RtpTimestamp(5960));
}

TEST(OutputStream, SwapsPathsEveryPacketWithoutAStepDespiteJitter) {
  OutputStream out = stream();
  std::mt19937 random(7);  // NOLINT: a fixed seed is wanted
  for (int n = 0; n < 1000; ++n) {
    const Duration jitter = milliseconds(random() % 40);
    InputPacket in = packet(kA, n, jitter);
    const Placed placed = n % 2 == 0 ? out.append(160, in.arrival) : *out.map(in);
    EXPECT_EQ(placed.seq, SeqNum(65534).plus(n));
    EXPECT_EQ(placed.timestamp, RtpTimestamp(5000).plus(n * 160));
    EXPECT_EQ(placed.starts_timeline, n == 0);
  }
}

TEST(OutputStream, LeavesSequenceNumbersUnusedForATakeover) {
  OutputStream out = stream();
  (void)out.append(160, at({}));
  out.skip_sequence(64);
  EXPECT_EQ(out.append(160, at(milliseconds(20))).seq, SeqNum(65534).plus(65));
}

TEST(OutputStream, GoesOnFromACopyExactlyAsTheOriginal) {
  OutputStream out = stream();
  for (int n = 0; n < 20; ++n) (void)out.map(packet(kA, n));
  OutputStream copy = out;
  EXPECT_EQ(out.map(packet(kA, 25)), copy.map(packet(kA, 25)));
  EXPECT_EQ(out.map(packet(kB, 30)), copy.map(packet(kB, 30)));
  EXPECT_EQ(out, copy);
}

TEST(StreamMap, CoversOnlyWhatWasSentUnderItsOffsets) {
  OutputStream out = stream();
  for (int n = 0; n < 5; ++n) (void)out.map(packet(kA, n));
  for (int n = 5; n < 8; ++n) (void)out.map(packet(kB, n));
  const StreamMap map = *out.mapping();
  EXPECT_FALSE(map.covers(SeqNum(65534).plus(4)));
  EXPECT_TRUE(map.covers(SeqNum(65534).plus(5)));
  EXPECT_TRUE(map.covers(SeqNum(65534).plus(7)));
  EXPECT_FALSE(map.covers(SeqNum(65534).plus(8)));
}

// Whatever comes in: no sequence number is used twice within a window's life, new numbers go up by
// what the input's gap was, and time goes on within what has elapsed.
TEST(OutputStream, NeverReusesASequenceNumberUnderRandomInput) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    OutputStream out = stream();
    std::set<std::int64_t> used;
    std::int64_t extended = 65533;
    Instant now = at({});
    std::map<std::uint32_t, int> next = {{kA.raw(), 60000}, {kB.raw(), 100}};
    Ssrc source = kA;
    for (int i = 0; i < 5000; ++i) {
      now += milliseconds(random() % 40);
      if (random() % 200 == 0) source = source == kA ? kB : kA;
      int& n = next[source.raw()];
      switch (random() % 100) {
        case 0:
          n += 5000;
          break;
        case 1:
          n += static_cast<int>(random() % 2000);
          break;
        default:
          ++n;
      }
      const int place = n - (random() % 10 == 0 ? static_cast<int>(random() % 50) : 0);
      InputPacket in = packet(source, place);
      in.arrival = now;
      std::optional<SeqNum> seq;
      if (random() % 50 == 0) {
        seq = out.append(160, now).seq;
      } else if (const auto placed = out.map(in)) {
        seq = placed->seq;
      }
      if (!seq) continue;
      const std::int64_t full =
          extended + seq->distance_from(SeqNum(static_cast<std::uint16_t>(extended)));
      EXPECT_TRUE(used.insert(full).second) << "seed " << seed << " step " << i;
      EXPECT_LE(full - extended, 3000);
      extended = std::max(extended, full);
    }
  }
}

}  // namespace
}  // namespace causeway::rtp
