#include "relay/dtls/profiles.h"

#include "tests/unit/relay/dtls/rig.h"

namespace causeway::dtls {
namespace {

using namespace test;
using enum wire::SrtpSuite;

TEST(Profiles, AreNamedInTheirOrder) {
  EXPECT_EQ(names_of(all_profiles()),
            "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80:"
            "SRTP_AES128_CM_SHA1_32");
  EXPECT_EQ(names_of({AesCm128HmacSha1_32}), "SRTP_AES128_CM_SHA1_32");
  EXPECT_EQ(names_of({AesCm256HmacSha1_80}), "");  // RFC 5764 has no such profile
}

TEST(Profiles, NullIsNone) {
  EXPECT_EQ(suite_numbered(0x0001), AesCm128HmacSha1_80);
  EXPECT_EQ(suite_numbered(0x0002), AesCm128HmacSha1_32);
  EXPECT_EQ(suite_numbered(0x0007), AeadAes128Gcm);
  EXPECT_EQ(suite_numbered(0x0008), AeadAes256Gcm);
  for (const unsigned long number : {0UL, 3UL, 4UL, 5UL, 6UL, 9UL, 0x10001UL}) {
    EXPECT_FALSE(suite_numbered(number)) << number;
  }
}

TEST(Profiles, KeysAreCutByRole) {
  Octets material(exported_octets(AesCm128HmacSha1_80));
  ASSERT_EQ(material.size(), 60U);
  std::ranges::fill(material.begin(), material.begin() + 16, std::byte{1});
  std::ranges::fill(material.begin() + 16, material.begin() + 32, std::byte{2});
  std::ranges::fill(material.begin() + 32, material.begin() + 46, std::byte{3});
  std::ranges::fill(material.begin() + 46, material.end(), std::byte{4});
  for (const Role role : {Role::Active, Role::Passive}) {
    Report report;
    report.suite = AesCm128HmacSha1_80;
    cut_keys(material, role, report);
    const bool is_client = role == Role::Active;
    const std::byte own{static_cast<unsigned char>(is_client ? 1 : 2)};
    const std::byte other{static_cast<unsigned char>(is_client ? 2 : 1)};
    EXPECT_TRUE(report.send_key.equals(SecretKey(Octets(16, own))));
    EXPECT_TRUE(report.receive_key.equals(SecretKey(Octets(16, other))));
    EXPECT_EQ(report.send_salt.size(), 14U);
    EXPECT_EQ(report.send_salt.bytes()[0], is_client ? std::byte{3} : std::byte{4});
    EXPECT_EQ(report.receive_salt.bytes()[0], is_client ? std::byte{4} : std::byte{3});
  }
}

}  // namespace
}  // namespace causeway::dtls
