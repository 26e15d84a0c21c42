#include "relay/base/sip_hash.h"

#include <gtest/gtest.h>

#include <vector>

namespace causeway {
namespace {

// Appendix A of the paper, and vectors_sip64 of its authors' code: key 00..0f, message 00, 01, ...
TEST(SipHash, GivesItsAuthorsVectors) {
  const SipKey key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::vector<std::byte> message;
  for (std::uint8_t i = 0; i < 15; ++i) message.push_back(std::byte{i});
  EXPECT_EQ(sip_hash(key, message), 0xa129ca6149be45e5ULL);
  EXPECT_EQ(sip_hash(key, Bytes()), 0x726fdb47dd0e0e31ULL);
  EXPECT_EQ(sip_hash(key, Bytes(message).first(8)), 0x93f5f5799a932462ULL);
}

TEST(SipHash, ANumberIsItsOctetsFromTheLowestUp) {
  const SipKey key = {1, 2};
  const std::vector<std::byte> octets = {std::byte{8}, std::byte{7}, std::byte{6}, std::byte{5},
                                         std::byte{4}, std::byte{3}, std::byte{2}, std::byte{1}};
  EXPECT_EQ(sip_hash(key, 0x0102030405060708ULL), sip_hash(key, octets));
}

}  // namespace
}  // namespace causeway
