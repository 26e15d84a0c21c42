#include "relay/srtp/sender.h"

#include "relay/srtp/packet_index.h"
#include "tests/unit/relay/srtp/fixture.h"

namespace causeway::srtp {
namespace {

using test::kSsrc;
using test::make_keys;
using test::make_receiver;
using test::make_sender;
using test::Octets;
using wire::SrtpSuite;

constexpr SrtpSuite kCm = SrtpSuite::AesCm128HmacSha1_80;
constexpr SrtpSuite kGcm = SrtpSuite::AeadAes128Gcm;

class SrtpSenderTest : public test::EachTransform {};

TEST_P(SrtpSenderTest, SealsReorderedPacketsOnceEach) {
  auto sender = make_sender(make_keys(kGcm, 1), options());
  auto receiver = make_receiver(make_keys(kGcm, 1), options());
  for (const auto seq : std::initializer_list<std::uint16_t>{10, 12, 11, 9}) {
    EXPECT_EQ(open(*receiver, sealed(*sender, seq)), kOpened);
  }
  for (const auto seq : std::initializer_list<std::uint16_t>{9, 10, 11, 12}) {
    EXPECT_EQ(refusal(*sender, seq), DropReason::Replayed);
  }
}

TEST_P(SrtpSenderTest, RefusesWhatLiesFurtherBackThanItsWindow) {
  auto sender = make_sender(make_keys(kGcm, 1), options());
  sealed(*sender, 5000);
  EXPECT_EQ(refusal(*sender, 5000 - 1024), DropReason::Replayed);
  EXPECT_EQ(refusal(*sender, 5000 - 1023), kSealed);
}

TEST_P(SrtpSenderTest, CountsRolloversOfEachSsrc) {
  auto sender = make_sender(make_keys(kCm, 1), options());
  sealed(*sender, 65535, Ssrc(1));
  sealed(*sender, 0, Ssrc(1));
  sealed(*sender, 0, Ssrc(2));
  ASSERT_EQ(sender->streams(), 2U);
  EXPECT_EQ(sender->stream(0).roc(), 1U);
  EXPECT_EQ(sender->stream(1).roc(), 0U);
}

TEST_P(SrtpSenderTest, NumbersSrtcpFromOneForEachSsrc) {
  auto sender = make_sender(make_keys(kGcm, 1), options());
  const auto index_of = [&](Ssrc ssrc) {
    const Octets report = sealed_rtcp(*sender, ssrc);
    return load_be32(&report[report.size() - 4]);
  };
  EXPECT_EQ(index_of(Ssrc(1)), 0x80000001U);
  EXPECT_EQ(index_of(Ssrc(1)), 0x80000002U);
  EXPECT_EQ(index_of(Ssrc(2)), 0x80000001U);
}

TEST_P(SrtpSenderTest, StopsWhenTheLifetimeOfTheKeyIsUsedUp) {
  wire::SrtpKeys keys = make_keys(kCm, 1);
  keys.keys[0].lifetime_packets = 20;
  auto sender = make_sender(keys, options());
  for (std::uint16_t seq = 0; seq < 20; ++seq) {
    EXPECT_EQ(sender->key_is_low(), seq > 18) << seq;
    ASSERT_EQ(refusal(*sender, seq), kSealed);
  }
  EXPECT_EQ(refusal(*sender, 20), DropReason::KeyExpired);
  EXPECT_EQ(refusal(*sender, 0, Ssrc(99)), DropReason::KeyExpired) << "the key's, not the SSRC's";
  EXPECT_TRUE(sender->seal_rtcp(compound()).has_value()) << "SRTCP counts on its own";
}

TEST_P(SrtpSenderTest, NeverForgetsAnIndexWhenSsrcsComeAndGo) {
  auto with = options();
  with.max_ssrcs = 2;
  auto sender = make_sender(make_keys(kCm, 1), with);
  for (std::uint32_t ssrc = 1; ssrc <= 10; ++ssrc) sealed(*sender, 7, Ssrc(ssrc));
  EXPECT_EQ(sender->streams(), 2U);
  for (std::uint32_t ssrc = 1; ssrc <= 10; ++ssrc) {
    EXPECT_EQ(refusal(*sender, 7, Ssrc(ssrc)), DropReason::Replayed) << ssrc;
    EXPECT_EQ(refusal(*sender, 8, Ssrc(ssrc)), kSealed) << ssrc;
  }
}

TEST_P(SrtpSenderTest, GoesOnWithTheSrtcpIndexOfAnSsrcThatComesBack) {
  auto with = options();
  with.max_ssrcs = 1;
  auto sender = make_sender(make_keys(kGcm, 1), with);
  sealed_rtcp(*sender, Ssrc(1));
  sealed_rtcp(*sender, Ssrc(1));
  sealed_rtcp(*sender, Ssrc(2));
  const Octets report = sealed_rtcp(*sender, Ssrc(1));
  EXPECT_EQ(load_be32(&report[report.size() - 4]), 0x80000003U);
}

TEST_P(SrtpSenderTest, RefusesMoreSsrcsThanItCanRemember) {
  auto with = options();
  with.max_ssrcs = 1;
  auto sender = make_sender(make_keys(kCm, 1), with);
  constexpr std::uint32_t most = 1 + 32;
  for (std::uint32_t ssrc = 0; ssrc < most; ++ssrc) sealed(*sender, 7, Ssrc(ssrc));
  EXPECT_EQ(refusal(*sender, 7, Ssrc(most)), DropReason::TooManySsrcs);
  EXPECT_EQ(refusal(*sender, 8, Ssrc(0)), kSealed) << "one that it does remember";
}

TEST_P(SrtpSenderTest, RefusesAPacketThatLeavesNoRoomForTheTag) {
  auto sender = make_sender(make_keys(kGcm, 1), options());
  wire::OpenRtp packet = open_rtp(1);
  packet.packet().resize(PacketBuf::kCapacity - PacketBuf::kHeadRoom - 15);
  const auto sealed = sender->seal(std::move(packet));
  ASSERT_FALSE(sealed.has_value());
  EXPECT_EQ(sealed.error(), DropReason::TooLarge);
}

TEST_P(SrtpSenderTest, RefusesACompoundWithoutAnSsrc) {
  auto sender = make_sender(make_keys(kGcm, 1), options());
  const auto sealed = sender->seal_rtcp(buffer(test::hex("80cb0000")));
  ASSERT_FALSE(sealed.has_value());
  EXPECT_EQ(sealed.error(), DropReason::Truncated);
}

INSTANTIATE_TEST_SUITE_P(Both, SrtpSenderTest,
                         ::testing::Values(Transform::Evp, Transform::Libsrtp));

class EvpSender : public test::SrtpTest {};

TEST_F(EvpSender, StopsAtTheEndOfTheIndexSpaces) {
  auto sender = make_sender(make_keys(kGcm, 1));
  const StreamIndex at{.ssrc = kSsrc,
                       .rtp_index = make_index(0xffffffff, SeqNum(65534)),
                       .srtcp_index = 0x7ffffffe,
                       .has_rtp = true,
                       .has_srtcp = true};
  ASSERT_TRUE(sender->restore(std::span(&at, 1)).has_value());
  EXPECT_EQ(refusal(*sender, 65535), kSealed);
  EXPECT_EQ(refusal(*sender, 0), DropReason::KeyExpired);
  EXPECT_TRUE(sender->seal_rtcp(compound()).has_value());
  const auto wrapped = sender->seal_rtcp(compound());
  ASSERT_FALSE(wrapped.has_value());
  EXPECT_EQ(wrapped.error(), DropReason::KeyExpired);
}

}  // namespace
}  // namespace causeway::srtp
