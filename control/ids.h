#pragma once

#include <algorithm>
#include <string_view>

namespace causeway::control {

/// An id is 1 to 64 characters of `A-Z a-z 0-9 . _ ~ -`, beginning with a letter, a digit or `_`
/// (so that it is safe as the name of a file and of a folder).
[[nodiscard]] inline bool is_id(std::string_view text) {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const auto is_id_character = [&](char c) {
    return is_alphanumeric(c) || c == '.' || c == '_' || c == '~' || c == '-';
  };
  return !text.empty() && text.size() <= 64 &&
         (is_alphanumeric(text.front()) || text.front() == '_') &&
         std::ranges::all_of(text, is_id_character);
}

}  // namespace causeway::control
