#include "relay/dtls/cookies.h"

#include "tests/unit/relay/dtls/rig.h"

namespace causeway::dtls {
namespace {

using namespace test;

SocketAddress at(std::uint16_t port) { return {IpAddress::v4(0xc0000201), UdpPort(port)}; }
SecretKey secret(std::uint8_t octet) { return SecretKey(Octets(32, std::byte{octet})); }

struct CookiesOf : testing::Test {
  Cookies cookies{secret(1)};
  Octets random = Octets(32, std::byte{7});
  [[nodiscard]] bool takes(const Cookies& by, const SocketAddress& source, const Bytes& client,
                           Bytes cookie) const {
    ClientHello hello;
    hello.random = client;
    hello.cookie = cookie;
    return by.is_right(source, hello);
  }
};

TEST_F(CookiesOf, AreTakenFromWhomTheyWereMadeForAndNobodyElse) {
  const Cookies::Cookie cookie = cookies.make(at(1), random);
  EXPECT_TRUE(takes(cookies, at(1), random, cookie));
  EXPECT_TRUE(takes(Cookies(secret(1)), at(1), random, cookie));  // nothing was remembered
  EXPECT_FALSE(takes(cookies, at(2), random, cookie));
  EXPECT_FALSE(takes(cookies, {IpAddress::v4(0xc0000202), UdpPort(1)}, random, cookie));
  EXPECT_FALSE(takes(cookies, at(1), Octets(32, std::byte{8}), cookie));
  EXPECT_FALSE(takes(Cookies(secret(2)), at(1), random, cookie));
  EXPECT_FALSE(takes(Cookies::create(), at(1), random, cookie));
}

TEST_F(CookiesOf, AreTakenWholeOrNotAtAll) {
  Cookies::Cookie cookie = cookies.make(at(1), random);
  for (std::size_t size = 0; size < cookie.size(); ++size) {
    EXPECT_FALSE(takes(cookies, at(1), random, Bytes(cookie).first(size))) << size;
  }
  for (std::byte& octet : cookie) {
    octet ^= std::byte{1};
    EXPECT_FALSE(takes(cookies, at(1), random, cookie));
    octet ^= std::byte{1};
  }
}

TEST_F(CookiesOf, AreAskedForWithLessThanAnyHelloHas) {
  ClientHello hello;
  hello.record_sequence = 0x0102'0304'0506;
  const Octets datagram = hello_verify_request(hello, cookies.make(at(1), random));
  EXPECT_EQ(datagram.size(), 60U);
  Bytes rest = datagram;
  const auto record = take_record(rest);
  ASSERT_TRUE(record);
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(record->sequence, hello.record_sequence);  // RFC 6347 4.2.1
  EXPECT_EQ(record->epoch, 0);
  Bytes fragments = record->fragment;
  const auto fragment = take_fragment(fragments);
  ASSERT_TRUE(fragment);
  EXPECT_TRUE(fragment->is_whole());
  EXPECT_EQ(fragment->type, kHelloVerifyRequestType);
}

}  // namespace
}  // namespace causeway::dtls
