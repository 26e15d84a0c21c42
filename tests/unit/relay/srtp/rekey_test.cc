#include "relay/srtp/packet_index.h"
#include "tests/unit/relay/srtp/fixture.h"

namespace causeway::srtp {
namespace {

using test::kSsrc;
using test::kStart;
using test::make_key;
using test::make_keys;
using test::make_receiver;
using test::make_sender;
using test::Octets;
using wire::SrtpSuite;

constexpr SrtpSuite kCm = SrtpSuite::AesCm128HmacSha1_80;
constexpr SrtpSuite kGcm = SrtpSuite::AeadAes256Gcm;

class Rekey : public test::EachTransform {
 protected:
  std::unique_ptr<SrtpReceiver> receiver(const wire::SrtpKeys& keys,
                                         RocPolicy policy = RocPolicy::Auto) {
    auto with = options();
    with.roc_on_rekey = policy;
    return make_receiver(keys, with);
  }
  std::unique_ptr<SrtpSender> sender(const wire::SrtpKeys& keys, std::uint32_t roc = 0,
                                     RocPolicy policy = RocPolicy::Auto) {
    auto with = options();
    with.roc_on_rekey = policy;
    with.initial_roc = roc;
    return make_sender(keys, with);
  }
  // The worker's part of a re-key: swap, and let go of the rest.
  static void rekey(SrtpReceiver& receiver, std::unique_ptr<SrtpReceiver> fresh,
                    Instant now = kStart) {
    receiver.adopt(std::move(fresh), now).reset();
  }
  static void rekey(SrtpSender& sender, std::unique_ptr<SrtpSender> fresh) {
    sender.adopt(std::move(fresh)).reset();
  }
};

class EvpRekey : public test::SrtpTest {};

TEST_P(Rekey, AcceptsTheOldKeyUntilItsGraceEnds) {
  auto in = receiver(make_keys(kGcm, 1));
  auto old_peer = sender(make_keys(kGcm, 1));
  auto new_peer = sender(make_keys(kGcm, 2));
  EXPECT_EQ(open(*in, sealed(*old_peer, 1)), kOpened);
  EXPECT_EQ(in->grace_ends(), std::nullopt);
  rekey(*in, receiver(make_keys(kGcm, 2)));
  EXPECT_EQ(in->grace_ends(), kStart + SrtpReceiver::kKeyGrace);

  EXPECT_EQ(open(*in, sealed(*old_peer, 2)), kOpened);
  EXPECT_TRUE(in->last_opened().by_retired_key);
  EXPECT_EQ(open(*in, sealed(*new_peer, 3)), kOpened);
  EXPECT_FALSE(in->last_opened().by_retired_key);
  const Instant late = kStart + SrtpReceiver::kKeyGrace;
  EXPECT_EQ(open(*in, sealed(*old_peer, 4), late - std::chrono::nanoseconds(1)), kOpened);
  EXPECT_EQ(open(*in, sealed(*old_peer, 5), late), DropReason::AuthFailed);
  EXPECT_EQ(open_rtcp(*in, sealed_rtcp(*old_peer), late), DropReason::AuthFailed);
  EXPECT_EQ(open(*in, sealed(*new_peer, 6), late), kOpened);
}

TEST_P(Rekey, AcceptsRtcpUnderBothKeysDuringTheGrace) {
  for (const SrtpSuite suite : {kCm, kGcm}) {
    auto in = receiver(make_keys(suite, 1));
    auto old_peer = sender(make_keys(suite, 1));
    auto new_peer = sender(make_keys(suite, 2));
    EXPECT_EQ(open_rtcp(*in, sealed_rtcp(*old_peer)), kOpened);
    rekey(*in, receiver(make_keys(suite, 2)));
    EXPECT_EQ(open_rtcp(*in, sealed_rtcp(*new_peer)), kOpened);
    EXPECT_EQ(open_rtcp(*in, sealed_rtcp(*old_peer)), kOpened);
    EXPECT_TRUE(in->last_opened().by_retired_key);
  }
}

TEST_P(Rekey, NothingUnderTheOldKeyIsNewestOnceTheNewOneWasHeard) {
  auto in = receiver(make_keys(kCm, 1));
  auto old_peer = sender(make_keys(kCm, 1));
  auto new_peer = sender(make_keys(kCm, 2));
  EXPECT_EQ(open(*in, sealed(*old_peer, 1)), kOpened);
  rekey(*in, receiver(make_keys(kCm, 2)));
  EXPECT_EQ(open(*in, sealed(*old_peer, 2)), kOpened);
  EXPECT_TRUE(in->last_opened().is_newest);
  EXPECT_EQ(open(*in, sealed(*new_peer, 3)), kOpened);
  EXPECT_TRUE(in->last_opened().is_newest);
  EXPECT_FALSE(in->last_opened().is_new_ssrc);
  EXPECT_EQ(open(*in, sealed(*old_peer, 4)), kOpened);
  EXPECT_FALSE(in->last_opened().is_newest);
}

TEST_P(Rekey, TheSameKeyAgainKeepsTheReplayWindow) {
  auto in = receiver(make_keys(kCm, 1));
  auto peer = sender(make_keys(kCm, 1));
  const Octets packet = sealed(*peer, 65535);
  const Octets report = sealed_rtcp(*peer);
  EXPECT_EQ(open(*in, packet), kOpened);
  EXPECT_EQ(open(*in, sealed(*peer, 0)), kOpened);
  EXPECT_EQ(open_rtcp(*in, report), kOpened);
  rekey(*in, receiver(make_keys(kCm, 1)));
  EXPECT_EQ(in->grace_ends(), std::nullopt);
  EXPECT_EQ(open(*in, packet), DropReason::Replayed);
  EXPECT_EQ(open_rtcp(*in, report), DropReason::Replayed);
  EXPECT_EQ(open(*in, sealed(*peer, 1)), kOpened);
}

TEST_P(Rekey, BackToTheKeyBeforeKeepsItsReplayWindow) {
  auto in = receiver(make_keys(kCm, 1));
  auto one = sender(make_keys(kCm, 1));
  auto two = sender(make_keys(kCm, 2));
  const Octets packet = sealed(*one, 1);
  EXPECT_EQ(open(*in, packet), kOpened);
  rekey(*in, receiver(make_keys(kCm, 2)));
  EXPECT_EQ(open(*in, sealed(*two, 2)), kOpened);
  rekey(*in, receiver(make_keys(kCm, 1)));
  EXPECT_EQ(open(*in, packet), DropReason::Replayed);
  EXPECT_EQ(open(*in, sealed(*one, 3)), kOpened);
  EXPECT_EQ(open(*in, sealed(*two, 4)), kOpened) << "in its grace now";
}

TEST_P(Rekey, FindsOutWhetherThePeerKeptItsRoc) {
  for (const SrtpSuite suite : {kCm, kGcm}) {
    for (const bool peer_keeps : {true, false}) {
      auto in = receiver(make_keys(suite, 1));
      const StreamIndex before{
          .ssrc = kSsrc, .rtp_index = make_index(3, SeqNum(500)), .has_rtp = true};
      in->restore(std::span(&before, 1));
      rekey(*in, receiver(make_keys(suite, 2)));
      auto peer = sender(make_keys(suite, 2), peer_keeps ? 3 : 0);
      EXPECT_EQ(open(*in, sealed(*peer, 501)), kOpened);
      EXPECT_EQ(in->last_opened().index, make_index(peer_keeps ? 3 : 0, SeqNum(501)));
      EXPECT_TRUE(in->last_opened().is_newest);
      EXPECT_EQ(open(*in, sealed(*peer, 502)), kOpened);
      EXPECT_EQ(open(*in, sealed(*peer, 500)), kOpened) << "and stays with it";
    }
  }
}

TEST_P(Rekey, TriesOnlyTheRocThatItWasToldTo) {
  for (const RocPolicy policy : {RocPolicy::Keep, RocPolicy::Reset}) {
    for (const bool peer_keeps : {true, false}) {
      auto in = receiver(make_keys(kGcm, 1), policy);
      const StreamIndex before{
          .ssrc = kSsrc, .rtp_index = make_index(3, SeqNum(500)), .has_rtp = true};
      in->restore(std::span(&before, 1));
      rekey(*in, receiver(make_keys(kGcm, 2), policy));
      auto peer = sender(make_keys(kGcm, 2), peer_keeps ? 3 : 0);
      EXPECT_EQ(open(*in, sealed(*peer, 501)),
                (policy == RocPolicy::Keep) == peer_keeps ? kOpened : DropReason::AuthFailed);
    }
  }
}

TEST_P(Rekey, TakesTheRocThatTheNewKeysCameWith) {
  for (const RocPolicy policy : {RocPolicy::Auto, RocPolicy::Reset}) {
    auto in = receiver(make_keys(kGcm, 1), policy);
    auto old_peer = sender(make_keys(kGcm, 1));
    EXPECT_EQ(open(*in, sealed(*old_peer, 1)), kOpened);
    auto with = options();
    with.roc_on_rekey = policy;
    with.initial_roc = 5;
    with.late_join_rocs = 0;
    rekey(*in, make_receiver(make_keys(kGcm, 2), with));
    auto peer = sender(make_keys(kGcm, 2), 5);
    EXPECT_EQ(open(*in, sealed(*peer, 2)), kOpened) << "the SSRC that was heard before";
    EXPECT_EQ(open(*in, sealed(*peer, 2, Ssrc(9))), kOpened) << "and one that was not";
  }
}

TEST_P(Rekey, TakesTheRocPolicyThatTheNewKeysCameWith) {
  auto in = receiver(make_keys(kGcm, 1), RocPolicy::Keep);
  const StreamIndex before{.ssrc = kSsrc, .rtp_index = make_index(3, SeqNum(500)), .has_rtp = true};
  in->restore(std::span(&before, 1));
  rekey(*in, receiver(make_keys(kGcm, 2), RocPolicy::Reset));
  auto peer = sender(make_keys(kGcm, 2), 0);
  EXPECT_EQ(open(*in, sealed(*peer, 501)), kOpened);
}

TEST_P(Rekey, RemembersTheRocOfASilentStreamPastTheGrace) {
  auto in = receiver(make_keys(kCm, 1));
  const StreamIndex before{.ssrc = kSsrc, .rtp_index = make_index(3, SeqNum(500)), .has_rtp = true};
  in->restore(std::span(&before, 1));
  auto shell = in->adopt(receiver(make_keys(kCm, 2)), kStart);
  in->retire_into(*shell);
  shell.reset();
  EXPECT_EQ(in->grace_ends(), std::nullopt);
  rekey(*in, receiver(make_keys(kCm, 3)), kStart + std::chrono::minutes(1));
  auto peer = sender(make_keys(kCm, 3), 3);
  EXPECT_EQ(open(*in, sealed(*peer, 501), kStart + std::chrono::minutes(2)), kOpened);
}

TEST_P(Rekey, SwitchesByMkiWithoutAGap) {
  for (const SrtpSuite suite : {kCm, kGcm}) {
    auto in = receiver(make_keys(suite, 1, "01"));
    auto out = sender(make_keys(suite, 1, "01"));
    const Octets first = sealed(*out, 65534);
    EXPECT_EQ(open(*in, first), kOpened);
    EXPECT_EQ(open(*in, sealed(*out, 65535)), kOpened);
    EXPECT_EQ(open(*in, sealed(*out, 0)), kOpened);
    const Octets on_its_way = sealed(*out, 1);

    wire::SrtpKeys both = make_keys(suite, 1, "01");
    both.keys.push_back(make_key(suite, 2, "02"));
    rekey(*in, receiver(both));
    EXPECT_EQ(in->grace_ends(), std::nullopt) << "no key went";
    rekey(*out, sender(make_keys(suite, 2, "02")));
    EXPECT_FALSE(out->needs_new_ssrc(kSsrc));
    EXPECT_EQ(open(*in, sealed(*out, 2)), kOpened);
    EXPECT_EQ(in->last_opened().index, make_index(1, SeqNum(2))) << "the ROC goes on";
    EXPECT_EQ(open(*in, on_its_way), kOpened);
    EXPECT_EQ(open(*in, on_its_way), DropReason::Replayed);

    rekey(*in, receiver(make_keys(suite, 2, "02")));
    EXPECT_NE(in->grace_ends(), std::nullopt);
    EXPECT_EQ(open(*in, first), DropReason::Replayed) << "its window stays with the table";
    EXPECT_EQ(open(*in, sealed(*out, 3)), kOpened);
  }
}

TEST_P(Rekey, DropsAnMkiWhoseGraceHasEnded) {
  wire::SrtpKeys both = make_keys(kCm, 1, "01");
  both.keys.push_back(make_key(kCm, 2, "02"));
  auto in = receiver(both);
  auto one = sender(make_keys(kCm, 1, "01"));
  EXPECT_EQ(open(*in, sealed(*one, 1)), kOpened);
  rekey(*in, receiver(make_keys(kCm, 2, "02")));
  EXPECT_EQ(open(*in, sealed(*one, 2), kStart + std::chrono::seconds(1)), kOpened);
  EXPECT_EQ(open(*in, sealed(*one, 3), kStart + std::chrono::seconds(3)), DropReason::UnknownMki);
}

TEST_P(Rekey, ChangesTheSuiteToo) {
  auto in = receiver(make_keys(kCm, 1));
  auto old_peer = sender(make_keys(kCm, 1));
  auto new_peer = sender(make_keys(kGcm, 2, "0102"));
  EXPECT_EQ(open(*in, sealed(*old_peer, 1)), kOpened);
  rekey(*in, receiver(make_keys(kGcm, 2, "0102")));
  EXPECT_EQ(open(*in, sealed(*old_peer, 2)), kOpened);
  EXPECT_EQ(open(*in, sealed(*new_peer, 3)), kOpened);
}

TEST_P(Rekey, ASenderSwitchesBetweenTwoPackets) {
  auto out = sender(make_keys(kGcm, 1));
  auto first = receiver(make_keys(kGcm, 1));
  auto second = receiver(make_keys(kGcm, 2));
  EXPECT_EQ(open(*first, sealed(*out, 1)), kOpened);
  EXPECT_EQ(open_rtcp(*first, sealed_rtcp(*out)), kOpened);
  rekey(*out, sender(make_keys(kGcm, 2)));
  EXPECT_EQ(open(*second, sealed(*out, 2)), kOpened);
  EXPECT_EQ(open_rtcp(*second, sealed_rtcp(*out)), kOpened);
  EXPECT_EQ(second->last_opened().index, 2U) << "RFC 3711 3.4: the SRTCP index is not reset";
}

TEST_P(Rekey, ASenderNeverUsesAnIndexTwiceUnderTheSameKeyAgain) {
  auto out = sender(make_keys(kGcm, 1));
  sealed(*out, 1);
  rekey(*out, sender(make_keys(kGcm, 1)));
  EXPECT_EQ(refusal(*out, 1), DropReason::Replayed);
  rekey(*out, sender(make_keys(kGcm, 2)));
  rekey(*out, sender(make_keys(kGcm, 1)));
  EXPECT_EQ(refusal(*out, 1), DropReason::Replayed);
}

TEST_P(Rekey, ASenderAsksForANewSsrcOnlyWherePeersDiffer) {
  for (const bool has_wrapped : {false, true}) {
    for (const RocPolicy policy : {RocPolicy::Auto, RocPolicy::Keep, RocPolicy::Reset}) {
      auto out = sender(make_keys(kGcm, 1), has_wrapped ? 1 : 0, policy);
      sealed(*out, 1);
      EXPECT_FALSE(out->needs_new_ssrc(kSsrc));
      rekey(*out, sender(make_keys(kGcm, 2), 0, policy));
      EXPECT_EQ(out->needs_new_ssrc(kSsrc), has_wrapped && policy == RocPolicy::Auto);
      EXPECT_FALSE(out->needs_new_ssrc(Ssrc(1)));
    }
  }
}

TEST_P(Rekey, ASenderKeepsOrResetsItsRocAsTold) {
  for (const RocPolicy policy : {RocPolicy::Auto, RocPolicy::Keep, RocPolicy::Reset}) {
    auto out = sender(make_keys(kGcm, 1), 2, policy);
    sealed(*out, 100);
    rekey(*out, sender(make_keys(kGcm, 2), 0, policy));
    auto with = options();
    with.initial_roc = policy == RocPolicy::Reset ? 0 : 2;
    with.late_join_rocs = 0;
    auto peer = make_receiver(make_keys(kGcm, 2), with);
    EXPECT_EQ(open(*peer, sealed(*out, 101)), kOpened);
    EXPECT_EQ(open(*peer, sealed(*out, 102)), kOpened);
  }
}

TEST_P(Rekey, ResettingTheRocNeverReusesIndicesOfAKeyUsedBefore) {
  auto out = sender(make_keys(kGcm, 1), 0, RocPolicy::Reset);
  sealed(*out, 100);
  sealed(*out, 32000);
  sealed(*out, 64000);
  sealed(*out, 200);  // ROC 1
  rekey(*out, sender(make_keys(kGcm, 2), 0, RocPolicy::Reset));
  sealed(*out, 201);
  rekey(*out, sender(make_keys(kGcm, 1), 0, RocPolicy::Reset));
  // Under key 1 all of ROC 0 up to 64000 may have been used: none of it comes again.
  for (const auto seq : std::initializer_list<std::uint16_t>{100, 200, 201}) {
    EXPECT_EQ(refusal(*out, seq), DropReason::Replayed) << seq;
  }
}

TEST_P(Rekey, TheNewKeyHasItsOwnLifetime) {
  wire::SrtpKeys keys = make_keys(kCm, 1);
  keys.keys[0].lifetime_packets = 1;
  auto out = sender(keys);
  EXPECT_EQ(refusal(*out, 1), kSealed);
  EXPECT_EQ(refusal(*out, 2), DropReason::KeyExpired);
  EXPECT_TRUE(out->key_is_low());
  rekey(*out, sender(make_keys(kCm, 2)));
  EXPECT_FALSE(out->key_is_low());
  EXPECT_EQ(refusal(*out, 3), kSealed);
}

TEST_P(Rekey, TheSameKeyAgainDoesNotRenewItsLifetime) {
  wire::SrtpKeys keys = make_keys(kCm, 1);
  keys.keys[0].lifetime_packets = 1;
  auto out = sender(keys);
  EXPECT_EQ(refusal(*out, 1), kSealed);
  rekey(*out, sender(keys));
  EXPECT_EQ(refusal(*out, 2), DropReason::KeyExpired);
}

// The new keys reached us late: the peer began at 0 with them and has wrapped since.
TEST_F(EvpRekey, JoinsAStreamThatWrappedUnderItsNewKeyBeforeWeHadIt) {
  auto in = make_receiver(make_keys(kGcm, 1));
  auto old_peer = make_sender(make_keys(kGcm, 1));
  EXPECT_EQ(open(*in, sealed(*old_peer, 65000)), kOpened);
  in->adopt(make_receiver(make_keys(kGcm, 2)), kStart).reset();
  auto peer = make_sender(make_keys(kGcm, 2), {.initial_roc = 2});
  EXPECT_EQ(open(*in, sealed(*peer, 30000)), DropReason::AuthFailed) << "it may be the old key's";
  EXPECT_EQ(open(*in, sealed(*peer, 30001), kStart + SrtpReceiver::kKeyGrace), kOpened);
  EXPECT_EQ(in->last_opened().index, make_index(2, SeqNum(30001)));
  EXPECT_TRUE(in->last_opened().is_newest);
  EXPECT_FALSE(in->last_opened().is_new_ssrc);
}

INSTANTIATE_TEST_SUITE_P(Both, Rekey, ::testing::Values(Transform::Evp, Transform::Libsrtp));

}  // namespace
}  // namespace causeway::srtp
