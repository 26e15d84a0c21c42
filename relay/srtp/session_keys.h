#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "relay/base/bytes.h"
#include "relay/base/secret.h"
#include "relay/srtp/key_derivation.h"
#include "relay/srtp/rules.h"

namespace causeway::srtp {

enum class Direction : std::uint8_t { Open, Seal };

/// Octets that are wiped when they go. For session keys on their way, and session salts.
template <std::size_t N>
struct WipedOctets {
  WipedOctets() = default;
  WipedOctets(const WipedOctets&) = default;
  WipedOctets& operator=(const WipedOctets&) = default;
  ~WipedOctets() { wipe(octets.data(), N); }

  std::array<std::byte, N> octets{};
};

/// The session key for `use`, N octets at most, by the rules' label.
template <typename R, std::size_t N>
[[nodiscard]] bool derive_session_key(Bytes key, Bytes salt, KeyUse use, WipedOctets<N>& out,
                                      std::size_t octets = N) {
  return derive_key(key, salt, R::kLabels[static_cast<std::size_t>(use)],
                    MutableBytes(out.octets).first(octets));
}

/// An IV: the salt, with SSRC and 48-bit index laid over it.
template <std::size_t N, std::size_t SaltOctets>
[[nodiscard]] std::array<std::byte, N> make_iv(const WipedOctets<SaltOctets>& salt,
                                               std::size_t ssrc_octet, std::uint32_t ssrc,
                                               std::size_t index_octet, std::uint64_t index) {
  static_assert(SaltOctets <= N);
  std::array<std::byte, N> iv{};
  for (std::size_t i = 0; i < SaltOctets; ++i) iv[i] = salt.octets[i];
  for (std::size_t i = 0; i < 4; ++i)
    iv[ssrc_octet + i] ^= static_cast<std::byte>(ssrc >> (24 - 8 * i));
  for (std::size_t i = 0; i < 6; ++i)
    iv[index_octet + i] ^= static_cast<std::byte>(index >> (40 - 8 * i));
  return iv;
}

}  // namespace causeway::srtp
