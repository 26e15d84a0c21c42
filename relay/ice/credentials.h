#pragma once

#include <string>
#include <string_view>

#include "relay/base/bytes.h"
#include "relay/wire/hmac_sha1.h"

namespace causeway::ice {

/// One side's half of ICE's short-term credentials (RFC 8445 5.3): the username fragment, and what
/// its password makes of messages. The password itself is not kept. Made off the worker.
struct Credentials {
  std::string ufrag;
  wire::HmacSha1 key;

  Credentials() = default;
  Credentials(std::string_view fragment, std::string_view password)
      : ufrag(fragment), key(as_octets(password)) {}
};

/// Random octets in the alphabet of ICE (RFC 8839 5.4: letters, digits, '+', '/'), six bits a
/// character: 24 bits are the least for a fragment, 128 for a password.
inline constexpr std::string_view kIceChars =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
[[nodiscard]] std::string to_ice_chars(Bytes random);
/// Whether a text is a username fragment (4 to 256 ice-chars) or a password (22 to 256).
[[nodiscard]] bool is_ufrag(std::string_view text);
[[nodiscard]] bool is_password(std::string_view text);

}  // namespace causeway::ice
