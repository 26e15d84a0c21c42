#include "relay/base/random.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <cstring>
#include <set>

namespace causeway {
namespace {

/// SipHash-2-4 as OpenSSL has it, of the counter's eight octets, all little-endian.
std::uint64_t siphash_of(const Random::Key& key, std::uint64_t counter) {
  std::array<unsigned char, 16> key_octets{};
  std::memcpy(key_octets.data(), key.data(), key_octets.size());
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "SIPHASH", nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  std::size_t size = 8;
  const std::array params = {OSSL_PARAM_construct_size_t("size", &size),
                             OSSL_PARAM_construct_end()};
  EXPECT_EQ(EVP_MAC_init(context, key_octets.data(), key_octets.size(), params.data()), 1);
  std::array<unsigned char, 8> message{};
  std::memcpy(message.data(), &counter, message.size());
  EXPECT_EQ(EVP_MAC_update(context, message.data(), message.size()), 1);
  std::uint64_t result = 0;
  EXPECT_EQ(EVP_MAC_final(context, reinterpret_cast<unsigned char*>(&result), &size, sizeof result),
            1);
  EVP_MAC_CTX_free(context);
  EVP_MAC_free(mac);
  return result;
}

TEST(Random, IsSipHashOfACounter) {
  const Random::Key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
  Random random(key);
  for (std::uint64_t counter = 0; counter < 1000; ++counter) {
    ASSERT_EQ(random.next(), siphash_of(key, counter)) << counter;
  }
}

TEST(Random, RepeatsUnderTheSameKeyAndDiffersUnderAnother) {
  Random a({1, 2});
  Random b({1, 2});
  Random c({1, 3});
  const std::uint64_t first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, c.next());
  Random copy = a;
  EXPECT_EQ(copy.next(), a.next());
}

TEST(Random, StaysBelowItsBoundAndReachesEveryValue) {
  Random random({3, 4});
  EXPECT_EQ(random.below(1), 0U);
  std::array<int, 10> seen{};
  for (int i = 0; i < 10'000; ++i) {
    const std::uint32_t value = random.below(10);
    ASSERT_LT(value, 10U);
    ++seen[value];
  }
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
}

}  // namespace
}  // namespace causeway
