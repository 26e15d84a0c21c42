#include "relay/wire/srtp_keys.h"

#include <gtest/gtest.h>

namespace causeway::wire {
namespace {

TEST(SrtpSuite, IsFoundByItsSdesNameAndKeepsItsFacts) {
  for (std::size_t i = 0; i < kSrtpSuites; ++i) {
    const auto suite = static_cast<SrtpSuite>(i);
    EXPECT_EQ(facts_of(suite).suite, suite);
    EXPECT_EQ(srtp_suite_named(facts_of(suite).name), suite);
  }
}

TEST(SrtpSuite, KeepsTheLongTagForRtcpOfTheShortSuites) {
  EXPECT_EQ(facts_of(SrtpSuite::AesCm128HmacSha1_32).rtp_tag, 4);
  EXPECT_EQ(facts_of(SrtpSuite::AesCm128HmacSha1_32).rtcp_tag, 10);
  EXPECT_EQ(facts_of(SrtpSuite::AesCm256HmacSha1_32).rtcp_tag, 10);
}

TEST(SrtpSuite, KnowsBothSpellingsOfAes256) {
  EXPECT_EQ(srtp_suite_named("AES_CM_256_HMAC_SHA1_80"),
            srtp_suite_named("AES_256_CM_HMAC_SHA1_80"));
  EXPECT_EQ(srtp_suite_named("AES_CM_256_HMAC_SHA1_32"), SrtpSuite::AesCm256HmacSha1_32);
}

TEST(SrtpSuite, RefusesWeakAndUnknownNames) {
  for (const char* name :
       {"", "NULL_HMAC_SHA1_80", "F8_128_HMAC_SHA1_80", "AES_192_CM_HMAC_SHA1_80",
        "aes_cm_128_hmac_sha1_80", "AES_CM_128_HMAC_SHA1_8"}) {
    EXPECT_FALSE(srtp_suite_named(name)) << name;
  }
}

}  // namespace
}  // namespace causeway::wire
