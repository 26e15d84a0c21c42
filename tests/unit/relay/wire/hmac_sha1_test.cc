#include "relay/wire/hmac_sha1.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "tests/unit/relay/wire/octets.h"

namespace causeway::wire {
namespace {

using Octets = std::vector<std::byte>;

std::string hmac(Bytes key, Bytes message) { return to_hex(HmacSha1(key).digest(message, {})); }

// RFC 2202 3; the last key is longer than a block.
TEST(HmacSha1, GivesTheDigestsOfRfc2202) {
  EXPECT_EQ(hmac(Octets(20, std::byte{0x0b}), as_octets("Hi There")),
            "b617318655057264e28bc0b6fb378c8ef146be00");
  EXPECT_EQ(hmac(as_octets("Jefe"), as_octets("what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(hmac(Octets(20, std::byte{0xaa}), Octets(50, std::byte{0xdd})),
            "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
  EXPECT_EQ(
      hmac(hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), Octets(50, std::byte{0xcd})),
      "4c9007f4026250c6bc8414f9bf50c86c2d7235da");
  EXPECT_EQ(hmac(Octets(80, std::byte{0xaa}),
                 as_octets("Test Using Larger Than Block-Size Key - Hash Key First")),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

// The plain twin of the precomputed pads.
TEST(HmacSha1, AgreesWithOpenSslForEveryLengthAndSplit) {
  const Octets key(20, std::byte{0x5a});
  const HmacSha1 ours(key);
  Octets message(200);
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::byte>(i * 7);
  for (std::size_t octets = 0; octets <= message.size(); ++octets) {
    const Bytes all = Bytes(message).first(octets);
    const Bytes head = all.first(octets - std::min<std::size_t>(octets, octets % 5));
    unsigned char expected[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(all.data()), all.size(), expected, &length);
    ASSERT_EQ(to_hex(ours.digest(head, all.subspan(head.size()))),
              to_hex(std::as_bytes(std::span(expected, length))))
        << octets;
  }
}

TEST(HmacSha1, TagsAreEqualOnlyIfAllOctetsAre) {
  EXPECT_TRUE(tags_equal(hex("00112233"), hex("00112233")));
  EXPECT_FALSE(tags_equal(hex("00112233"), hex("00112232")));
  EXPECT_FALSE(tags_equal(hex("80112233"), hex("00112233")));
}

}  // namespace
}  // namespace causeway::wire
