#include "relay/dtls/association.h"

#include "relay/dtls/record.h"
#include "tests/unit/relay/dtls/rig.h"

namespace causeway::dtls {
namespace {

using namespace test;

struct Handshake : testing::Test {
  std::shared_ptr<const Identity> a = make_identity();
  std::shared_ptr<const Identity> b = make_identity();
  [[nodiscard]] std::shared_ptr<Settings> active(std::vector<Fingerprint> theirs) const {
    return settings_of(a, Role::Active, std::move(theirs));
  }
  [[nodiscard]] std::shared_ptr<Settings> passive(std::vector<Fingerprint> theirs) const {
    return settings_of(b, Role::Passive, std::move(theirs));
  }
  [[nodiscard]] Link link() const {
    return Link(active({b->fingerprint()}), passive({a->fingerprint()}));
  }
};

TEST_F(Handshake, GivesBothEndsTheSameKeys) {
  Link link = this->link();
  link.run();
  ASSERT_TRUE(link.are_up());
  EXPECT_TRUE(link.have_same_keys());
  EXPECT_EQ(link.active.last.suite, wire::SrtpSuite::AeadAes128Gcm);
  EXPECT_EQ(link.active.last.send_key.size(), 16U);
  EXPECT_EQ(link.active.last.send_salt.size(), 12U);
}

TEST_F(Handshake, KeepsDatagramsWithinTheMtu) {
  Link link = this->link();
  link.run();
  EXPECT_LE(link.largest, kMtu);
  EXPECT_GT(link.largest, 300U);
}

TEST_F(Handshake, TakesAnyOfSeveralFingerprintsAndStrongerHashes) {
  Link link(active({a->fingerprint(), b->fingerprint(HashFunction::Sha512)}),
            passive({a->fingerprint(HashFunction::Sha384)}));
  link.run();
  EXPECT_TRUE(link.are_up());
}

TEST_F(Handshake, FailsAtAnotherCertificate) {
  Link link(active({b->fingerprint()}), passive({b->fingerprint()}));
  link.run();
  EXPECT_EQ(link.passive.outcome, Outcome::Failed);
  EXPECT_EQ(link.passive.failure, Failure::Fingerprint);
  EXPECT_NE(link.active.outcome, Outcome::Up);

  Link other(active({a->fingerprint()}), passive({a->fingerprint()}));
  other.run();
  EXPECT_EQ(other.active.failure, Failure::Fingerprint);
  EXPECT_NE(other.passive.outcome, Outcome::Up);
}

TEST_F(Handshake, HoldsTheKeysUntilTheFingerprintsAreKnown) {
  Link link(active({b->fingerprint()}), passive({}));
  link.run();
  EXPECT_EQ(link.active.outcome, Outcome::Up);
  EXPECT_EQ(link.passive.outcome, Outcome::Going);
  Report report;
  link.passive.association->set_settings(passive({a->fingerprint()}), report);
  std::vector<Octets> nothing;
  link.passive.take(std::move(report), nothing);
  EXPECT_EQ(link.passive.outcome, Outcome::Up);
  EXPECT_TRUE(link.have_same_keys());
}

TEST_F(Handshake, FailsWhereTheFingerprintsThatComeLateAreOthers) {
  Link link(active({b->fingerprint()}), passive({}));
  link.run();
  Report report;
  link.passive.association->set_settings(passive({b->fingerprint()}), report);
  EXPECT_EQ(report.outcome, Outcome::Failed);
  EXPECT_EQ(report.failure, Failure::Fingerprint);
  EXPECT_TRUE(report.send_key.empty());
}

TEST_F(Handshake, TellsTheEndpointThatItsCertificateCameToNothing) {
  Link link(active({b->fingerprint()}), passive({}));
  link.run();
  Report report;
  link.passive.association->set_settings(passive({b->fingerprint()}), report);
  std::vector<Octets> none;
  for (const Octets& datagram : report.flight) link.active.receive(datagram, none);
  EXPECT_EQ(link.active.outcome, Outcome::Closed);
}

TEST_F(Handshake, KeepsToTheMtuAndTheProfilesOfItsSettings) {
  for (const std::size_t mtu : {kMinMtu, std::size_t{400}, std::size_t{1000}}) {
    const auto of_active = active({b->fingerprint()});
    const auto of_passive = passive({a->fingerprint()});
    of_active->mtu = of_passive->mtu = mtu;
    of_active->profiles = {wire::SrtpSuite::AesCm128HmacSha1_32, wire::SrtpSuite::AeadAes256Gcm};
    of_passive->profiles = {wire::SrtpSuite::AeadAes256Gcm, wire::SrtpSuite::AesCm128HmacSha1_32};
    Link link(of_active, of_passive);
    link.run();
    ASSERT_TRUE(link.are_up()) << mtu;
    EXPECT_TRUE(link.have_same_keys());
    EXPECT_EQ(link.passive.last.suite, wire::SrtpSuite::AeadAes256Gcm);  // the server's order
    EXPECT_LE(link.largest, mtu);
  }
}

TEST_F(Handshake, FailsWithoutAProfileInCommon) {
  const auto of_active = active({b->fingerprint()});
  const auto of_passive = passive({a->fingerprint()});
  of_active->profiles = {wire::SrtpSuite::AesCm128HmacSha1_80};
  of_passive->profiles = {wire::SrtpSuite::AeadAes128Gcm};
  Link link(of_active, of_passive);
  link.run();
  EXPECT_EQ(link.active.outcome, Outcome::Failed);
  EXPECT_EQ(link.passive.failure, Failure::NoProfile);
}

TEST_F(Handshake, ARepeatedStartSaysNothing) {
  Link link = this->link();
  link.run();
  Report again;
  link.active.association->start(again);
  EXPECT_TRUE(again.is_empty());
}

// STANDARDS 6.3 case 9.
TEST_F(Handshake, AlertsInTheClearChangeNothing) {
  const Octets fatal = {std::byte{21}, std::byte{0xfe}, std::byte{0xfd}, std::byte{0},
                        std::byte{0},  std::byte{0},    std::byte{0},    std::byte{0},
                        std::byte{0},  std::byte{0},    std::byte{9},    std::byte{0},
                        std::byte{2},  std::byte{2},    std::byte{40}};
  Octets closing = fatal;
  closing[13] = std::byte{1};
  closing[14] = std::byte{0};
  Link link = this->link();
  std::vector<Octets> none;
  const auto spoof = [&] {
    for (const Octets& alert : {fatal, closing}) {
      link.active.receive(alert, none);
      link.passive.receive(alert, none);
    }
  };
  spoof();
  link.run();
  spoof();
  EXPECT_TRUE(none.empty());
  EXPECT_TRUE(link.are_up());
}

TEST_F(Handshake, GarbageKillsNoAssociation) {
  Link link = this->link();
  std::vector<Octets> to_passive;
  std::vector<Octets> to_active;
  Report hello;
  link.active.association->start(hello);
  link.active.take(std::move(hello), to_passive);
  Random random({3, 4});
  const auto spray = [&](End& end) {
    std::vector<Octets> answers;
    for (int i = 0; i < 200; ++i) {
      Octets octets(random.below(100));
      for (std::byte& octet : octets) octet = std::byte(random.below(256));
      if (!octets.empty()) octets[0] = std::byte(20 + random.below(44));
      end.receive(octets, answers);
    }
  };
  spray(link.passive);
  link.deliver(to_passive, link.passive, to_active);
  spray(link.passive);
  spray(link.active);
  link.exchange(to_passive, to_active);
  spray(link.passive);
  EXPECT_TRUE(link.are_up());
}

TEST_F(Handshake, RecordsThatNobodySealedNeitherElicitAnythingNorEndIt) {
  Link link = this->link();
  std::vector<Octets> to_passive;
  std::vector<Octets> to_active;
  link.active.start(to_passive);
  const auto forge = [&](End& end) {
    std::vector<Octets> answers;
    for (std::uint8_t i = 0; i < 100; ++i) {
      for (const ContentType type : {ContentType::Handshake, ContentType::ApplicationData,
                                     ContentType::Alert, ContentType::ChangeCipherSpec}) {
        end.receive(forged_record(type, 1, i, Octets(40, std::byte{i})), answers);
      }
    }
    EXPECT_TRUE(answers.empty());
  };
  forge(link.passive);
  link.deliver(to_passive, link.passive, to_active);
  forge(link.passive);
  link.deliver(to_active, link.active, to_passive);
  forge(link.active);
  link.exchange(to_passive, to_active);
  EXPECT_TRUE(link.are_up());
  forge(link.active);
  forge(link.passive);
  EXPECT_EQ(link.active.outcome, Outcome::Up);
  EXPECT_EQ(link.passive.outcome, Outcome::Up);
}

TEST_F(Handshake, AnIdentityLivesAsLongAsItsAssociations) {
  Link link = this->link();
  const Fingerprint before = b->fingerprint();
  b = make_identity();  // renewed: the old one is held by the association alone
  EXPECT_FALSE(before == b->fingerprint());
  link.run();
  EXPECT_TRUE(link.are_up());
}

}  // namespace
}  // namespace causeway::dtls
