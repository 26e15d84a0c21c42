#include "tests/e2e/offline_chain/trace.h"

#include <sstream>
#include <stdexcept>

namespace offline {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Takes an RTP packet apart (RFC 3550 5.1); nothing where its lengths lie.
std::optional<Packet> parse_rtp(const std::vector<std::uint8_t>& octets) {
  if (octets.size() < 12 || octets[0] >> 6 != 2) return std::nullopt;
  const bool has_padding = (octets[0] & 0x20) != 0;
  const bool has_extension = (octets[0] & 0x10) != 0;
  std::size_t begin = 12 + 4 * std::size_t{static_cast<std::uint8_t>(octets[0] & 0x0F)};
  if (has_extension) {
    if (octets.size() < begin + 4) return std::nullopt;
    begin += 4 + 4 * ((std::size_t{octets[begin + 2]} << 8) | octets[begin + 3]);
  }
  std::size_t end = octets.size();
  if (has_padding) {
    if (octets.back() == 0 || octets.back() > end) return std::nullopt;
    end -= octets.back();
  }
  if (begin > end) return std::nullopt;
  Packet packet;
  packet.payload_type = octets[1] & 0x7F;
  packet.sequence = static_cast<std::uint16_t>((octets[2] << 8) | octets[3]);
  packet.timestamp = (std::uint32_t{octets[4]} << 24) | (std::uint32_t{octets[5]} << 16) |
                     (std::uint32_t{octets[6]} << 8) | octets[7];
  packet.payload.assign(octets.begin() + static_cast<std::ptrdiff_t>(begin),
                        octets.begin() + static_cast<std::ptrdiff_t>(end));
  return packet;
}

}  // namespace

std::optional<std::vector<std::uint8_t>> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::vector<std::uint8_t> octets;
  octets.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = digit(hex[i]);
    const int low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    octets.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return octets;
}

std::string to_hex(const std::vector<std::uint8_t>& octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(octets.size() * 2);
  for (const std::uint8_t octet : octets) {
    hex += kDigits[octet >> 4];
    hex += kDigits[octet & 0x0F];
  }
  return hex;
}

std::vector<Packet> read_trace(std::istream& in) {
  std::vector<Packet> packets;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::int64_t arrival_ns = 0;
    std::string hex;
    std::optional<Packet> packet;
    if (fields >> arrival_ns >> hex) {
      if (const auto octets = from_hex(hex)) packet = parse_rtp(*octets);
    }
    if (!packet) {
      throw std::runtime_error("line " + std::to_string(number) +
                               " is not `<arrival_ns> <hex of an RTP packet>`");
    }
    packet->arrival_ns = arrival_ns;
    packets.push_back(std::move(*packet));
  }
  return packets;
}

}  // namespace offline
