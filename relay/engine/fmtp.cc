#include "relay/engine/fmtp.h"

#include <algorithm>
#include <charconv>

#include "relay/base/text.h"

namespace causeway::engine {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::optional<std::string_view> fmtp_value(std::string_view fmtp, std::string_view name) {
  while (!fmtp.empty()) {
    const auto end = std::min(fmtp.find(';'), fmtp.size());
    const std::string_view parameter = fmtp.substr(0, end);
    fmtp.remove_prefix(std::min(end + 1, fmtp.size()));
    const auto equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    if (equal_ignoring_case(trimmed(parameter.substr(0, equals)), name)) {
      return trimmed(parameter.substr(equals + 1));
    }
  }
  return std::nullopt;
}

std::optional<std::uint32_t> fmtp_number(std::string_view fmtp, std::string_view name) {
  const auto value = fmtp_value(fmtp, name);
  if (!value) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc{} || end != value->data() + value->size()) return std::nullopt;
  return number;
}

}  // namespace causeway::engine
