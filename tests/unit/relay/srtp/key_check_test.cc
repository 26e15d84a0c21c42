#include "relay/srtp/key_check.h"

#include "tests/unit/relay/srtp/fixture.h"

namespace causeway::srtp {
namespace {

using test::make_key;
using test::make_keys;
using wire::SrtpSuite;

struct Refused {
  std::string reason;
  std::string field;
  friend bool operator==(const Refused&, const Refused&) = default;
};
void PrintTo(const Refused& refused, std::ostream* out) {
  *out << refused.reason << " at " << refused.field;
}
Refused refused(const wire::SrtpKeys& keys, const SrtpOptions& options = {}) {
  const auto receiver = SrtpReceiver::create(keys, options);
  const auto sender = SrtpSender::create(keys, options);
  EXPECT_EQ(receiver.has_value(), sender.has_value());
  if (receiver) return {"nothing", ""};
  EXPECT_EQ(receiver.error().code, ErrorCode::InvalidArgument);
  EXPECT_FALSE(receiver.error().detail.empty());
  EXPECT_EQ(receiver.error().reason, sender.error().reason);
  return {std::string(receiver.error().reason), receiver.error().field};
}

TEST(KeyCheck, AcceptsEverySuite) {
  for (const SrtpSuite suite : test::kAllSuites) {
    EXPECT_EQ(refused(make_keys(suite, 1)), (Refused{"nothing", ""}));
  }
}

TEST(KeyCheck, RefusesNoKeys) { EXPECT_EQ(refused({}), (Refused{"NO_KEYS", "keys"})); }

TEST(KeyCheck, RefusesKeysAndSaltsOfWrongLength) {
  wire::SrtpKeys keys = make_keys(SrtpSuite::AesCm128HmacSha1_80, 1);
  keys.suite = SrtpSuite::AesCm256HmacSha1_80;
  EXPECT_EQ(refused(keys), (Refused{"KEY_LENGTH", "keys[0].key"}));
  keys.suite = SrtpSuite::AeadAes128Gcm;  // the same key, a shorter salt
  EXPECT_EQ(refused(keys), (Refused{"SALT_LENGTH", "keys[0].salt"}));
}

TEST(KeyCheck, RefusesMkisThatCannotTellKeysApart) {
  constexpr SrtpSuite suite = SrtpSuite::AesCm128HmacSha1_80;
  wire::SrtpKeys keys = make_keys(suite, 1);
  keys.keys.push_back(make_key(suite, 2));
  EXPECT_EQ(refused(keys), (Refused{"MKI_REQUIRED", "keys[0].mki"}));
  keys = make_keys(suite, 1, "0001");
  keys.keys.push_back(make_key(suite, 2, "02"));
  EXPECT_EQ(refused(keys), (Refused{"MKI_LENGTH", "keys[1].mki"}));
  keys.keys[1].mki = test::hex("0001");
  EXPECT_EQ(refused(keys), (Refused{"MKI_TAKEN", "keys[1].mki"}));
}

TEST(KeyCheck, RefusesAnMkiOf129Octets) {
  wire::SrtpKeys keys = make_keys(SrtpSuite::AeadAes256Gcm, 1);
  keys.keys[0].mki.resize(128);
  EXPECT_EQ(refused(keys), (Refused{"nothing", ""}));
  keys.keys[0].mki.resize(129);
  EXPECT_EQ(refused(keys), (Refused{"MKI_LENGTH", "keys[0].mki"}));
}

TEST(KeyCheck, RefusesLifetimesOfNoneAndOver2To48) {
  wire::SrtpKeys keys = make_keys(SrtpSuite::AeadAes256Gcm, 1);
  keys.keys[0].lifetime_packets = 0;
  EXPECT_EQ(refused(keys), (Refused{"LIFETIME", "keys[0].lifetime_packets"}));
  keys.keys[0].lifetime_packets = (std::uint64_t{1} << 48) + 1;
  EXPECT_EQ(refused(keys), (Refused{"LIFETIME", "keys[0].lifetime_packets"}));
}

TEST(KeyCheck, RefusesOptionsOutOfRange) {
  const wire::SrtpKeys keys = make_keys(SrtpSuite::AeadAes256Gcm, 1);
  EXPECT_EQ(refused(keys, {.replay_window = 512}).reason, "REPLAY_WINDOW");
  EXPECT_EQ(refused(keys, {.replay_window = 1500}).reason, "REPLAY_WINDOW");
  EXPECT_EQ(refused(keys, {.srtcp_replay_window = 128}).reason, "REPLAY_WINDOW");
  EXPECT_EQ(refused(keys, {.max_ssrcs = 0}).reason, "MAX_SSRCS");
  EXPECT_EQ(refused(keys, {.late_join_rocs = 33}).reason, "LATE_JOIN");
}

TEST(KeyCheck, NamesNoKeyInItsErrors) {
  wire::SrtpKeys keys = make_keys(SrtpSuite::AesCm128HmacSha1_80, 1);
  keys.suite = SrtpSuite::AesCm256HmacSha1_80;
  const auto made = SrtpReceiver::create(keys, {});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().detail, "AES_256_CM_HMAC_SHA1_80 takes a master key of 32 octets, not 16");
}

TEST(KeyCheck, FingerprintsDependOnSuiteKeyAndSalt) {
  const auto key = make_key(SrtpSuite::AesCm128HmacSha1_80, 1);
  const auto other = make_key(SrtpSuite::AesCm128HmacSha1_80, 2);
  const auto of = [](const wire::SrtpMasterKey& k) {
    return fingerprint_of(SrtpSuite::AesCm128HmacSha1_80, k);
  };
  EXPECT_EQ(of(key), of(make_key(SrtpSuite::AesCm128HmacSha1_80, 1, "aabb")));
  EXPECT_NE(of(key), of(other));
  EXPECT_NE(of(key), fingerprint_of(SrtpSuite::AesCm128HmacSha1_32, key));
}

}  // namespace
}  // namespace causeway::srtp
