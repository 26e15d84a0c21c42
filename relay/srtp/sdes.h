#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/result.h"
#include "relay/wire/srtp_keys.h"

namespace causeway::srtp {

/// The value of an SDP `a=crypto:` attribute (RFC 4568 9.2, RFC 6188 5, RFC 7714 14.1). It holds
/// the keys that whoever wrote it sends with. Move-only, as its keys are.
///
///     1 AES_CM_128_HMAC_SHA1_80 inline:<key and salt>|2^20|1:4;inline:...  WSH=128 FEC_ORDER=...
///     tag        suite                             lifetime mki       session parameters
struct SdesAttribute {
  /// Which packets of a stream with FEC are made first (RFC 4568 6.3.5).
  enum class FecOrder : std::uint8_t { FecThenSrtp, SrtpThenFec };

  std::uint32_t tag = 1;  ///< At most nine digits; an answer repeats the offer's.
  wire::SrtpKeys keys;
  std::optional<std::uint32_t> window_size_hint;  ///< WSH: packets, at least 64.
  std::optional<FecOrder> fec_order;
  std::vector<wire::SrtpMasterKey> fec_keys;  ///< FEC_KEY; empty where FEC uses `keys`.
};

/// Reads a value, with or without `a=crypto:` before it. Whatever would weaken the call or change
/// its packets in a way that we do not follow is refused: UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP,
/// UNAUTHENTICATED_SRTP, KDR, suites without a cipher or unknown, parameters unknown to us unless
/// marked optional by a leading `-` (these are left out).
/// Errors: InvalidArgument KEY_LENGTH (key and salt are not as long as the suite's), CRYPTO_INVALID
/// (all else); `field` names the part (`keys[1].mki`, `suite`). Never quotes a key.
[[nodiscard]] Result<SdesAttribute, Error> parse_sdes(std::string_view text);

/// Writes the value, without `a=crypto:`. Whoever gets it holds the keys. Reading it again gives
/// the same attribute. REQUIRES: an attribute that parse_sdes could have read.
[[nodiscard]] std::string write_sdes(const SdesAttribute& attribute);

}  // namespace causeway::srtp
