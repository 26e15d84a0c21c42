#include "relay/rtp/reception.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace causeway::rtp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr RtpClockRate k8k{8000};

/// A 20 ms stream that can be told what to lose, delay and repeat.
struct Stream {
  Reception reception{Ssrc(7)};
  Verdict receive(int n, Duration late = {}) {
    return reception.on_packet(SeqNum(static_cast<std::uint16_t>(n)),
                               RtpTimestamp(static_cast<std::uint32_t>(n) * 160U),
                               Instant(seconds(10) + n * milliseconds(20) + late), k8k, 172);
  }
  void receive_range(int from, int to) {
    for (int n = from; n < to; ++n) receive(n);
  }
  wire::ReportBlock report() { return reception.take_report(Instant(seconds(100))); }
};

TEST(Reception, CountsPacketsAndOctets) {
  Stream s;
  s.receive_range(0, 50);
  EXPECT_EQ(s.reception.totals(), (ReceptionTotals{50, 50 * 172, 0, 0, 0, 0}));
  EXPECT_EQ(s.reception.ssrc(), Ssrc(7));
}

TEST(Reception, ExtendsTheSequenceNumberAcrossWraps) {
  Stream s;
  s.receive_range(65000, 65536 + 65536 + 5);
  EXPECT_EQ(s.report().extended_highest_seq, 0x20004U);
  EXPECT_EQ(s.report().cumulative_lost, 0);
}

TEST(Reception, ReportsTheFractionOfTheIntervalAndTheLossOfAll) {
  Stream s;
  s.receive_range(0, 75);
  s.receive_range(100, 200);  // 25 of 200 lost
  const wire::ReportBlock first = s.report();
  EXPECT_EQ(first.fraction_lost, 25 * 256 / 200);
  EXPECT_EQ(first.cumulative_lost, 25);
  EXPECT_EQ(first.extended_highest_seq, 199U);
  s.receive_range(200, 300);
  const wire::ReportBlock second = s.report();
  EXPECT_EQ(second.fraction_lost, 0);
  EXPECT_EQ(second.cumulative_lost, 25);
  EXPECT_EQ(s.report().fraction_lost, 0) << "nothing expected, nothing lost";
}

TEST(Reception, TakesLossBackWhenAReorderedPacketComes) {
  Stream s;
  s.receive(0);
  s.receive(3);
  EXPECT_EQ(s.reception.cumulative_lost(), 2);
  EXPECT_EQ(s.receive(1), Verdict::Reordered);
  EXPECT_EQ(s.receive(2), Verdict::Reordered);
  EXPECT_EQ(s.reception.cumulative_lost(), 0);
  EXPECT_EQ(s.reception.totals().reordered, 2U);
}

TEST(Reception, DoesNotLetDuplicatesHideLoss) {
  Stream s;
  s.receive(0);
  s.receive(1);
  EXPECT_EQ(s.receive(1), Verdict::Duplicate);
  EXPECT_EQ(s.receive(0), Verdict::Duplicate);
  s.receive(4);
  EXPECT_EQ(s.reception.cumulative_lost(), 2);
  EXPECT_EQ(s.reception.totals().duplicates, 2U);
  EXPECT_EQ(s.reception.totals().packets, 3U);
}

TEST(Reception, TakesRetransmissionsOfTheLastThousand) {
  Stream s;
  s.receive_range(0, 10);
  s.receive_range(12, 1030);
  EXPECT_EQ(s.receive(10), Verdict::Reordered);
  EXPECT_EQ(s.receive(11), Verdict::Reordered);
  EXPECT_EQ(s.reception.cumulative_lost(), 0);
}

TEST(Reception, AcceptsADropoutOfLessThanThreeThousand) {
  Stream s;
  s.receive(0);
  EXPECT_EQ(s.receive(2999), Verdict::InOrder);
  EXPECT_EQ(s.reception.cumulative_lost(), 2998);
}

