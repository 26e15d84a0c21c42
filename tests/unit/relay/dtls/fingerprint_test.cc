#include "relay/dtls/fingerprint.h"

#include <gtest/gtest.h>

#include <string>

namespace causeway::dtls {
namespace {

std::string hex_of(std::size_t octets) {
  std::string text;
  for (std::size_t i = 0; i < octets; ++i) text += i == 0 ? "0a" : ":FF";
  return text;
}

TEST(Fingerprint, ReadsAndWritesItsText) {
  const auto fingerprint = parse_fingerprint(HashFunction::Sha256, hex_of(32));
  ASSERT_TRUE(fingerprint);
  EXPECT_EQ(fingerprint->digest.size(), 32U);
  EXPECT_EQ(fingerprint->value().substr(0, 5), "0A:FF");
  EXPECT_EQ(parse_fingerprint(HashFunction::Sha256, fingerprint->value()), fingerprint);
  EXPECT_TRUE(parse_fingerprint(HashFunction::Sha384, hex_of(48)));
  EXPECT_TRUE(parse_fingerprint(HashFunction::Sha512, hex_of(64)));
}

TEST(Fingerprint, RefusesWhatIsNotOfItsLengthOrForm) {
  for (const std::string& text :
       {std::string(), hex_of(31), hex_of(33), hex_of(20), hex_of(32) + ":", hex_of(32).substr(1),
        "zz" + hex_of(32).substr(2)}) {
    EXPECT_FALSE(parse_fingerprint(HashFunction::Sha256, text)) << text;
  }
}

TEST(Fingerprint, KnowsNoWeakFunctions) {
  EXPECT_EQ(hash_function_named("SHA-256"), HashFunction::Sha256);
  EXPECT_EQ(hash_function_named("sha-512"), HashFunction::Sha512);
  for (const char* weak : {"sha-1", "md5", "md2", "sha-224", ""}) {
    EXPECT_FALSE(hash_function_named(weak)) << weak;
  }
  EXPECT_EQ(name_of(HashFunction::Sha384), "sha-384");
}

}  // namespace
}  // namespace causeway::dtls
