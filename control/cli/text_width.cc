#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "control/cli/terminal.h"

namespace causeway::cli {

namespace {

/// A character of UTF-8, or one octet that is none.
struct Character {
  std::uint32_t code = 0;
  std::size_t octets = 1;
  bool is_valid = false;
};

/// The first one of `text`, which is not empty (RFC 3629: no overlong forms, no surrogates).
Character first(std::string_view text) {
  const auto octet = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint8_t lead = octet(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead < 0xc2   ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length == 0 || text.size() < length) return {lead, 1, false};
  std::uint32_t code = lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(i) & 0xc0U) != 0x80) return {lead, 1, false};
    code = code << 6 | (octet(i) & 0x3fU);
  }
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code < 0xe000;
  if (code < kLeast[length] || code > 0x10ffff || is_surrogate) return {lead, 1, false};
  return {code, length, true};
}

struct Range {
  std::uint32_t from;
  std::uint32_t to;
};

template <std::size_t Count>
bool is_in(std::uint32_t code, const std::array<Range, Count>& ranges) {
  return std::ranges::any_of(ranges, [&](Range r) { return code >= r.from && code <= r.to; });
}

/// Cc, the bidirectional controls, and the separators of lines and paragraphs.
constexpr std::array kControls = {Range{0, 0x1f},        Range{0x7f, 0x9f},
                                  Range{0x061c, 0x061c}, Range{0x200e, 0x200f},
                                  Range{0x2028, 0x202e}, Range{0x2066, 0x2069}};
/// Blocks of combining marks and of characters without width.
constexpr std::array kCombining = {
    Range{0x0300, 0x036f}, Range{0x1ab0, 0x1aff}, Range{0x1dc0, 0x1dff}, Range{0x200b, 0x200d},
    Range{0x20d0, 0x20ff}, Range{0xfe00, 0xfe0f}, Range{0xfe20, 0xfe2f}};
/// Blocks whose East Asian Width is W or F (Unicode Standard Annex 11), and pictures.
constexpr std::array kWide = {
    Range{0x1100, 0x115f},   Range{0x2e80, 0xa4cf},  Range{0xac00, 0xd7a3}, Range{0xf900, 0xfaff},
    Range{0xfe30, 0xfe6f},   Range{0xff00, 0xff60},  Range{0xffe0, 0xffe6}, Range{0x1f300, 0x1f64f},
    Range{0x1f900, 0x1f9ff}, Range{0x20000, 0x3fffd}};

std::size_t width_of(const Character& character) {
  if (is_in(character.code, kCombining)) return 0;
  return is_in(character.code, kWide) ? 2 : 1;
}

std::string escaped(std::string_view text, bool keeps_lines) {
  std::string out;
  while (!text.empty()) {
    const Character character = first(text);
    const bool is_kept = keeps_lines && text[0] == '\n';
    if (is_kept || (character.is_valid && !is_in(character.code, kControls))) {
      out += text.substr(0, character.octets);
    } else {
      char code[16];
      std::snprintf(code, sizeof code, character.code < 0x100 ? "\\x%02x" : "\\u%04x",
                    static_cast<unsigned>(character.code));
      out += code;
    }
    text.remove_prefix(character.octets);
  }
  return out;
}

}  // namespace

std::string visible(std::string_view text) { return escaped(text, false); }

std::string visible_lines(std::string_view text) { return escaped(text, true); }

std::size_t columns(std::string_view text) {
  std::size_t sum = 0;
  while (!text.empty()) {
    const Character character = first(text);
    sum += width_of(character);
    text.remove_prefix(character.octets);
  }
  return sum;
}

std::string fit(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::string out;
  std::size_t taken = 0;
  while (!text.empty()) {
    const Character character = first(text);
    if (taken + width_of(character) > width - 1) break;
    taken += width_of(character);
    out += text.substr(0, character.octets);
    text.remove_prefix(character.octets);
  }
  return out + "~";
}

std::string pad_left(std::string_view text, std::size_t width) {
  const std::size_t taken = columns(text);
  return std::string(taken < width ? width - taken : 0, ' ') + std::string(text);
}

std::string pad_right(std::string_view text, std::size_t width) {
  const std::size_t taken = columns(text);
  return std::string(text) + std::string(taken < width ? width - taken : 0, ' ');
}

}  // namespace causeway::cli
