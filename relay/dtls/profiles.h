#pragma once

#include <array>
#include <optional>
#include <string>

#include "relay/base/bytes.h"
#include "relay/dtls/exchange.h"

namespace causeway::dtls {

/// What OpenSSL calls `profiles`, in their order: `SRTP_AEAD_AES_128_GCM:...`. Suites that RFC 5764
/// has no profile for are left out.
[[nodiscard]] std::string names_of(const Profiles& profiles);
/// By its number (RFC 5764 4.1.2, RFC 7714 14.2); nothing for the NULL ones and for unknown ones.
[[nodiscard]] std::optional<wire::SrtpSuite> suite_numbered(unsigned long profile);

/// The octets that the exporter gives for any profile are at most this many.
inline constexpr std::size_t kMaxExported = 2 * (32 + 14);
[[nodiscard]] std::size_t exported_octets(wire::SrtpSuite suite);
/// Cuts what the exporter gave into the keys of `report` (RFC 5764 4.2), whose suite is set:
///
///     | client key | server key | client salt | server salt |
///
/// REQUIRES: material.size() == exported_octets(report.suite).
void cut_keys(Bytes material, Role role, Report& report);

}  // namespace causeway::dtls
