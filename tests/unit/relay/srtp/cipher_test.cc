#include "relay/srtp/cipher.h"

#include "relay/srtp/session_keys.h"
#include "tests/unit/relay/srtp/fixture.h"

namespace causeway::srtp {
namespace {

using test::hex;
using test::to_hex;

template <std::size_t N>
WipedOctets<N> salt_of(std::string_view text) {
  WipedOctets<N> salt;
  std::ranges::copy(hex(text), salt.octets.begin());
  return salt;
}

std::string keystream(std::string_view key, std::size_t octets) {
  CtrCipher cipher;
  EXPECT_TRUE(cipher.set_key(hex(key)));
  test::Octets out(octets);
  const auto iv = make_iv<kCtrIvOctets>(salt_of<14>("f0f1f2f3f4f5f6f7f8f9fafbfcfd"),
                                        Rules::kCmSsrcOctet, 0, Rules::kCmIndexOctet, 0);
  EXPECT_TRUE(cipher.apply(iv, out));
  return to_hex(out);
}

TEST(CtrCipher, GivesTheKeystreamOfRfc3711AppendixB2) {
  EXPECT_EQ(keystream("2B7E151628AED2A6ABF7158809CF4F3C", 48),
            "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"
            "41e95b3bb0a2e8dd477901e4fca894c0");
}

TEST(CtrCipher, GivesTheKeystreamOfRfc6188Section7) {
  EXPECT_EQ(keystream("57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98", 48),
            "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac"
            "63c4868b7096d88421b563b8c94c9a31");
}

TEST(CtrCipher, StartsAnewWithEveryPacket) {
  CtrCipher cipher;
  ASSERT_TRUE(cipher.set_key(hex("000102030405060708090a0b0c0d0e0f")));
  std::array<std::byte, 5> first{};
  std::array<std::byte, 5> second{};
  EXPECT_TRUE(cipher.apply({}, first));
  EXPECT_TRUE(cipher.apply({}, second));
  EXPECT_EQ(first, second);
}

// RFC 7714 16 and 17: the key and salt given there are session keys.
struct GcmCase {
  std::string_view key;
  std::string_view packet;  ///< In the clear.
  std::size_t header_octets;
  std::string_view more_aad;
  std::uint32_t ssrc;
  std::uint64_t index;
  std::string_view sealed;  ///< What follows the header.
};
constexpr std::string_view kKey128 = "000102030405060708090a0b0c0d0e0f";
constexpr std::string_view kKey256 =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr std::string_view kRtp =
    "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e697320646976697361"
    "20696e207061727465732074726573";
constexpr std::string_view kRtcp =
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61"
    "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
constexpr GcmCase kGcmCases[] = {
    {kKey128, kRtp, 12, "", 0x5501a0b2, 0xf17b,
     "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a91"
     "52cf765ee4390cce"},
    {kKey256, kRtp, 12, "", 0x5501a0b2, 0xf17b,
     "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0"
     "f9bb7878d7a76c13"},
    {kKey128, kRtcp, 8, "800005d4", 0x4d617273, 0x5d4,
     "63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84a"
     "a45896cf4d2fc5abf87245d9eade"},
    {kKey256, kRtcp, 8, "800005d4", 0x4d617273, 0x5d4,
     "d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad1d1e"
     "b30c4446839f57ff6f6cb26ac3be"},
};

class Gcm : public ::testing::TestWithParam<GcmCase> {
 protected:
  GcmCipher::Iv iv_ =
      make_iv<kGcmIvOctets>(salt_of<12>("517569642070726f2071756f"), Rules::kGcmSsrcOctet,
                            GetParam().ssrc, Rules::kGcmIndexOctet, GetParam().index);
};

TEST_P(Gcm, SealsAsRfc7714HasIt) {
  const GcmCase& vector = GetParam();
  GcmCipher cipher;
  ASSERT_TRUE(cipher.set_key(hex(vector.key), true));
  test::Octets packet = hex(vector.packet);
  test::Octets tag(kGcmTagOctets);
  const MutableBytes data = MutableBytes(packet).subspan(vector.header_octets);
  ASSERT_TRUE(
      cipher.seal(iv_, Bytes(packet).first(vector.header_octets), hex(vector.more_aad), data, tag));
  EXPECT_EQ(to_hex(data) + to_hex(tag), vector.sealed);
}

TEST_P(Gcm, OpensItAgainAndOnlyUndamaged) {
  const GcmCase& vector = GetParam();
  GcmCipher cipher;
  ASSERT_TRUE(cipher.set_key(hex(vector.key), false));
  const test::Octets packet = hex(vector.packet);
  const Bytes header = Bytes(packet).first(vector.header_octets);
  const test::Octets sealed = hex(vector.sealed);
  for (std::size_t bit = 0; bit <= sealed.size() * 8; ++bit) {
    test::Octets damaged = sealed;
    const bool is_damaged = bit < sealed.size() * 8;
    if (is_damaged) damaged[bit / 8] ^= std::byte(1U << (bit % 8));
    const MutableBytes data = MutableBytes(damaged).first(damaged.size() - kGcmTagOctets);
    ASSERT_EQ(
        cipher.open(iv_, header, hex(vector.more_aad), data, Bytes(damaged).last(kGcmTagOctets)),
        !is_damaged)
        << bit;
    if (!is_damaged) {
      EXPECT_EQ(to_hex(header) + to_hex(data), vector.packet);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rfc7714, Gcm, ::testing::ValuesIn(kGcmCases));

}  // namespace
}  // namespace causeway::srtp
