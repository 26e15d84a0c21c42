#include "relay/srtp/key_derivation.h"

#include "tests/unit/relay/srtp/fixture.h"

namespace causeway::srtp {
namespace {

using test::hex;
using test::to_hex;

std::string derived(std::string_view key, std::string_view salt, std::uint8_t label,
                    std::size_t octets) {
  test::Octets out(octets);
  EXPECT_TRUE(derive_key(hex(key), hex(salt), label, out));
  return to_hex(out);
}

// RFC 3711 B.3.
constexpr std::string_view kKey128 = "E1F97A0D3E018BE0D64FA32C06DE4139";
constexpr std::string_view kSalt128 = "0EC675AD498AFEEBB6960B3AABE6";

TEST(KeyDerivation, GivesTheRtpKeysOfRfc3711AppendixB3) {
  EXPECT_EQ(derived(kKey128, kSalt128, 0, 16), "c61e7a93744f39ee10734afe3ff7a087");
  EXPECT_EQ(derived(kKey128, kSalt128, 1, 20), "cebe321f6ff7716b6fd4ab49af256a156d38baa4");
  EXPECT_EQ(derived(kKey128, kSalt128, 2, 14), "30cbbc08863d8c85d49db34a9ae1");
}

// The RFC's whole 94 octets of authentication key: several blocks of the PRF.
TEST(KeyDerivation, GoesOnOverSeveralBlocks) {
  EXPECT_EQ(derived(kKey128, kSalt128, 1, 48),
            "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbce"
            "e049646c43d9327ad175578ef7227098");
}

// Computed by two independent programs; the RFC gives none.
TEST(KeyDerivation, GivesTheRtcpKeysOfTheSameMasterKey) {
  EXPECT_EQ(derived(kKey128, kSalt128, 3, 16), "4c1aa45a81f73d61c800bbb00fbb1eaa");
  EXPECT_EQ(derived(kKey128, kSalt128, 4, 20), "8d54534feb49ae8e7993a6bd0b844fc323a93dfd");
  EXPECT_EQ(derived(kKey128, kSalt128, 5, 14), "9581c7ad87b3e530bf3e4454a8b3");
}

// RFC 6188 7.3.
TEST(KeyDerivation, UsesAes256ForAes256MasterKeys) {
  constexpr std::string_view key =
      "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6";
  constexpr std::string_view salt = "3b04803de51ee7c96423ab5b78d2";
  EXPECT_EQ(derived(key, salt, 0, 32),
            "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4");
  EXPECT_EQ(derived(key, salt, 1, 20), "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05");
  EXPECT_EQ(derived(key, salt, 2, 14), "fa31791685ca444a9e07c6c64e93");
}

// No RFC has one for the 12-octet salts of GCM; the differential test holds libsrtp to it too.
TEST(KeyDerivation, PadsShortSaltsOnTheRight) {
  constexpr std::string_view key = "000102030405060708090a0b0c0d0e0f";
  constexpr std::string_view salt = "517569642070726f2071756f";
  EXPECT_EQ(derived(key, salt, 0, 16), "b1bb5ee1803c7cb022c25343feb23261");
  EXPECT_EQ(derived(key, salt, 2, 12), "52fa33dcddd7c677e513ce75");
  EXPECT_EQ(derived(key, salt, 0, 16), derived(key, "517569642070726f2071756f0000", 0, 16));
}

}  // namespace
}  // namespace causeway::srtp
