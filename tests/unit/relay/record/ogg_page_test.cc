#include "relay/record/ogg_page.h"

#include <gtest/gtest.h>

#include "tests/unit/relay/record/ogg.h"

namespace causeway::record::test {
namespace {

TEST(OggPage, CarriesPacketsOfEveryLength) {
  for (const std::size_t size : {0U, 1U, 254U, 255U, 256U, 510U, 1275U}) {
    OggPage page(0x12345678);
    const std::vector<std::byte> packet(size, std::byte{0x42});
    page.add(packet);
    page.add(packet);
    const auto pages = parse_ogg(page.finish(-1, OggPage::kBeginOfStream));
    ASSERT_TRUE(pages) << size;
    ASSERT_EQ(pages->size(), 1U);
    EXPECT_EQ((*pages)[0].packets, (std::vector<std::vector<std::byte>>{packet, packet})) << size;
    EXPECT_EQ((*pages)[0].serial, 0x12345678U);
    EXPECT_EQ((*pages)[0].granule, -1);
    EXPECT_EQ((*pages)[0].flags, 2);
  }
}

TEST(OggPage, NumbersItsPagesAndKnowsWhenItIsFull) {
  OggPage page(1);
  const std::vector<std::byte> packet(100);
  std::size_t count = 0;
  while (page.has_room_for(packet.size())) {
    page.add(packet);
    ++count;
  }
  EXPECT_EQ(count, 255U);
  auto file = page.finish(5, 0);
  EXPECT_TRUE(page.empty());
  const auto next = page.finish(6, OggPage::kEndOfStream);
  file.insert(file.end(), next.begin(), next.end());
  const auto pages = parse_ogg(file);
  ASSERT_TRUE(pages);
  ASSERT_EQ(pages->size(), 2U);
  EXPECT_EQ((*pages)[0].number, 0U);
  EXPECT_EQ((*pages)[1].number, 1U);
  EXPECT_TRUE((*pages)[1].packets.empty());
  EXPECT_FALSE(page.has_room_for(255 * 255));
}

TEST(OggPage, ChecksumIsThatOfTheSpecification) {
  OggPage page(7);
  page.add(as_octets("OpusHead"));
  const auto octets = page.finish(0, 2);
  EXPECT_EQ(ogg_checksum(octets), slow_checksum(octets));
  auto damaged = octets;
  damaged.back() ^= std::byte{1};
  EXPECT_FALSE(parse_ogg(damaged));
}

}  // namespace
}  // namespace causeway::record::test
