#include "relay/media/output_streams.h"

#include <gtest/gtest.h>

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
