#include "relay/base/address.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace causeway {
namespace {

IpAddress ip(std::string_view text) {
  const auto address = IpAddress::parse(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(IpAddress());
}

TEST(IpAddress, ParsesBothFamiliesAndWritesThemBack) {
  for (const char* text : {"0.0.0.0", "127.0.0.1", "192.0.2.255", "::", "::1", "2001:db8::1",
                           "fe80::1:2:3:4", "2001:db8:0:1:1:1:1:1"}) {
    EXPECT_EQ(ip(text).to_string(), text);
  }
  EXPECT_EQ(ip("2001:0DB8::0001").to_string(), "2001:db8::1");
  EXPECT_EQ(ip("192.0.2.1"), IpAddress::v4(0xc0000201));
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  for (const char* text : {"", " ", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.4 ", " 1.2.3.4",
                           "01.2.3.4x", "1.2.3.4:5", ":::", "1::2::3", "[::1]", "fe80::1%eth0",
                           "localhost", "2001:db8:1:2:3:4:5:6:7"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string(1000, '1')));
}

TEST(IpAddress, RefusesTextThatGoesOnBehindANull) {
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0x", 9)));
  EXPECT_FALSE(IpAddress::parse(std::string_view("::1\0", 4)));
}

TEST(IpAddress, HasOneSpellingForAMappedAddress) {
  EXPECT_EQ(ip("::ffff:192.0.2.1"), ip("192.0.2.1"));
  EXPECT_TRUE(ip("::ffff:192.0.2.1").is_v4());
  EXPECT_EQ(ip("::ffff:c000:201").to_string(), "192.0.2.1");
  EXPECT_TRUE(ip("::fffe:192.0.2.1").is_v6());
}

TEST(IpAddress, KnowsLoopbackUnspecifiedAndMulticast) {
  for (const char* text : {"127.0.0.1", "127.255.0.9", "::1"})
    EXPECT_TRUE(ip(text).is_loopback()) << text;
  for (const char* text : {"128.0.0.1", "::2", "1::1"})
    EXPECT_FALSE(ip(text).is_loopback()) << text;
  for (const char* text : {"0.0.0.0", "::"}) EXPECT_TRUE(ip(text).is_unspecified()) << text;
  for (const char* text : {"224.0.0.1", "239.1.2.3", "ff02::1"})
    EXPECT_TRUE(ip(text).is_multicast()) << text;
  for (const char* text : {"223.0.0.1", "240.0.0.1", "fe80::1"})
    EXPECT_FALSE(ip(text).is_multicast()) << text;
  EXPECT_TRUE(IpAddress().is_none());
  EXPECT_TRUE(IpAddress().is_unspecified());
  EXPECT_FALSE(IpAddress().is_loopback());
}

TEST(IpAddress, KeepsFamiliesApart) {
  EXPECT_NE(ip("0.0.0.0"), ip("::"));
  EXPECT_NE(ip("0.0.0.0"), IpAddress());
}

TEST(SocketAddress, ParsesAndWritesBothFamilies) {
  for (const char* text : {"192.0.2.1:4000", "[2001:db8::1]:65535", "127.0.0.1:0"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
  EXPECT_EQ(SocketAddress::parse("192.0.2.1:4000")->port, UdpPort(4000));
}

TEST(SocketAddress, RefusesWhatIsAmbiguousOrNotWhole) {
  for (const char* text :
       {"", ":", "192.0.2.1", "192.0.2.1:", ":4000", "192.0.2.1:65536", "192.0.2.1:-1",
        "192.0.2.1:+1", "192.0.2.1: 1", "192.0.2.1:1x", "2001:db8::1:4000", "[2001:db8::1]",
        "[2001:db8::1]4000", "[]:1", "host:1"}) {
    EXPECT_FALSE(SocketAddress::parse(text)) << text;
  }
}

TEST(Cidr, ContainsExactlyItsBlock) {
  const auto block = Cidr::parse("192.0.2.128/25");
  ASSERT_TRUE(block);
  EXPECT_TRUE(block->contains(ip("192.0.2.128")));
  EXPECT_TRUE(block->contains(ip("192.0.2.255")));
  EXPECT_FALSE(block->contains(ip("192.0.2.127")));
  EXPECT_FALSE(block->contains(ip("192.0.3.128")));
  EXPECT_FALSE(block->contains(ip("c000:280::")));
  EXPECT_FALSE(block->contains(IpAddress()));
  EXPECT_EQ(block->to_string(), "192.0.2.128/25");
}

TEST(Cidr, CoversAllOfAFamilyAndOneAddress) {
  EXPECT_TRUE(Cidr::parse("0.0.0.0/0")->contains(ip("203.0.113.9")));
  EXPECT_FALSE(Cidr::parse("0.0.0.0/0")->contains(ip("::1")));
  EXPECT_TRUE(Cidr::parse("::/0")->contains(ip("2001:db8::1")));
  EXPECT_TRUE(Cidr::parse("192.0.2.1")->contains(ip("192.0.2.1")));
  EXPECT_FALSE(Cidr::parse("192.0.2.1")->contains(ip("192.0.2.2")));
  EXPECT_FALSE(Cidr().contains(ip("192.0.2.1")));
}

TEST(Cidr, RefusesHostBitsAndPrefixesBeyondTheFamily) {
  for (const char* text :
       {"192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/2x",
        "2001:db8::1/32", "2001:db8::/129", "/24", "", "0.0.0.1/0"}) {
    EXPECT_FALSE(Cidr::parse(text)) << text;
  }
}

TEST(Cidr, AgreesWithBitwiseComparison) {
  std::mt19937 random(6);
  for (int i = 0; i < 5000; ++i) {
    const auto address = static_cast<std::uint32_t>(random());
    const unsigned prefix = static_cast<unsigned>(random() % 33);
    const std::uint32_t mask = prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
    const auto block =
        Cidr::parse(IpAddress::v4(address & mask).to_string() + "/" + std::to_string(prefix));
    ASSERT_TRUE(block);
    const std::uint32_t other = address ^ (std::uint32_t{1} << (random() % 32));
    EXPECT_TRUE(block->contains(IpAddress::v4(address)));
    EXPECT_EQ(block->contains(IpAddress::v4(other)), (other & mask) == (address & mask));
  }
}

}  // namespace
}  // namespace causeway
