#include "relay/engine/repair_types.h"

#include <gtest/gtest.h>

namespace causeway::engine {
namespace {

CodecSpec codec(std::uint8_t type, std::uint8_t sent_as, const char* name, MediaKind kind,
                const char* fmtp = "") {
  CodecSpec spec;
  spec.payload_type = PayloadType(type);
  spec.sent_as = PayloadType(sent_as);
  spec.encoding_name = name;
  spec.clock = RtpClockRate(90'000);
  spec.kind = kind;
  spec.fmtp = fmtp;
  return spec;
}

TEST(RepairTypes, AptIsWhatTheVideoIsSentAsAndEachWayHasItsOwnNumbers) {
  LegSpec leg;
  leg.codecs = {codec(0, 0, "PCMU", MediaKind::Audio), codec(96, 106, "VP8", MediaKind::Video),
                codec(98, 108, "rtx", MediaKind::Retransmission, "apt=106"),
                codec(97, 96, "VP9", MediaKind::Video)};
  const RepairTypes types = repair_types(leg);
  EXPECT_EQ(types.to_endpoint.rtx_of(PayloadType(106)), PayloadType(108));
  EXPECT_EQ(types.from_endpoint.apt_of(PayloadType(98)), PayloadType(96));
  EXPECT_EQ(types.to_endpoint.rtx_of(PayloadType(96)), std::nullopt);
  EXPECT_EQ(types.kept.count(), 2U);
  EXPECT_TRUE(types.kept.test(106) && types.kept.test(96)) << "as they are sent";
}

TEST(RepairTypes, RtxOfWhatTheLegDoesNotHaveRepairsNothing) {
  LegSpec leg;
  leg.codecs = {codec(96, 96, "VP8", MediaKind::Video),
                codec(97, 97, "rtx", MediaKind::Retransmission, "apt=100"),
                codec(98, 98, "rtx", MediaKind::Retransmission)};
  EXPECT_TRUE(repair_types(leg).to_endpoint.empty());
  EXPECT_TRUE(repair_types(leg).from_endpoint.empty());
}

}  // namespace
}  // namespace causeway::engine
