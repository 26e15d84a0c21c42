#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "relay/base/bytes.h"

namespace causeway::srtp {

/// Base64 of RFC 4648 section 4, for keys: what it is given and what it gives may be secrets.
[[nodiscard]] std::string encode_base64(Bytes octets);
/// How many octets were decoded into `out`; nothing where `text` is not base64 or does not fit.
/// Padding may be left out, as some peers do.
[[nodiscard]] std::optional<std::size_t> decode_base64(std::string_view text, MutableBytes out);

}  // namespace causeway::srtp
