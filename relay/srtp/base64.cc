#include "relay/srtp/base64.h"

#include <cstdint>

namespace causeway::srtp {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string encode_base64(Bytes octets) {
  std::string text;
  text.reserve((octets.size() + 2) / 3 * 4);  // at once, so that no copy of a key stays behind
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    const std::size_t left = octets.size() - i;
    const std::uint32_t group = (std::uint32_t{load_u8(&octets[i])} << 16) |
                                (left > 1 ? std::uint32_t{load_u8(&octets[i + 1])} << 8 : 0) |
                                (left > 2 ? std::uint32_t{load_u8(&octets[i + 2])} : 0);
    text += kAlphabet[group >> 18];
    text += kAlphabet[(group >> 12) & 63];
    text += left > 1 ? kAlphabet[(group >> 6) & 63] : '=';
    text += left > 2 ? kAlphabet[group & 63] : '=';
  }
  return text;
}

std::optional<std::size_t> decode_base64(std::string_view text, MutableBytes out) {
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  if (text.size() % 4 == 1 || text.size() / 4 * 3 + text.size() % 4 * 3 / 4 > out.size()) {
    return std::nullopt;
  }
  std::size_t octets = 0;
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    out[octets++] = static_cast<std::byte>(bits >> bit_count);
  }
  return octets;
}

}  // namespace causeway::srtp
