#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "relay/base/secret.h"

namespace causeway::wire {

/// SRTP crypto suites by their SDES names (RFC 4568 6.2, RFC 6188, RFC 7714).
enum class SrtpSuite : std::uint8_t {
  AesCm128HmacSha1_80,
  AesCm128HmacSha1_32,
  AesCm256HmacSha1_80,
  AesCm256HmacSha1_32,
  AeadAes128Gcm,
  AeadAes256Gcm,
};
inline constexpr std::size_t kSrtpSuites = 6;

/// What a suite asks for, in octets. `rtcp_tag` differs from `rtp_tag` for the _32 suites
/// (RFC 4568 6.2.2: SRTCP keeps the 80-bit tag).
struct SrtpSuiteFacts {
  SrtpSuite suite;
  std::string_view name;  ///< `AES_CM_128_HMAC_SHA1_80`
  std::uint8_t key;       ///< Master key.
  std::uint8_t salt;      ///< Master salt.
  std::uint8_t rtp_tag;
  std::uint8_t rtcp_tag;
  bool is_aead;
};
[[nodiscard]] const SrtpSuiteFacts& facts_of(SrtpSuite suite);
/// By SDES name, also under the alias AES_256_CM_* / AES_CM_256_*; nothing for any other suite,
/// F8, NULL and AES-192 included.
[[nodiscard]] std::optional<SrtpSuite> srtp_suite_named(std::string_view name);

/// One master key with its salt, and how it may be used. Not copyable: it holds a secret.
struct SrtpMasterKey {
  SecretKey key;   ///< facts.key octets.
  SecretKey salt;  ///< facts.salt octets.
  /// Master key identifier, 0..128 octets; empty where the session does not use MKIs. All keys of a
  /// leg and direction have MKIs of one length.
  std::vector<std::byte> mki;
  /// Packets that may be protected under this key; at most 2^48 SRTP and 2^31 SRTCP (RFC 3711 9.2).
  std::uint64_t lifetime_packets = std::uint64_t{1} << 48;
};

/// The keys of one direction of a leg, the first one current for sending.
struct SrtpKeys {
  SrtpSuite suite = SrtpSuite::AesCm128HmacSha1_80;
  std::vector<SrtpMasterKey> keys;
};

}  // namespace causeway::wire
