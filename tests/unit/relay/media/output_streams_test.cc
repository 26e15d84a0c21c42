#include "relay/media/output_streams.h"

#include <gtest/gtest.h>

#include <set>

namespace causeway::media {
namespace {

using std::chrono::milliseconds;

constexpr RtpClockRate k8k{8000};
constexpr RtpClockRate k90k{90'000};

Instant at(int packet) { return Instant(std::chrono::seconds(1000) + packet * milliseconds(20)); }

/// Packet `n` of `source`, where it goes.
rtp::Placed send(rtp::OutputStream& stream, int n, Ssrc source, RtpClockRate clock) {
  const RtpTimestamp timestamp(static_cast<std::uint32_t>(n) * clock.raw() / 50);
  const auto placed =
      stream.map({source, SeqNum(static_cast<std::uint16_t>(n)), timestamp, at(n), clock});
  EXPECT_TRUE(placed);
  return placed.value_or(rtp::Placed{});
}

TEST(OutputStreams, AStormOfSourcesIsToldUnderNoMoreSsrcsThanThereAreStreams) {
  Random random({1, 2});
  OutputStreams streams(k8k, random);
  std::set<std::uint32_t> ssrcs;
  std::set<std::pair<std::uint32_t, std::uint16_t>> used;
  for (int n = 0; n < 5000; ++n) {
    const Ssrc source(static_cast<std::uint32_t>(random.next()));
    const rtp::Placed placed = send(streams.other_for(source, k90k), n, source, k90k);
    ssrcs.insert(placed.ssrc.raw());
    EXPECT_TRUE(used.emplace(placed.ssrc.raw(), placed.seq.raw()).second) << n;
  }
  EXPECT_EQ(ssrcs.size(), OutputStreams::kMaxOthers);
}

TEST(OutputStreams, AFurtherSourceTakesOverTheStreamThatIsIdleLongest) {
  Random random({1, 2});
  OutputStreams streams(k8k, random);
  std::array<rtp::Placed, OutputStreams::kMaxOthers> first;
  int n = 0;
  for (std::uint32_t i = 0; i < first.size(); ++i) {
    first[i] = send(streams.other_for(Ssrc(i), k90k), n++, Ssrc(i), k90k);
  }
  send(streams.other_for(Ssrc(0), k90k), n++, Ssrc(0), k90k);
  const rtp::Placed next = send(streams.other_for(Ssrc(77), k90k), n, Ssrc(77), k90k);
  EXPECT_EQ(next.ssrc, first[1].ssrc);
  EXPECT_EQ(next.seq, first[1].seq.plus(1));
  EXPECT_EQ(next.timestamp.distance_from(first[1].timestamp), (n - 1) * 1800) << "by elapsed time";
}

TEST(OutputStreams, OnlyASpentSsrcIsRenewedAndItsTimelineGoesOn) {
  Random random({1, 2});
  OutputStreams streams(k8k, random);
  const rtp::Placed audio = send(streams.audio(), 10, Ssrc(1), k8k);
  const rtp::Placed video = send(streams.other_for(Ssrc(2), k90k), 10, Ssrc(2), k90k);
  streams.renew_ssrcs([&](Ssrc ssrc) { return ssrc == video.ssrc; });
  const rtp::Placed same = send(streams.audio(), 15, Ssrc(1), k8k);
  EXPECT_EQ(same.ssrc, audio.ssrc);
  EXPECT_EQ(same.seq, audio.seq.plus(5)) << "a gap stays one";
  const rtp::Placed renewed = send(streams.other_for(Ssrc(2), k90k), 15, Ssrc(2), k90k);
  EXPECT_NE(renewed.ssrc, video.ssrc);
  EXPECT_LT(renewed.seq.raw(), 0x8000) << "far from its first rollover";
  EXPECT_EQ(renewed.timestamp.distance_from(video.timestamp), 5 * 1800);
  EXPECT_TRUE(renewed.starts_timeline);
  EXPECT_EQ(streams.find(video.ssrc), nullptr);
}

}  // namespace
}  // namespace causeway::media
