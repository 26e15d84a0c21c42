#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace causeway {

/// ASCII without regard to case: the comparison that SDP names, SIP and RFC 4855 ask for. The C
/// library's tolower would follow the locale.
[[nodiscard]] constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, ascii_lower, ascii_lower);
}
[[nodiscard]] inline std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), ascii_lower);
  return lower;
}

}  // namespace causeway
