#include "relay/engine/extension_rules.h"

#include <gtest/gtest.h>

#include <array>

#include "relay/wire/header_extensions.h"

namespace causeway::engine {
namespace {

struct ExtensionRule : testing::Test {
  PacketPool pool{2};
  ExtensionRules rules;

  ExtensionRule() {
    LegSpec leg;
    leg.extensions = {{3, std::string(ExtensionSpec::kTransportCc), MediaKind::Video, ""},
                      {4, std::string(ExtensionSpec::kMid), MediaKind::Audio, "0"},
                      {4, std::string(ExtensionSpec::kMid), MediaKind::Video, ""}};
    rules = extension_rules(leg);
  }
  /// With an element 3 of `octets`, at most two of them.
  wire::OpenRtp packet(std::size_t octets) {
    auto made = wire::OpenRtp::make(pool.take(), PayloadType(96), false, SeqNum(1), RtpTimestamp(0),
                                    Ssrc(1), {});
    const std::array body = {static_cast<std::byte>(0x30 + octets - 1), std::byte{1}, std::byte{2},
                             std::byte{0}};
    EXPECT_TRUE(made.set_extension(wire::HeaderExtensions::kOneByteProfile, body));
    return made;
  }
};

TEST_F(ExtensionRule, ReadsTheNumberOfTheMediaThatHaveIt) {
  EXPECT_EQ(rules.transport_seq(packet(2), MediaKind::Video), SeqNum(0x0102));
  EXPECT_EQ(rules.transport_seq(packet(2), MediaKind::Retransmission), SeqNum(0x0102));
  EXPECT_EQ(rules.transport_seq(packet(2), MediaKind::Audio), std::nullopt);
  EXPECT_EQ(rules.transport_seq(packet(1), MediaKind::Video), std::nullopt) << "half a number";
}

TEST_F(ExtensionRule, ARepeatHasNoNumberAndMayHaveAMid) {
  wire::OpenRtp repeat = packet(2);
  rules.strip_transport_seq(repeat);
  EXPECT_EQ(repeat.layout().extension_octets, 0U);
  rules.video_mids[0].put_into(repeat);
  EXPECT_EQ(repeat.size(), 12U) << "a MID that nobody named is not said";
  rules.audio_mid.put_into(repeat);
  const auto mid = wire::HeaderExtensions(repeat).find(4);
  ASSERT_TRUE(mid);
  EXPECT_EQ(*mid->data(), std::byte{'0'});
}

}  // namespace
}  // namespace causeway::engine