TEST(Reception, RestartsOnTheSecondPacketAfterAJumpOnly) {
  for (const int jump : {3000, 20000, 40000, 65536 - 200}) {
    Stream s;
    s.receive_range(0, 300);
    s.receive(301);  // one lost
    EXPECT_EQ(s.receive(301 + jump), Verdict::Suspect) << jump;
    EXPECT_EQ(s.reception.totals().packets, 301U);
    EXPECT_EQ(s.receive(302 + jump), Verdict::Restarted) << jump;
    EXPECT_EQ(s.receive(303 + jump), Verdict::InOrder) << jump;
    EXPECT_EQ(s.reception.cumulative_lost(), 0) << "counting began anew";
    EXPECT_EQ(s.reception.totals().lost, 1) << "the total goes on";
    EXPECT_EQ(s.reception.totals().restarts, 1U);
  }
}

TEST(Reception, IgnoresASinglePacketFarOff) {
  Stream s;
  s.receive_range(0, 10);
  EXPECT_EQ(s.receive(20010), Verdict::Suspect);
  EXPECT_EQ(s.receive(10), Verdict::InOrder);
  EXPECT_EQ(s.receive(20011), Verdict::Suspect) << "not the successor of the last one any more";
  EXPECT_EQ(s.reception.extended_highest_seq(), 10U);
}

TEST(Reception, MeasuresJitterAsA8Does) {
  Stream s;
  std::mt19937 random(5);
  double expected = 0;
  int last_transit = 0;
  for (int n = 0; n < 500; ++n) {
    const int late = static_cast<int>(random() % 30);  // ms
    s.receive(n, milliseconds(late));
    const int transit = late * 8;
    if (n > 0) expected += (std::abs(transit - last_transit) - expected) / 16;
    last_transit = transit;
  }
  EXPECT_NEAR(s.report().jitter, expected, 1.5);
  EXPECT_GT(expected, 50);
  EXPECT_NEAR(static_cast<double>(s.reception.jitter().count()), expected / 8 * 1e6, 2e5);
}

TEST(Reception, KeepsJitterAtZeroForAPerfectStreamWithSilenceAndEvents) {
  Stream s;
  s.receive_range(0, 50);
  // An event: 50 packets that share a timestamp, 20 ms apart.
  for (int i = 0; i < 50; ++i) {
    s.reception.on_packet(SeqNum(static_cast<std::uint16_t>(50 + i)), RtpTimestamp(50 * 160),
                          Instant(seconds(10) + (50 + i) * milliseconds(20)), k8k, 16);
  }
  s.receive_range(100, 150);
  // DTX: 3 s later in both clocks.
  for (int n = 150; n < 200; ++n) {
    s.reception.on_packet(SeqNum(static_cast<std::uint16_t>(n)),
                          RtpTimestamp(static_cast<std::uint32_t>(n) * 160 + 24000),
                          Instant(seconds(13) + n * milliseconds(20)), k8k, 172);
  }
  EXPECT_EQ(s.report().jitter, 0U);
}

TEST(Reception, RefersToTheLastSenderReport) {
  Stream s;
  s.receive(0);
  EXPECT_EQ(s.report().last_sr, 0U);
  s.reception.on_sender_report({Ssrc(7), NtpTime(0x1122334455667788), RtpTimestamp(0), 1, 160},
                               Instant(seconds(98)));
  const wire::ReportBlock block = s.report();
  EXPECT_EQ(block.last_sr, 0x33445566U);
  EXPECT_EQ(block.delay_since_last_sr, 2U * 65536);
}

