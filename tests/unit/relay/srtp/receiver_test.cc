#include "relay/srtp/receiver.h"

#include "relay/srtp/key_derivation.h"
#include "relay/srtp/packet_index.h"
#include "relay/wire/hmac_sha1.h"
#include "tests/unit/relay/srtp/fixture.h"

namespace causeway::srtp {
namespace {

using test::hex;
using test::kAllSuites;
using test::kSsrc;
using test::kStart;
using test::make_keys;
using test::make_receiver;
using test::make_sender;
using test::Octets;
using test::to_hex;
using wire::SrtpSuite;

constexpr SrtpSuite kCm = SrtpSuite::AesCm128HmacSha1_80;
constexpr SrtpSuite kGcm = SrtpSuite::AeadAes128Gcm;

class SrtpReceiverTest : public test::EachTransform {
 protected:
  // A receiver and its peer's sender under one key.
  void use(SrtpSuite suite, SrtpOptions with = {}) {
    with.transform = GetParam();
    receiver_ = make_receiver(make_keys(suite, 1), with);
    sender_ = make_sender(make_keys(suite, 1));
  }
  // The peer's sender, as if `index` had been its last one.
  void move_sender_to(std::uint64_t index, Ssrc ssrc = kSsrc) {
    const StreamIndex at{.ssrc = ssrc, .rtp_index = index, .has_rtp = true};
    ASSERT_TRUE(sender_->restore(std::span(&at, 1)).has_value());
  }
  DropReason receive(std::uint16_t seq, Ssrc ssrc = kSsrc) {
    return open(*receiver_, sealed(*sender_, seq, ssrc));
  }

