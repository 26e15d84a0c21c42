#include "relay/dtls/identity.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace causeway::dtls {
namespace {

TEST(Identity, IsAKeyOnP256AndACertificateOfIt) {
  const auto identity = *Identity::create();
  char group[32] = {};
  std::size_t octets = 0;
  ASSERT_EQ(EVP_PKEY_get_group_name(identity->key(), group, sizeof group, &octets), 1);
  EXPECT_STREQ(group, "prime256v1");
  EXPECT_EQ(X509_check_private_key(identity->certificate(), identity->key()), 1);
  EXPECT_EQ(X509_verify(identity->certificate(), identity->key()), 1);
  EXPECT_EQ(X509_cmp_current_time(X509_get0_notBefore(identity->certificate())), -1);
  EXPECT_EQ(X509_cmp_current_time(X509_get0_notAfter(identity->certificate())), 1);
}

TEST(Identity, IsAnotherEachTime) {
  const auto a = *Identity::create();
  const auto b = *Identity::create();
  EXPECT_FALSE(a->fingerprint() == b->fingerprint());
  // Some endpoints take two certificates of one issuer and number for a forgery.
  EXPECT_NE(ASN1_INTEGER_cmp(X509_get0_serialNumber(a->certificate()),
                             X509_get0_serialNumber(b->certificate())),
            0);
  EXPECT_EQ(a->fingerprint().digest.size(), 32U);
  EXPECT_EQ(a->fingerprint(HashFunction::Sha512).digest.size(), 64U);
}

}  // namespace
}  // namespace causeway::dtls
