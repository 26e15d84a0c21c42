#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace causeway::engine {

/// The value of `name` among the `;`-separated parameters of an fmtp (RFC 4855 3), without case;
/// nothing where it is absent.
[[nodiscard]] std::optional<std::string_view> fmtp_value(std::string_view fmtp,
                                                         std::string_view name);
/// The same as a decimal number; nothing where it is absent or no number below 2^32.
[[nodiscard]] std::optional<std::uint32_t> fmtp_number(std::string_view fmtp,
                                                       std::string_view name);

}  // namespace causeway::engine