  std::unique_ptr<SrtpReceiver> receiver_;
  std::unique_ptr<SrtpSender> sender_;
};

TEST_P(SrtpReceiverTest, OpensWhatASenderSealedInEverySuite) {
  for (const SrtpSuite suite : kAllSuites) {
    use(suite);
    const Octets clear = copy(open_rtp(7).bytes());
    ASSERT_EQ(receive(7), kOpened);
    EXPECT_EQ(to_hex(opened_), to_hex(clear));
    const Octets report = copy(compound().data());
    ASSERT_EQ(open_rtcp(*receiver_, sealed_rtcp(*sender_)), kOpened);
    EXPECT_EQ(to_hex(opened_), to_hex(report));
  }
}

TEST_P(SrtpReceiverTest, OpensNothingUnderAnotherKey) {
  for (const SrtpSuite suite : kAllSuites) {
    use(suite);
    auto stranger = make_sender(make_keys(suite, 2));
    EXPECT_EQ(open(*receiver_, sealed(*stranger, 7)), DropReason::AuthFailed);
    EXPECT_EQ(open_rtcp(*receiver_, sealed_rtcp(*stranger)), DropReason::AuthFailed);
    EXPECT_EQ(receiver_->streams(), 0U);
  }
}

TEST_P(SrtpReceiverTest, RefusesAnyDamagedBitAndLearnsNothing) {
  for (const SrtpSuite suite : kAllSuites) {
    use(suite, {.late_join_rocs = 0});
    const Octets good = sealed(*sender_, 7);
    const Octets good_rtcp = sealed_rtcp(*sender_);
    for (std::size_t bit = 16; bit < good.size() * 8; ++bit) {
      Octets bad = good;
      bad[bit / 8] ^= std::byte(1U << (bit % 8));
      ASSERT_NE(open(*receiver_, bad), kOpened) << bit;
    }
    for (std::size_t bit = 16; bit < good_rtcp.size() * 8; ++bit) {
      Octets bad = good_rtcp;
      bad[bit / 8] ^= std::byte(1U << (bit % 8));
      ASSERT_NE(open_rtcp(*receiver_, bad), kOpened) << bit;
    }
    EXPECT_EQ(receiver_->streams(), 0U);
    EXPECT_EQ(open(*receiver_, good), kOpened);
    EXPECT_EQ(open_rtcp(*receiver_, good_rtcp), kOpened);
  }
}

TEST_P(SrtpReceiverTest, RefusesEveryTruncation) {
  for (const SrtpSuite suite : kAllSuites) {
    use(suite);
    const Octets good = sealed(*sender_, 7);
    for (std::size_t octets = 0; octets < good.size(); ++octets) {
      ASSERT_NE(open(*receiver_, Bytes(good).first(octets)), kOpened) << octets;
    }
    const Octets good_rtcp = sealed_rtcp(*sender_);
    for (std::size_t octets = 0; octets < good_rtcp.size(); ++octets) {
      ASSERT_NE(open_rtcp(*receiver_, Bytes(good_rtcp).first(octets)), kOpened) << octets;
    }
    EXPECT_EQ(receiver_->streams(), 0U);
  }
}

TEST_P(SrtpReceiverTest, SaysTruncatedWhereHeaderAndTagDoNotFit) {
  use(kCm);
  EXPECT_EQ(open(*receiver_, hex("8000000100000000cafebabe 000102030405060708")),
            DropReason::Truncated);
  EXPECT_EQ(open_rtcp(*receiver_, hex("80c90001cafebabe 80000001 000102030405060708")),
            DropReason::Truncated);
}

TEST_P(SrtpReceiverTest, RejectsReplayedPackets) {
  use(kCm);
  const Octets packet = sealed(*sender_, 100);
  const Octets report = sealed_rtcp(*sender_);
  EXPECT_EQ(open(*receiver_, packet), kOpened);
  EXPECT_EQ(open(*receiver_, packet), DropReason::Replayed);
  EXPECT_EQ(open_rtcp(*receiver_, report), kOpened);
  EXPECT_EQ(open_rtcp(*receiver_, report), DropReason::Replayed);
}

TEST_P(SrtpReceiverTest, RejectsReplayedPacketAfterRocRollover) {
  use(kGcm);
  const Octets before = sealed(*sender_, 65535);
  EXPECT_EQ(open(*receiver_, before), kOpened);
  EXPECT_EQ(receive(0), kOpened);
  EXPECT_EQ(receiver_->last_opened().index, 65536U);
  EXPECT_EQ(open(*receiver_, before), DropReason::Replayed);
}

TEST_P(SrtpReceiverTest, OpensReorderedPacketsAroundTheRollover) {
  use(kCm);
  std::vector<Octets> packets;
  for (int i = -5; i <= 5; ++i) {
    packets.push_back(sealed(*sender_, static_cast<std::uint16_t>(i)));
  }
  for (const int i : {0, 6, 3, 10, 5, 1, 9, 2, 8, 7, 4}) {
    EXPECT_EQ(open(*receiver_, packets[static_cast<std::size_t>(i)]), kOpened) << i;
  }
  EXPECT_EQ(receiver_->stream(0).roc(), 1U);
  EXPECT_EQ(receiver_->stream(0).seq(), SeqNum(5));
}

TEST_P(SrtpReceiverTest, AcceptsThe1023rdPacketBackAndNotThe1024th) {
  for (const std::uint16_t newest : {std::uint16_t{5000}, std::uint16_t{500}}) {
    use(kCm);
    // Around the rollover where newest is 500: 500 - 1023 lies before it.
    std::vector<Octets> packets;
    if (newest < 1024) {
      move_sender_to(65536 - 2000);
      ASSERT_EQ(receive(static_cast<std::uint16_t>(65536 - 1999)), kOpened);
    }
    const Octets oldest = sealed(*sender_, static_cast<std::uint16_t>(newest - 1024));
    const Octets older = sealed(*sender_, static_cast<std::uint16_t>(newest - 1023));
    ASSERT_EQ(receive(newest), kOpened);
    EXPECT_EQ(open(*receiver_, older), kOpened);
    EXPECT_EQ(open(*receiver_, oldest), DropReason::Replayed);
  }
}

TEST_P(SrtpReceiverTest, FollowsAJumpOf32768AndNoFurther) {
  use(kCm, {.late_join_rocs = 0});
  move_sender_to(9);
  ASSERT_EQ(receive(10), kOpened);
  ASSERT_EQ(receive(10 + 32768), kOpened);
  EXPECT_EQ(receiver_->last_opened().index, 10U + 32768);
}

// The sender went 33,000 packets on unheard: RFC 3711 3.3.1 cannot tell, and must not guess.
TEST_P(SrtpReceiverTest, KeepsItsRocWhenAPacketFromBeyondHalfTheSpaceComes) {
  use(kCm, {.late_join_rocs = 0});
  move_sender_to(65536 + 99);
  const StreamIndex at{.ssrc = kSsrc, .rtp_index = 65536 + 99, .has_rtp = true};
  receiver_->restore(std::span(&at, 1));
  const Octets next = sealed(*sender_, 100);
  ASSERT_EQ(sealed(*sender_, 30000).size(), next.size());
  const Octets far = sealed(*sender_, 100 + 33000);
  EXPECT_EQ(open(*receiver_, far), DropReason::Replayed) << "taken for one of the ROC before";
  EXPECT_EQ(open(*receiver_, next), kOpened);
  EXPECT_EQ(receiver_->last_opened().index, 65536U + 100);
}

TEST_P(SrtpReceiverTest, SaysWhetherAPacketIsTheNewest) {
  use(kCm);
  EXPECT_EQ(receive(100), kOpened);
  EXPECT_TRUE(receiver_->last_opened().is_newest);
  EXPECT_TRUE(receiver_->last_opened().is_new_ssrc);
  EXPECT_EQ(receive(99), kOpened);
  EXPECT_FALSE(receiver_->last_opened().is_newest);
  EXPECT_EQ(receive(101), kOpened);
  EXPECT_TRUE(receiver_->last_opened().is_newest);
  EXPECT_FALSE(receiver_->last_opened().is_new_ssrc);
  EXPECT_EQ(receiver_->last_opened().ssrc, kSsrc);
}

TEST_P(SrtpReceiverTest, ReplacesOnlyTheLeastRecentlyHeardSsrc) {
  use(kCm, {.max_ssrcs = 2});
  EXPECT_EQ(receive(1, Ssrc(1)), kOpened);
  EXPECT_EQ(receive(1, Ssrc(2)), kOpened);
  EXPECT_EQ(receive(2, Ssrc(1)), kOpened);
  EXPECT_EQ(receive(1, Ssrc(3)), kOpened);
  EXPECT_EQ(receiver_->streams(), 2U);
  EXPECT_EQ(receive(3, Ssrc(1)), kOpened);
}

TEST_P(SrtpReceiverTest, RejectsTheReplaysOfAnSsrcThatWasReplaced) {
  use(kCm, {.max_ssrcs = 1});
  const Octets old = sealed(*sender_, 1, Ssrc(1));
  const Octets old_report = sealed_rtcp(*sender_, Ssrc(1));
  EXPECT_EQ(open(*receiver_, old), kOpened);
  EXPECT_EQ(open_rtcp(*receiver_, old_report), kOpened);
  EXPECT_EQ(receive(1, Ssrc(2)), kOpened);
  EXPECT_EQ(open(*receiver_, old), DropReason::Replayed);
  EXPECT_EQ(open_rtcp(*receiver_, old_report), DropReason::Replayed);
  EXPECT_EQ(receive(2, Ssrc(1)), kOpened);
  EXPECT_TRUE(receiver_->last_opened().is_newest);
}

TEST_P(SrtpReceiverTest, ForgedSsrcsReplaceNothing) {
  use(kGcm, {.max_ssrcs = 2});
  EXPECT_EQ(receive(1), kOpened);
  Octets forged = sealed(*sender_, 2);
  for (std::uint32_t ssrc = 0; ssrc < 1000; ++ssrc) {
    store_be32(&forged[8], ssrc);
    ASSERT_EQ(open(*receiver_, forged), DropReason::AuthFailed);
  }
  EXPECT_EQ(receiver_->streams(), 1U);
  EXPECT_EQ(receive(3), kOpened);
}

TEST_P(SrtpReceiverTest, StartsFromTheRocThatItWasTold) {
  use(kCm, {.initial_roc = 5, .late_join_rocs = 0});
  move_sender_to(make_index(5, SeqNum(99)));
  EXPECT_EQ(receive(100), kOpened);
  EXPECT_EQ(receiver_->last_opened().index, make_index(5, SeqNum(100)));
  EXPECT_EQ(receive(101), kOpened);
}

TEST_P(SrtpReceiverTest, OpensHeadersWithCsrcsAndExtension) {
  const Octets clear =
      hex("92 00 1234 00000001 cafebabe 00000001 00000002 bede 0001 10ff0000 0102030405060708");
  for (const SrtpSuite suite : kAllSuites) {
    use(suite);
    auto packet = wire::open_plain(*wire::SealedRtp::parse(buffer(clear)));
    ASSERT_TRUE(packet.has_value());
    auto sent = sender_->seal(std::move(*packet));
    ASSERT_TRUE(sent.has_value());
    EXPECT_EQ(to_hex(Bytes(sent->data()).first(28)), to_hex(Bytes(clear).first(28)));
    ASSERT_EQ(open(*receiver_, copy(sent->data())), kOpened);
    EXPECT_EQ(to_hex(opened_), to_hex(clear));
  }
}

TEST_P(SrtpReceiverTest, OpensEmptyPayloads) {
  for (const SrtpSuite suite : kAllSuites) {
    use(suite);
    auto packet =
        wire::open_plain(*wire::SealedRtp::parse(buffer(hex("8000 1234 00000001 cafebabe"))));
    auto sent = sender_->seal(std::move(*packet));
    ASSERT_TRUE(sent.has_value());
    EXPECT_EQ(open(*receiver_, copy(sent->data())), kOpened);
    EXPECT_EQ(opened_.size(), 12U);
  }
}

TEST_P(SrtpReceiverTest, RefusesAuthenticPaddingThatLies) {
  use(kCm);
  // The sender's type would not let it through either: the padding bit is set afterwards.
  wire::OpenRtp packet = open_rtp(9);
  packet.packet().data()[0] |= std::byte{0x20};
  packet.packet().data().back() = std::byte{200};
  auto sent = sender_->seal(std::move(packet));
  ASSERT_TRUE(sent.has_value());
  EXPECT_EQ(open(*receiver_, copy(sent->data())), DropReason::BadHeader);
}

TEST_P(SrtpReceiverTest, StopsWhenTheLifetimeOfTheKeyIsUsedUp) {
  wire::SrtpKeys keys = make_keys(kCm, 1);
  keys.keys[0].lifetime_packets = 3;
  receiver_ = make_receiver(keys, options());
  sender_ = make_sender(make_keys(kCm, 1));
  for (std::uint16_t seq = 1; seq <= 3; ++seq) EXPECT_EQ(receive(seq), kOpened);
  EXPECT_EQ(receive(4), DropReason::KeyExpired);
  EXPECT_EQ(open_rtcp(*receiver_, sealed_rtcp(*sender_)), kOpened) << "SRTCP counts on its own";
}

TEST_P(SrtpReceiverTest, FindsTheKeyByItsMki) {
  for (const SrtpSuite suite : kAllSuites) {
    wire::SrtpKeys both = make_keys(suite, 1, "00000001");
    both.keys.push_back(test::make_key(suite, 2, "00000002"));
    receiver_ = make_receiver(both, options());
    auto one = make_sender(make_keys(suite, 1, "00000001"), options());
    auto two = make_sender(make_keys(suite, 2, "00000002"), options());
    auto three = make_sender(make_keys(suite, 2, "00000003"), options());
    EXPECT_EQ(open(*receiver_, sealed(*one, 1)), kOpened);
    EXPECT_EQ(open(*receiver_, sealed(*two, 2)), kOpened);
    EXPECT_EQ(open(*receiver_, sealed(*three, 3)), DropReason::UnknownMki);
    EXPECT_EQ(open_rtcp(*receiver_, sealed_rtcp(*two)), kOpened);
    EXPECT_EQ(open_rtcp(*receiver_, sealed_rtcp(*three)), DropReason::UnknownMki);
    EXPECT_EQ(receiver_->streams(), 1U) << "one SSRC, whichever key";
  }
}

TEST_P(SrtpReceiverTest, PlacesTheMkiBeforeTheTagAndAfterAnAeadTag) {
  for (const SrtpSuite suite : {kCm, kGcm}) {
    auto with = make_sender(make_keys(suite, 1, "a1a2a3"), options());
    auto without = make_sender(make_keys(suite, 1), options());
    const std::string bare = to_hex(sealed(*without, 1));
    const std::size_t tag = suite == kCm ? 20 : 0;  // hex digits behind the MKI
    EXPECT_EQ(to_hex(sealed(*with, 1)),
              bare.substr(0, bare.size() - tag) + "a1a2a3" + bare.substr(bare.size() - tag));
    const std::string report = to_hex(sealed_rtcp(*without));
    EXPECT_EQ(to_hex(sealed_rtcp(*with)), report.substr(0, report.size() - tag) + "a1a2a3" +
                                              report.substr(report.size() - tag));
  }
}

INSTANTIATE_TEST_SUITE_P(Both, SrtpReceiverTest,
                         ::testing::Values(Transform::Evp, Transform::Libsrtp));

// ---- what libsrtp cannot do

class EvpReceiver : public test::SrtpTest {
 protected:
  std::unique_ptr<SrtpSender> sender_at(std::uint32_t roc, Ssrc ssrc = kSsrc) {
    auto sender = make_sender(make_keys(kGcm, 1));
    const StreamIndex at{.ssrc = ssrc, .rtp_index = make_index(roc, SeqNum(0)), .has_rtp = true};
    EXPECT_TRUE(sender->restore(std::span(&at, 1)).has_value());
    return sender;
  }
  Instant at(std::chrono::milliseconds after) { return kStart + after; }
};

TEST_F(EvpReceiver, JoinsAStreamUpToEightRollovers) {
  for (const SrtpSuite suite : kAllSuites) {
    for (std::uint32_t roc = 0; roc <= 9; ++roc) {
      auto sender = make_sender(make_keys(suite, 1), {.initial_roc = roc});
      auto receiver = make_receiver(make_keys(suite, 1));
      const bool joins = roc <= 8;
      EXPECT_EQ(open(*receiver, sealed(*sender, 7)), joins ? kOpened : DropReason::AuthFailed);
      EXPECT_EQ(receiver->streams(), joins ? 1U : 0U);
      if (joins) {
        EXPECT_EQ(receiver->stream(0).roc(), roc);
        EXPECT_EQ(open(*receiver, sealed(*sender, 8)), kOpened);
      }
    }
  }
}

TEST_F(EvpReceiver, JoinsNoStreamWhereLateJoinIsOff) {
  auto receiver = make_receiver(make_keys(kGcm, 1), {.late_join_rocs = 0});
  auto sender = sender_at(1);
  EXPECT_EQ(open(*receiver, sealed(*sender, 7)), DropReason::AuthFailed);
}

TEST_F(EvpReceiver, ProbesForgedPacketsTenTimesASecondOnly) {
  auto receiver = make_receiver(make_keys(kGcm, 1));
  auto sender = sender_at(3);
  Octets forged = sealed(*sender, 7);
  forged.back() ^= std::byte{1};
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(open(*receiver, forged, at(std::chrono::milliseconds(i))), DropReason::AuthFailed);
  }
  EXPECT_EQ(open(*receiver, sealed(*sender, 8), at(std::chrono::milliseconds(500))),
            DropReason::AuthFailed)
      << "the budget is spent";
  EXPECT_EQ(open(*receiver, sealed(*sender, 9), at(std::chrono::milliseconds(1000))), kOpened);
}

TEST_F(EvpReceiver, OpensAStreamThatNeedsNoProbeWhileTheBudgetIsSpent) {
  auto receiver = make_receiver(make_keys(kGcm, 1));
  auto sender = sender_at(0);
  Octets forged = sealed(*sender, 7);
  forged.back() ^= std::byte{1};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(open(*receiver, forged), DropReason::AuthFailed);
  EXPECT_EQ(open(*receiver, sealed(*sender, 8)), kOpened);
}

// Libsrtp refuses these in its own way; what is ours to choose is tested on ours.
TEST_F(EvpReceiver, RefusesSrtcpThatIsNotEncrypted) {
  for (const SrtpSuite suite : {kCm, kGcm}) {
    auto sender = make_sender(make_keys(suite, 1));
    auto receiver = make_receiver(make_keys(suite, 1));
    Octets report = sealed_rtcp(*sender);
    const std::size_t word = report.size() - (suite == kCm ? 14 : 4);
    ASSERT_EQ(load_be32(&report[word]), 0x80000001U);
    report[word] &= std::byte{0x7f};
    EXPECT_EQ(open_rtcp(*receiver, report), DropReason::Unsupported);
    EXPECT_EQ(receiver->streams(), 0U);
  }
}

// Authentic, E bit 0: made by hand from the session keys.
TEST_F(EvpReceiver, AcceptsUnencryptedSrtcpWhereThatWasAgreedOn) {
  const wire::SrtpKeys keys = make_keys(kCm, 1);
  test::Octets auth_key(20);
  ASSERT_TRUE(derive_key(keys.keys[0].key.bytes(), keys.keys[0].salt.bytes(), 4, auth_key));
  Octets report = copy(compound().data());
  const Octets clear = report;
  for (const auto octet : hex("00000001")) report.push_back(octet);
  const auto digest = wire::HmacSha1(auth_key).digest(report, {});
  report.insert(report.end(), digest.begin(), digest.begin() + 10);

  auto strict = make_receiver(keys);
  EXPECT_EQ(open_rtcp(*strict, report), DropReason::Unsupported);
  auto lenient = make_receiver(keys, {.allow_unencrypted_srtcp = true});
  EXPECT_EQ(open_rtcp(*lenient, report), kOpened);
  EXPECT_EQ(opened_, clear);
  report.back() ^= std::byte{1};
  EXPECT_EQ(open_rtcp(*lenient, report), DropReason::Replayed);
}

TEST_F(EvpReceiver, AcceptsSrtcpAcrossItsOwnWindow) {
  auto sender = make_sender(make_keys(kCm, 1));
  auto receiver = make_receiver(make_keys(kCm, 1));
  std::vector<Octets> reports;
  for (int i = 0; i <= 1024; ++i) reports.push_back(sealed_rtcp(*sender));
  EXPECT_EQ(open_rtcp(*receiver, reports[1024]), kOpened);
  EXPECT_EQ(open_rtcp(*receiver, reports[1]), kOpened);
  EXPECT_EQ(open_rtcp(*receiver, reports[0]), DropReason::Replayed);
}

TEST_F(EvpReceiver, StopsAtTheEndOfTheIndexSpace) {
  auto receiver = make_receiver(make_keys(kGcm, 1));
  auto sender = make_sender(make_keys(kGcm, 1), {.initial_roc = 0xffffffff});
  const StreamIndex last{
      .ssrc = kSsrc, .rtp_index = make_index(0xffffffff, SeqNum(65530)), .has_rtp = true};
  receiver->restore(std::span(&last, 1));
  EXPECT_EQ(open(*receiver, sealed(*sender, 65535)), kOpened);
  Octets wrapped = sealed(*make_sender(make_keys(kGcm, 1)), 0);
  EXPECT_EQ(open(*receiver, wrapped), DropReason::KeyExpired);
}

}  // namespace
}  // namespace causeway::srtp
