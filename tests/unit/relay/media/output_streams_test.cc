#include "relay/media/output_streams.h"

#include <gtest/gtest.h>

#include <set>

namespace causeway::media {
namespace {

using std::chrono::milliseconds;

constexpr RtpClockRate k8k{8000};
constexpr RtpClockRate k90k{90'000};

Instant at(int packet) { return Instant(std::chrono::seconds(1000) + packet * milliseconds(20)); }

/// With room for other media.
OutputStreams make_streams(Random& random) {
  OutputStreams streams(k8k, random);
  OutputStreams::Room room = std::make_unique<OutputStreams::Others>();
  streams.take_room(room);
  return streams;
}

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
  OutputStreams streams = make_streams(random);
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
  OutputStreams streams = make_streams(random);
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
  OutputStreams streams = make_streams(random);
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

TEST(OutputStreams, TakesRoomOnceAndLeavesFurtherRoomWithWhoBroughtIt) {
  Random random({1, 2});
  OutputStreams streams(k8k, random);
  EXPECT_FALSE(streams.has_room());
  EXPECT_TRUE(streams.others().empty());
  OutputStreams::Room none;
  streams.take_room(none);
  EXPECT_FALSE(streams.has_room());
  OutputStreams::Room first = std::make_unique<OutputStreams::Others>();
  streams.take_room(first);
  EXPECT_TRUE(streams.has_room());
  EXPECT_EQ(first, nullptr);
  const rtp::Placed video = send(streams.other_for(Ssrc(2), k90k), 10, Ssrc(2), k90k);
  OutputStreams::Room second = std::make_unique<OutputStreams::Others>();
  streams.take_room(second);
  EXPECT_NE(second, nullptr);
  EXPECT_NE(streams.find(video.ssrc), nullptr) << "what was begun goes on";
}

TEST(OutputStreams, GoesOnElsewhereFromASnapshot) {
  Random random({1, 2});
  OutputStreams before = make_streams(random);
  const rtp::Placed audio = send(before.audio(), 10, Ssrc(1), k8k);
  const rtp::Placed video = send(before.other_for(Ssrc(2), k90k), 10, Ssrc(2), k90k);
  OutputStreams after(k8k, random);
  after.restore(before.snapshot());
  EXPECT_EQ(send(after.audio(), 11, Ssrc(1), k8k).seq, audio.seq.plus(1));
  const rtp::Placed next = send(after.other_for(Ssrc(2), k90k), 11, Ssrc(2), k90k);
  EXPECT_EQ(next.ssrc, video.ssrc);
  EXPECT_EQ(next.seq, video.seq.plus(1));
  const rtp::Placed begun = send(after.other_for(Ssrc(3), k90k), 11, Ssrc(3), k90k);
  EXPECT_EQ(begun.ssrc, send(before.other_for(Ssrc(3), k90k), 11, Ssrc(3), k90k).ssrc)
      << "streams begun later are the same too";
}

TEST(OutputStreams, OneThatWasOnlySentAudioNeedsNoRoomToGoOn) {
  Random random({1, 2});
  OutputStreams before(k8k, random);
  OutputStreams after(k8k, random);
  after.restore(before.snapshot());
  EXPECT_FALSE(after.has_room());
  EXPECT_EQ(after.audio().ssrc(), before.audio().ssrc());
}

}  // namespace
}  // namespace causeway::media
