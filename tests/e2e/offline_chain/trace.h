#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Part of the offline chain, which includes nothing of relay/ or codecs/: it is the second opinion.
namespace offline {

/// One RTP packet of a capture: what RFC 3550 5.1 says of it, the payload without padding.
struct Packet {
  std::int64_t arrival_ns = 0;
  std::uint8_t payload_type = 0;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::vector<std::uint8_t> payload;
};

/// The octets of `hex`, or nothing where it is not hex of whole octets.
std::optional<std::vector<std::uint8_t>> from_hex(std::string_view hex);
std::string to_hex(const std::vector<std::uint8_t>& octets);

/// Reads lines `<arrival_ns> <hex of the whole RTP packet>`; empty lines and lines that begin with
/// # are passed over. Throws std::runtime_error, which names the line, where one is neither.
std::vector<Packet> read_trace(std::istream& in);

}  // namespace offline
