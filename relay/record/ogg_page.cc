#include "relay/record/ogg_page.h"

#include <array>

#include "relay/base/check.h"
#include "relay/record/little_endian.h"

namespace causeway::record {
namespace {

constexpr std::size_t kChecksumAt = 22;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t octet = 0; octet < 256; ++octet) {
    std::uint32_t rest = octet << 24;
    for (int bit = 0; bit < 8; ++bit) {
      rest = (rest << 1) ^ ((rest & 0x8000'0000U) != 0 ? 0x04c1'1db7U : 0U);
    }
    table[octet] = rest;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kTable = make_table();

}  // namespace

std::uint32_t ogg_checksum(Bytes page) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < page.size(); ++i) {
    const bool is_own_field = i >= kChecksumAt && i < kChecksumAt + 4;
    const std::uint32_t octet = is_own_field ? 0 : load_u8(&page[i]);
    sum = (sum << 8) ^ kTable[(sum >> 24) ^ octet];
  }
  return sum;
}

void OggPage::add(Bytes packet) {
  CAUSEWAY_CHECK(has_room_for(packet.size()), "an Ogg page has 255 segments");
  for (std::size_t rest = packet.size();; rest -= 255) {
    if (rest < 255) {
      lacing_.push_back(static_cast<std::byte>(rest));
      break;
    }
    lacing_.push_back(std::byte{255});
  }
  body_.insert(body_.end(), packet.begin(), packet.end());
}

std::vector<std::byte> OggPage::finish(std::int64_t granule, std::uint8_t flags) {
  std::vector<std::byte> page;
  page.reserve(27 + lacing_.size() + body_.size());
  append_text(page, "OggS");
  append_le(page, std::uint8_t{0});
  append_le(page, flags);
  append_le(page, granule);
  append_le(page, serial_);
  append_le(page, number_++);
  append_le(page, std::uint32_t{0});
  append_le(page, static_cast<std::uint8_t>(lacing_.size()));
  page.insert(page.end(), lacing_.begin(), lacing_.end());
  page.insert(page.end(), body_.begin(), body_.end());
  const std::uint32_t sum = ogg_checksum(page);
  for (std::size_t i = 0; i < 4; ++i) {
    page[kChecksumAt + i] = static_cast<std::byte>((sum >> (8 * i)) & 0xffU);
  }
  lacing_.clear();
  body_.clear();
  return page;
}

}  // namespace causeway::record