TEST(Reception, SaysWhatWasLostUpToAnEarlierNumber) {
  Stream s;
  s.receive_range(100, 110);
  s.receive_range(115, 120);
  s.receive_range(122, 130);
  EXPECT_EQ(s.reception.lost_up_to(129), 7);
  EXPECT_EQ(s.reception.lost_up_to(121), 7);
  EXPECT_EQ(s.reception.lost_up_to(120), 6);
  EXPECT_EQ(s.reception.lost_up_to(114), 5);
  EXPECT_EQ(s.reception.lost_up_to(109), 0);
  EXPECT_FALSE(s.reception.lost_up_to(99));
  EXPECT_FALSE(s.reception.lost_up_to(130));
  s.receive_range(130, 2000);
  EXPECT_FALSE(s.reception.lost_up_to(129)) << "no longer in the window";
}

TEST(Reception, KnowsWhetherThereIsSomethingToReport) {
  Stream s;
  EXPECT_FALSE(s.reception.has_news());
  s.receive(0);
  EXPECT_TRUE(s.reception.has_news());
  (void)s.report();
  EXPECT_FALSE(s.reception.has_news());
}

// Against the plainest model: a set of what arrived.
TEST(Reception, KnowsWhenAMediumWasCapturedByItsSendersReport) {
  constexpr RtpClockRate kClock{48000};
  Reception alice(Ssrc(7));
  EXPECT_FALSE(alice.capture_of(RtpTimestamp(0), kClock)) << "nothing received";
  const Instant arrival = Instant(std::chrono::seconds(50));
  alice.on_packet(SeqNum(1), RtpTimestamp(0xfffffff0), arrival, kClock, 90);
  EXPECT_FALSE(alice.capture_of(RtpTimestamp(0), kClock)) << "no SR";
  alice.on_sender_report({Ssrc(7), NtpTime(0x00000500'00000000), RtpTimestamp(0xfffffff0), 1, 1},
                         arrival);
  const auto capture = alice.capture_of(RtpTimestamp(48000 - 16), kClock);
  ASSERT_TRUE(capture);
  EXPECT_EQ(capture->ntp, NtpTime(0x00000501'00000000));
  EXPECT_EQ(capture->at, arrival + std::chrono::seconds(1));
  EXPECT_FALSE(alice.capture_of(RtpTimestamp(48000 * 61), kClock)) << "too far to be the same";
  EXPECT_FALSE(alice.capture_of(RtpTimestamp(0), RtpClockRate(8000))) << "in other ticks";
}

TEST(Reception, AgreesWithAPlainModelUnderRandomLossReorderingAndDuplication) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    std::vector<int> order;
    const int first = 60000;
    for (int n = first; n < first + 8000; ++n) {
      if (n != first && random() % 10 == 0) continue;
      order.push_back(n);
      if (random() % 20 == 0) order.push_back(n);
    }
    for (std::size_t i = 1; i + 5 < order.size(); ++i) {
      if (random() % 10 == 0) std::swap(order[i], order[i + 1 + std::size_t{random() % 4}]);
    }
    Stream s;
    std::vector<bool> seen(8000);
    std::size_t distinct = 0;
    int highest = first;
    for (const int n : order) {
      const auto at = static_cast<std::size_t>(n - first);
      const Verdict verdict = s.receive(n);
      EXPECT_EQ(verdict, seen[at]       ? Verdict::Duplicate
                         : n >= highest ? Verdict::InOrder
                                        : Verdict::Reordered);
      distinct += seen[at] ? 0U : 1U;
      seen[at] = true;
      highest = std::max(highest, n);
    }
    EXPECT_EQ(s.reception.cumulative_lost(), highest - first + 1 - static_cast<int>(distinct));
    EXPECT_EQ(s.reception.extended_highest_seq(), static_cast<std::uint32_t>(highest));
    for (int back = 0; back < 1000; back += 97) {
      const auto up_to = static_cast<std::size_t>(highest - first + 1 - back);
      const auto received = std::count(seen.begin(), seen.begin() + static_cast<long>(up_to), true);
      EXPECT_EQ(s.reception.lost_up_to(static_cast<std::uint32_t>(highest - back)),
                static_cast<long>(up_to) - received);
    }
  }
}

}  // namespace
}  // namespace causeway::rtp
