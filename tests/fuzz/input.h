#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "relay/base/bytes.h"
#include "relay/base/check.h"
#include "relay/base/packet_buf.h"

namespace causeway::fuzz {

/// A fuzzer's octets, taken from the front as choices and as data. Reading past the end gives zeros
/// and empty spans, so that every input means something.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(std::as_bytes(std::span(data, size))) {}

  [[nodiscard]] bool is_empty() const { return rest_.empty(); }
  [[nodiscard]] std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  [[nodiscard]] std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  [[nodiscard]] std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  /// Up to `octets` of what is left.
  [[nodiscard]] Bytes take(std::size_t octets) {
    const Bytes taken = rest_.first(octets < rest_.size() ? octets : rest_.size());
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  [[nodiscard]] Bytes rest() const { return rest_; }
  [[nodiscard]] std::string_view rest_as_text() const {
    return {reinterpret_cast<const char*>(rest_.data()), rest_.size()};
  }

 private:
  std::uint64_t number(std::size_t octets) {
    std::uint64_t value = 0;
    for (const std::byte octet : take(octets)) value = (value << 8) | load_u8(&octet);
    return value;
  }

  Bytes rest_;
};

/// A packet that holds `octets`, cut to what a socket would have given us.
[[nodiscard]] inline PacketBuf packet_of(PacketPool& pool, Bytes octets) {
  if (octets.size() > PacketBuf::kMaxData) octets = octets.first(PacketBuf::kMaxData);
  PacketBuf packet = pool.take();
  CAUSEWAY_CHECK(static_cast<bool>(packet), "the fuzz target lost a packet");
  packet.resize(octets.size());
  for (std::size_t i = 0; i < octets.size(); ++i) packet.data()[i] = octets[i];
  return packet;
}

/// Reads every octet, so that a sanitizer sees a view that reaches too far.
inline void read_all(Bytes octets) {
  std::uint32_t sum = 0;
  for (const std::byte octet : octets) sum += load_u8(&octet);
  // Keeps the compiler from leaving the reads out.
  asm volatile("" : : "r"(sum));
}

}  // namespace causeway::fuzz
