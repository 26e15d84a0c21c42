#pragma once

#include <cstdint>
#include <vector>

#include "relay/base/bytes.h"

namespace causeway::record {

/// The checksum of an Ogg page (RFC 3533 section 6): polynomial 0x04c11db7, not reflected, begun
/// with 0, no final xor; the page's own checksum field counts as 0.
[[nodiscard]] std::uint32_t ogg_checksum(Bytes page);

/// Collects packets into one page of a logical Ogg stream (RFC 3533 section 6). Pure; not
/// thread-safe.
///
///     "OggS" | u8 0 | u8 flags | i64 granule | u32 serial | u32 page | u32 checksum
///     | u8 segments | a length of 0..255 for each segment | packets
class OggPage {
 public:
  static constexpr std::uint8_t kBeginOfStream = 0x02;
  static constexpr std::uint8_t kEndOfStream = 0x04;

  explicit OggPage(std::uint32_t serial) : serial_(serial) {}

  /// Whether a packet of `octets` fits whole into what is left of the page's 255 segments.
  [[nodiscard]] bool has_room_for(std::size_t octets) const {
    return lacing_.size() + octets / 255 + 1 <= 255;
  }
  /// REQUIRES: has_room_for(packet.size()).
  void add(Bytes packet);
  [[nodiscard]] bool empty() const { return lacing_.empty(); }

  /// The page as octets, and the next page begun. `granule`: the position at the end of the last
  /// packet.
  [[nodiscard]] std::vector<std::byte> finish(std::int64_t granule, std::uint8_t flags);

 private:
  const std::uint32_t serial_;
  std::uint32_t number_ = 0;
  std::vector<std::byte> lacing_;
  std::vector<std::byte> body_;
};

}  // namespace causeway::record
