#include "relay/srtp/base64.h"

#include "tests/unit/relay/srtp/fixture.h"

namespace causeway::srtp {
namespace {

std::optional<std::string> decoded(std::string_view text, std::size_t room = 64) {
  test::Octets out(room);
  const auto octets = decode_base64(text, out);
  if (!octets) return std::nullopt;
  return test::to_hex(Bytes(out).first(*octets));
}

// RFC 4648 section 10.
TEST(Base64, GivesTheVectorsOfRfc4648) {
  EXPECT_EQ(encode_base64(as_octets("")), "");
  EXPECT_EQ(encode_base64(as_octets("f")), "Zg==");
  EXPECT_EQ(encode_base64(as_octets("fo")), "Zm8=");
  EXPECT_EQ(encode_base64(as_octets("foo")), "Zm9v");
  EXPECT_EQ(encode_base64(as_octets("foob")), "Zm9vYg==");
  EXPECT_EQ(encode_base64(as_octets("fooba")), "Zm9vYmE=");
  EXPECT_EQ(encode_base64(as_octets("foobar")), "Zm9vYmFy");
}

TEST(Base64, ReadsBackEveryLengthWithAndWithoutPadding) {
  test::Octets octets;
  for (unsigned i = 0; i < 64; ++i) {
    const std::string text = encode_base64(octets);
    EXPECT_EQ(decoded(text), test::to_hex(octets));
    EXPECT_EQ(decoded(text.substr(0, text.find('='))), test::to_hex(octets));
    octets.push_back(static_cast<std::byte>(i * 151 + 7));
  }
}

TEST(Base64, RefusesWhatIsNone) {
  for (const char* text : {"A", "AAAAA", "AA=A", "A===", "AA-_", "AA AA", "====", "AAAA==="}) {
    EXPECT_EQ(decoded(text), std::nullopt) << text;
  }
}

TEST(Base64, RefusesWhatDoesNotFit) {
  EXPECT_EQ(decoded("Zm9vYg==", 4), "666f6f62");
  EXPECT_EQ(decoded("Zm9vYg==", 3), std::nullopt);
}

}  // namespace
}  // namespace causeway::srtp
