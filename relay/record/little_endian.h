#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

namespace causeway::record {

/// Appends an integer in little-endian order, as RIFF and Ogg have them.
template <typename T>
void append_le(std::vector<std::byte>& out, T value) {
  auto rest = static_cast<std::make_unsigned_t<T>>(value);
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<std::byte>(rest & 0xffU));
    if constexpr (sizeof(T) > 1) rest = static_cast<std::make_unsigned_t<T>>(rest >> 8);
  }
}

/// Appends characters without a terminator.
inline void append_text(std::vector<std::byte>& out, std::string_view text) {
  for (const char letter : text) out.push_back(static_cast<std::byte>(letter));
}

}  // namespace causeway::record
