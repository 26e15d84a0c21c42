#include "relay/io/sockaddr.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace causeway::io {
namespace {

TEST(Sockaddr, CrossesBothWaysUnchanged) {
  for (const char* text : {"192.0.2.1:4000", "[2001:db8::1]:65535", "0.0.0.0:0", "[::]:1"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_TRUE(address);
    sockaddr_storage raw{};
    EXPECT_EQ(to_sockaddr(*address, raw),
              address->ip.is_v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    EXPECT_EQ(from_sockaddr(raw), *address);
  }
}

TEST(Sockaddr, HasNoLengthWithoutAnAddress) {
  sockaddr_storage raw{};
  EXPECT_EQ(to_sockaddr(SocketAddress{}, raw), 0U);
}

TEST(Sockaddr, ReadsOtherFamiliesAsNoAddress) {
  sockaddr_storage raw{};
  raw.ss_family = AF_UNIX;
  EXPECT_TRUE(from_sockaddr(raw).is_none());
}

}  // namespace
}  // namespace causeway::io
