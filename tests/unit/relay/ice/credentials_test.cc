#include "relay/ice/credentials.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace causeway::ice {
namespace {

TEST(Credentials, EverySixBitsAreACharacterOfTheirOwn) {
  std::set<char> seen;
  for (unsigned i = 0; i < 256; ++i) {
    const std::array<std::byte, 1> octet = {std::byte(i)};
    seen.insert(to_ice_chars(octet)[0]);
  }
  EXPECT_EQ(seen.size(), 64U);
}

TEST(Credentials, KnowsTheLimitsOfRfc8839) {
  EXPECT_TRUE(is_ufrag("aB+/"));
  EXPECT_FALSE(is_ufrag(std::string(257, 'a')));
  EXPECT_TRUE(is_ufrag(std::string(256, 'a')));
  EXPECT_TRUE(is_password(std::string(22, '0')));
  EXPECT_FALSE(is_password(std::string(22, '=')));
}

TEST(Credentials, LongPasswordsAreKeysToo) {
  const Credentials a("abcd", std::string(200, 'x'));
  const Credentials b("abcd", std::string(199, 'x') + "y");
  EXPECT_NE(a.key.digest({}, {}), b.key.digest({}, {}));
}

}  // namespace
}  // namespace causeway::ice
