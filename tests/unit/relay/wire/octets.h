#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/check.h"
#include "relay/base/packet_buf.h"

namespace causeway::wire {

/// Octets written as hexadecimal digits; blanks between them are for the reader.
inline std::vector<std::byte> hex(std::string_view text) {
  std::vector<std::byte> octets;
  int high = -1;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    CAUSEWAY_CHECK(digit >= 0 && digit < 16, "a hexadecimal digit");
    if (high < 0) {
      high = digit;
    } else {
      octets.push_back(static_cast<std::byte>(high * 16 + digit));
      high = -1;
    }
  }
  return octets;
}

inline std::string to_hex(Bytes octets) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte octet : octets) {
    text += kDigits[std::to_integer<unsigned>(octet) >> 4];
    text += kDigits[std::to_integer<unsigned>(octet) & 15U];
  }
  return text;
}

/// A pooled packet with these octets.
inline PacketBuf packet_of(PacketPool& pool, Bytes octets) {
  PacketBuf packet = pool.take();
  packet.resize(octets.size());
  std::ranges::copy(octets, packet.data().begin());
  return packet;
}

}  // namespace causeway::wire
