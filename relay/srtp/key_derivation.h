#pragma once

#include <cstdint>

#include "relay/base/bytes.h"

namespace causeway::srtp {

/// The key derivation of RFC 3711 4.3 (AES-CM as the PRF, of the master key's own size: RFC 6188,
/// RFC 7714 11) with a derivation rate of zero: fills `out` from a master key and salt. A salt of
/// 12 octets (the GCM suites) is padded with zeros on the right. Returns false where OpenSSL
/// refuses. REQUIRES: 16 or 32 octets of key, 12 or 14 of salt, out.size() <= 64.
[[nodiscard]] bool derive_key(Bytes master_key, Bytes master_salt, std::uint8_t label,
                              MutableBytes out);

}  // namespace causeway::srtp
