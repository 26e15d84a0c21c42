#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace causeway {

/// The value of `name` among the `;`-separated parameters of an fmtp (RFC 4855 3), without case;
/// nothing where it is absent.
[[nodiscard]] std::optional<std::string_view> fmtp_value(std::string_view fmtp,
                                                         std::string_view name);
/// The same as a decimal number; nothing where it is absent or no number below 2^32.
[[nodiscard]] std::optional<std::uint32_t> fmtp_number(std::string_view fmtp,
                                                       std::string_view name);

/// Whether a packet of `encoding_name` that was made under one fmtp can be read under the other.
/// What only limits its sender (RFC 7587 6.1, RFC 7741 6.1) or lists what is understood (RFC 4733
/// 2.4.1) makes no difference; nor does the level of a picture (RFC 6184 8.2.2, RFC 9628 6.1, AV1's
/// RTP payload format 7.2.1), which is for the two endpoints to agree on. Of formats that are not
/// known here any difference counts.
[[nodiscard]] bool reads_alike(std::string_view encoding_name, std::string_view fmtp,
                               std::string_view other);

}  // namespace causeway
