#include "relay/base/bytes.h"

#include <gtest/gtest.h>

#include <array>

namespace causeway {
namespace {

TEST(Bytes, AreStoredInNetworkOrderAndLoadedBack) {
  std::array<std::byte, 8> octets{};
  store_be64(octets.data(), 0x0102030405060708);
  for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(load_u8(&octets[i]), i + 1);
  EXPECT_EQ(load_be64(octets.data()), 0x0102030405060708U);
  EXPECT_EQ(load_be32(&octets[2]), 0x03040506U);
  EXPECT_EQ(load_be16(&octets[7 - 1]), 0x0708U);
  store_be32(octets.data(), 0xfffefdfc);
  store_be16(&octets[4], 0xfbfa);
  store_u8(&octets[6], 0xf9);
  EXPECT_EQ(load_be64(octets.data()), 0xfffefdfcfbfaf908U);
}

TEST(Bytes, OfTextAreItsCharacters) {
  EXPECT_EQ(as_octets("REMB").size(), 4U);
  EXPECT_EQ(load_be32(as_octets("REMB").data()), 0x52454d42U);
  EXPECT_TRUE(as_octets("").empty());
}

}  // namespace
}  // namespace causeway
