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

template <typename T>
std::vector<StreamIndex> snapshot(const T& of) {
  std::vector<StreamIndex> streams;
  for (std::size_t i = 0; i < of.streams(); ++i) streams.push_back(of.stream(i));
  return streams;
}

class SnapshotTest : public test::EachTransform {};

TEST_P(SnapshotTest, ARestoredReceiverGoesOnAndRejectsWhatWasSeen) {
  for (const SrtpSuite suite : test::kAllSuites) {
    auto peer = make_sender(make_keys(suite, 1), {.initial_roc = 7});
    auto with = options();
    with.initial_roc = 7;
    auto before = make_receiver(make_keys(suite, 1), with);
    const Octets packet = sealed(*peer, 100);
    const Octets report = sealed_rtcp(*peer);
    EXPECT_EQ(open(*before, packet), kOpened);
    EXPECT_EQ(open_rtcp(*before, report), kOpened);

    auto after = make_receiver(make_keys(suite, 1), options());
    after->restore(snapshot(*before));
    EXPECT_EQ(snapshot(*after), snapshot(*before));
    EXPECT_EQ(open(*after, packet), DropReason::Replayed);
    EXPECT_EQ(open_rtcp(*after, report), DropReason::Replayed);
    EXPECT_EQ(open(*after, sealed(*peer, 101)), kOpened);
    EXPECT_EQ(open_rtcp(*after, sealed_rtcp(*peer)), kOpened);
    EXPECT_EQ(after->stream(0).roc(), 7U);
  }
}

TEST_P(SnapshotTest, ARestoredSenderGoesOnAndReusesNoIndex) {
  for (const SrtpSuite suite : test::kAllSuites) {
    auto with = options();
    with.initial_roc = 7;
    auto before = make_sender(make_keys(suite, 1), with);
    auto peer = make_receiver(make_keys(suite, 1), {.initial_roc = 7});
    EXPECT_EQ(open(*peer, sealed(*before, 100)), kOpened);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(open_rtcp(*peer, sealed_rtcp(*before)), kOpened);

    auto after = make_sender(make_keys(suite, 1), options());
    ASSERT_TRUE(after->restore(snapshot(*before)).has_value());
    EXPECT_EQ(snapshot(*after), snapshot(*before));
    EXPECT_EQ(refusal(*after, 100), DropReason::Replayed);
    EXPECT_EQ(open(*peer, sealed(*after, 101)), kOpened);
    EXPECT_EQ(peer->last_opened().index, make_index(7, SeqNum(101)));
    EXPECT_EQ(open_rtcp(*peer, sealed_rtcp(*after)), kOpened);
    EXPECT_EQ(peer->last_opened().index, 4U);
  }
}

TEST_P(SnapshotTest, ARestoredSenderCanBeRekeyed) {
  auto with = options();
  with.roc_on_rekey = RocPolicy::Keep;
  auto sender = make_sender(make_keys(SrtpSuite::AeadAes128Gcm, 1), with);
  const StreamIndex at{.ssrc = kSsrc,
                       .rtp_index = make_index(7, SeqNum(100)),
                       .srtcp_index = 30,
                       .has_rtp = true,
                       .has_srtcp = true};
  ASSERT_TRUE(sender->restore(std::span(&at, 1)).has_value());
  sealed(*sender, 101);
  sender->adopt(make_sender(make_keys(SrtpSuite::AeadAes128Gcm, 2), with)).reset();
  auto peer = make_receiver(make_keys(SrtpSuite::AeadAes128Gcm, 2), {.initial_roc = 7});
  EXPECT_EQ(open(*peer, sealed(*sender, 102)), kOpened);
  EXPECT_EQ(open_rtcp(*peer, sealed_rtcp(*sender)), kOpened);
  EXPECT_EQ(peer->last_opened().index, 31U);
}

TEST_P(SnapshotTest, TakesNoMoreSsrcsThanThereIsRoomFor) {
  auto with = options();
  with.max_ssrcs = 2;
  std::vector<StreamIndex> streams;
  for (std::uint32_t i = 0; i < 5; ++i) streams.push_back({.ssrc = Ssrc(i), .has_rtp = true});
  auto receiver = make_receiver(make_keys(SrtpSuite::AeadAes128Gcm, 1), with);
  receiver->restore(streams);
  EXPECT_EQ(receiver->streams(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Both, SnapshotTest, ::testing::Values(Transform::Evp, Transform::Libsrtp));

TEST(LibsrtpSnapshot, SaysWhereLibsrtpCannotFollow) {
  auto sender =
      make_sender(make_keys(SrtpSuite::AeadAes128Gcm, 1), {.transform = Transform::Libsrtp});
  const StreamIndex at{.ssrc = kSsrc, .rtp_index = 0, .srtcp_index = 0x40000000, .has_srtcp = true};
  const auto restored = sender->restore(std::span(&at, 1));
  ASSERT_FALSE(restored.has_value());
  EXPECT_EQ(restored.error().reason, "SRTCP_INDEX");
}

}  // namespace
}  // namespace causeway::srtp
