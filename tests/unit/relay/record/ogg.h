#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tests/unit/relay/record/rig.h"

namespace causeway::record::test {

struct ParsedPage {
  std::uint8_t flags = 0;
  std::int64_t granule = 0;
  std::uint32_t serial = 0;
  std::uint32_t number = 0;
  std::vector<std::vector<std::byte>> packets;
};

/// The checksum of RFC 3533, bit by bit.
inline std::uint32_t slow_checksum(std::vector<std::byte> page) {
  for (std::size_t i = 22; i < 26; ++i) page[i] = std::byte{0};
  std::uint32_t sum = 0;
  for (const std::byte octet : page) {
    for (int bit = 7; bit >= 0; --bit) {
      const bool in = ((std::to_integer<unsigned>(octet) >> bit) & 1U) != 0;
      const bool out = (sum & 0x8000'0000U) != 0;
      sum = (sum << 1) ^ (in != out ? 0x04c1'1db7U : 0U);
    }
  }
  return sum;
}

/// All whole pages of a file, strictly read: each checksum right, no packet across pages. Nothing
/// where one is wrong; what is cut off at the end is left alone.
inline std::optional<std::vector<ParsedPage>> parse_ogg(const std::vector<std::byte>& file) {
  std::vector<ParsedPage> pages;
  for (std::size_t at = 0; at + 27 <= file.size();) {
    const Bytes rest = Bytes(file).subspan(at);
    if (load_le(rest, 0, 4) != 0x5367674fU || load_le(rest, 4, 1) != 0) return std::nullopt;
    const std::size_t segments = load_le(rest, 26, 1);
    if (27 + segments > rest.size()) break;
    std::size_t size = 27 + segments;
    for (std::size_t i = 0; i < segments; ++i) size += load_le(rest, 27 + i, 1);
    if (size > rest.size()) break;
    if (load_le(rest, 22, 4) !=
        slow_checksum({rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size)})) {
      return std::nullopt;
    }
    ParsedPage page;
    page.flags = static_cast<std::uint8_t>(load_le(rest, 5, 1));
    page.granule = static_cast<std::int64_t>(load_le(rest, 6, 8));
    page.serial = static_cast<std::uint32_t>(load_le(rest, 14, 4));
    page.number = static_cast<std::uint32_t>(load_le(rest, 18, 4));
    std::vector<std::byte> packet;
    std::size_t body = 27 + segments;
    for (std::size_t i = 0; i < segments; ++i) {
      const std::size_t length = load_le(rest, 27 + i, 1);
      const Bytes piece = rest.subspan(body, length);
      packet.insert(packet.end(), piece.begin(), piece.end());
      body += length;
      if (length == 255) {
        if (i + 1 == segments) return std::nullopt;  // goes on in the next page: none of ours does
        continue;
      }
      page.packets.push_back(std::move(packet));
      packet.clear();
    }
    pages.push_back(std::move(page));
    at += size;
  }
  return pages;
}

}  // namespace causeway::record::test
