#include "relay/dtls/record.h"

#include <gtest/gtest.h>

#include <vector>

namespace causeway::dtls {
namespace {

using Octets = std::vector<std::byte>;

Octets record(std::uint8_t type, std::uint16_t epoch, const Octets& fragment,
              std::uint16_t version = 0xfefd) {
  Octets octets(kRecordHeadOctets);
  store_u8(octets.data(), type);
  store_be16(&octets[1], version);
  store_be16(&octets[3], epoch);
  store_be16(&octets[11], static_cast<std::uint16_t>(fragment.size()));
  octets.insert(octets.end(), fragment.begin(), fragment.end());
  return octets;
}
Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
const Octets kHello = {std::byte{1}, std::byte{0}};

TEST(Record, TakesOneAfterAnother) {
  const Octets two = record(22, 0, kHello) + record(20, 1, {std::byte{1}}, 0xfeff);
  Bytes rest = two;
  const auto first = take_record(rest);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->type, ContentType::Handshake);
  EXPECT_EQ(first->fragment.size(), 2U);
  const auto second = take_record(rest);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->epoch, 1);
  EXPECT_EQ(second->sequence, 0U);
  EXPECT_TRUE(rest.empty());
  EXPECT_FALSE(take_record(rest));
}

TEST(Record, RefusesOtherVersionsTypesAndLengths) {
  EXPECT_FALSE(is_acceptable({}));
  EXPECT_FALSE(is_acceptable(record(22, 0, kHello, 0x0303)));
  EXPECT_FALSE(is_acceptable(record(24, 0, kHello)));
  EXPECT_FALSE(is_acceptable(record(19, 0, kHello)));
  const Octets whole = record(22, 0, kHello);
  EXPECT_TRUE(is_acceptable(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(is_acceptable(Bytes(whole).first(size))) << size;
  }
  EXPECT_FALSE(is_acceptable(whole + Octets{std::byte{22}}));
}

TEST(Record, BelievesNoAlertInTheClear) {
  const Octets alert = {std::byte{2}, std::byte{40}};
  EXPECT_FALSE(is_acceptable(record(21, 0, alert)));
  EXPECT_FALSE(is_acceptable(record(22, 0, kHello) + record(21, 0, alert)));
  EXPECT_TRUE(is_acceptable(record(21, 1, alert)));
}

TEST(Record, KnowsAClientHello) {
  EXPECT_TRUE(is_client_hello(record(22, 0, kHello)));
  EXPECT_FALSE(is_client_hello(record(22, 1, kHello)));
  EXPECT_FALSE(is_client_hello(record(22, 0, {std::byte{2}})));
  EXPECT_FALSE(is_client_hello(record(22, 0, {})));
  EXPECT_FALSE(is_client_hello(record(20, 0, kHello)));
}

}  // namespace
}  // namespace causeway::dtls
