#include "relay/media/path.h"

#include <gtest/gtest.h>

#include "relay/base/random.h"
#include "tests/unit/relay/media/rig.h"

// A path that both passes and transcodes.
namespace causeway::media {
namespace {

using namespace test;

TEST(Path, TakesASenderThatGoesOverToACodecThatPassesForNoLoss) {
  // Opus is transcoded, PCMU is what the endpoint has: it passes.
  Random random(Random::Key{1, 2});
  OutputStreams streams(RtpClockRate(8000), random);
  PacketPool pool(64);
  std::vector<wire::OpenRtp> outbox;
  outbox.reserve(64);
  std::vector<Sent> sent;
  RouteTable routes;
  routes.set(kOpus, {RtpClockRate(48000), Route::Action::Transcode, kPcmu, true});
  routes.set(kPcmu, {RtpClockRate(8000), Route::Action::Pass, kPcmu, true});
  Path path(routes, std::move(*Transcoder::create(opus_to_pcmu())));
  const auto in_opus = opus_packets_of({}, speech(48000));
  const auto in_pcmu = packets_of(pcmu(), kPcmu, speech(), milliseconds(20));
  const auto collect = [&](Instant now) {
    for (const wire::OpenRtp& packet : outbox) {
      sent.push_back({now,
                      packet.payload_type(),
                      packet.has_marker(),
                      packet.seq(),
                      packet.timestamp(),
                      kSink,
                      {}});
    }
    outbox.clear();
  };
  for (std::size_t i = 0; i < 300; ++i) {
    const Instant now = at(milliseconds(20 * i));
    for (auto due = path.next_timeout(); due && *due <= now; due = path.next_timeout()) {
      path.handle_timeout(*due, {pool, streams, outbox});
      collect(*due);
    }
    // A second of Opus, a second of PCMU, and so on.
    const bool is_opus = (i / 50) % 2 == 0;
    const Given& given = is_opus ? in_opus[i] : in_pcmu[i];
    auto packet = wire::OpenRtp::make(pool.take(), given.type, false, given.seq, given.timestamp,
                                      kSource, given.payload);
    ASSERT_TRUE(path.handle_packet(now, std::move(packet), {pool, streams, outbox}));
    collect(now);
    ASSERT_EQ(sent.size(), i + 1) << "one in, one out, nothing made up";
  }
  EXPECT_EQ(continuity_fault(sent), "");
  EXPECT_EQ(path.transcoder()->counters().concealed, 0U);
  EXPECT_EQ(path.transcoder()->counters().lost, 0U);
  EXPECT_EQ(sent.back().timestamp.distance_from(sent.front().timestamp), 160 * 299);
}

TEST(Path, ArmsNoTimerWhereEverythingPasses) {
  RouteTable routes;
  routes.set(kPcmu, {RtpClockRate(8000), Route::Action::Pass, kPcmu, true});
  Path path(routes, nullptr);
  EXPECT_EQ(path.next_timeout(), std::nullopt);
}

}  // namespace
}  // namespace causeway::media
