#include "relay/wire/srtp_keys.h"

#include <array>

namespace causeway::wire {

namespace {

constexpr std::array<SrtpSuiteFacts, kSrtpSuites> kFacts = {{
    {SrtpSuite::AesCm128HmacSha1_80, "AES_CM_128_HMAC_SHA1_80", 16, 14, 10, 10, false},
    {SrtpSuite::AesCm128HmacSha1_32, "AES_CM_128_HMAC_SHA1_32", 16, 14, 4, 10, false},
    {SrtpSuite::AesCm256HmacSha1_80, "AES_256_CM_HMAC_SHA1_80", 32, 14, 10, 10, false},
    {SrtpSuite::AesCm256HmacSha1_32, "AES_256_CM_HMAC_SHA1_32", 32, 14, 4, 10, false},
    {SrtpSuite::AeadAes128Gcm, "AEAD_AES_128_GCM", 16, 12, 16, 16, true},
    {SrtpSuite::AeadAes256Gcm, "AEAD_AES_256_GCM", 32, 12, 16, 16, true},
}};

}  // namespace

const SrtpSuiteFacts& facts_of(SrtpSuite suite) { return kFacts[static_cast<std::size_t>(suite)]; }

std::optional<SrtpSuite> srtp_suite_named(std::string_view name) {
  if (name == "AES_CM_256_HMAC_SHA1_80") return SrtpSuite::AesCm256HmacSha1_80;
  if (name == "AES_CM_256_HMAC_SHA1_32") return SrtpSuite::AesCm256HmacSha1_32;
  for (const SrtpSuiteFacts& facts : kFacts) {
    if (facts.name == name) return facts.suite;
  }
  return std::nullopt;
}

}  // namespace causeway::wire
