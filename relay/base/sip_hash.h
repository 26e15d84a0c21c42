#pragma once

#include <array>
#include <cstdint>

#include "relay/base/bytes.h"

namespace causeway {

using SipKey = std::array<std::uint64_t, 2>;

/// SipHash-2-4 (Aumasson, Bernstein 2012): 64 bits that nobody without the key can foresee, so
/// that whoever chooses messages cannot choose where they fall in a table.
[[nodiscard]] std::uint64_t sip_hash(const SipKey& key, Bytes message);
/// The same of a message that is one 64-bit number in its little-endian octets.
[[nodiscard]] std::uint64_t sip_hash(const SipKey& key, std::uint64_t message);

}  // namespace causeway
