#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace causeway {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

/// Loads and stores in network byte order. REQUIRES: `at` points at enough octets.
[[nodiscard]] constexpr std::uint8_t load_u8(const std::byte* at) {
  return std::to_integer<std::uint8_t>(*at);
}
[[nodiscard]] constexpr std::uint16_t load_be16(const std::byte* at) {
  return static_cast<std::uint16_t>((load_u8(at) << 8) | load_u8(at + 1));
}
[[nodiscard]] constexpr std::uint32_t load_be32(const std::byte* at) {
  return (std::uint32_t{load_be16(at)} << 16) | load_be16(at + 2);
}
[[nodiscard]] constexpr std::uint64_t load_be64(const std::byte* at) {
  return (std::uint64_t{load_be32(at)} << 32) | load_be32(at + 4);
}
constexpr void store_u8(std::byte* at, std::uint8_t value) { *at = std::byte{value}; }
constexpr void store_be16(std::byte* at, std::uint16_t value) {
  store_u8(at, static_cast<std::uint8_t>(value >> 8));
  store_u8(at + 1, static_cast<std::uint8_t>(value));
}
constexpr void store_be32(std::byte* at, std::uint32_t value) {
  store_be16(at, static_cast<std::uint16_t>(value >> 16));
  store_be16(at + 2, static_cast<std::uint16_t>(value));
}
constexpr void store_be64(std::byte* at, std::uint64_t value) {
  store_be32(at, static_cast<std::uint32_t>(value >> 32));
  store_be32(at + 4, static_cast<std::uint32_t>(value));
}

[[nodiscard]] inline Bytes as_octets(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace causeway
