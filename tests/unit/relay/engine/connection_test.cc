#include "relay/engine/connection.h"

#include <gtest/gtest.h>

#include "tests/sim/world.h"

namespace causeway::engine {
namespace {

using sim::LegParts;

const CodecSpec kAudio = sim::make_codec(0, "PCMU");
const CodecSpec kEvents = sim::make_codec(101, "telephone-event", 8000, MediaKind::TelephoneEvent);
const CodecSpec kVideo = sim::make_codec(96, "VP8", 90000, MediaKind::Video);

LegParts leg_of(std::uint16_t number, std::vector<CodecSpec> codecs) {
  LegParts parts;
  parts.number = number;
  parts.spec.codecs = std::move(codecs);
  return parts;
}

std::size_t streams_of(const LegParts& from, const LegParts& to) {
  const auto connection = sim::make_connection(from, to);
  EXPECT_EQ(connection->room != nullptr, connection->reports.size() > 1);
  return connection->reports.size();
}

TEST(Connection, HasRoomForOneStreamWhereOnlyAudioCanPass) {
  const LegParts audio = leg_of(1, {kAudio, kEvents});
  EXPECT_EQ(streams_of(audio, leg_of(2, {kAudio, kEvents})), 1U);
  EXPECT_EQ(streams_of(audio, leg_of(2, {kAudio, kVideo})), 1U) << "nobody sends it video";
  EXPECT_EQ(streams_of(leg_of(1, {sim::make_codec(8, "PCMA")}), leg_of(2, {kAudio})), 1U);
}

TEST(Connection, KeepsPacketsWhereVideoPasses) {
  const LegParts both = leg_of(1, {kAudio, kVideo});
  EXPECT_NE(sim::make_connection(both, leg_of(2, {kAudio, kVideo}))->kept, nullptr);
  EXPECT_EQ(sim::make_connection(both, leg_of(2, {kAudio}))->kept, nullptr);
  EXPECT_EQ(sim::make_connection(leg_of(1, {}), leg_of(2, {}))->kept, nullptr);
}

TEST(Connection, HasRoomForEveryStreamWhereAnythingElseCanPass) {
  const LegParts both = leg_of(1, {kAudio, kVideo});
  EXPECT_EQ(streams_of(both, leg_of(2, {kAudio, kVideo})), 9U);
  EXPECT_EQ(streams_of(leg_of(1, {}), leg_of(2, {kAudio})), 9U) << "it may send anything";
  EXPECT_EQ(streams_of(leg_of(1, {kAudio}), leg_of(2, {})), 9U);
}

}  // namespace
}  // namespace causeway::engine
