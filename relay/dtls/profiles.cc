#include "relay/dtls/profiles.h"

#include <algorithm>

namespace causeway::dtls {

namespace {

struct Profile {
  wire::SrtpSuite suite;
  unsigned long number;
  const char* name;
};
constexpr std::array kProfiles = {
    Profile{wire::SrtpSuite::AesCm128HmacSha1_80, 0x0001, "SRTP_AES128_CM_SHA1_80"},
    Profile{wire::SrtpSuite::AesCm128HmacSha1_32, 0x0002, "SRTP_AES128_CM_SHA1_32"},
    Profile{wire::SrtpSuite::AeadAes128Gcm, 0x0007, "SRTP_AEAD_AES_128_GCM"},
    Profile{wire::SrtpSuite::AeadAes256Gcm, 0x0008, "SRTP_AEAD_AES_256_GCM"}};

}  // namespace

std::string names_of(const Profiles& profiles) {
  std::string names;
  for (const wire::SrtpSuite suite : profiles) {
    const auto* const found = std::ranges::find(kProfiles, suite, &Profile::suite);
    if (found == kProfiles.end()) continue;
    if (!names.empty()) names += ':';
    names += found->name;
  }
  return names;
}

std::optional<wire::SrtpSuite> suite_numbered(unsigned long profile) {
  const auto* const found = std::ranges::find(kProfiles, profile, &Profile::number);
  if (found == kProfiles.end()) return std::nullopt;
  return found->suite;
}

std::size_t exported_octets(wire::SrtpSuite suite) {
  const wire::SrtpSuiteFacts& facts = wire::facts_of(suite);
  return 2 * (std::size_t{facts.key} + facts.salt);
}

void cut_keys(Bytes material, Role role, Report& report) {
  const wire::SrtpSuiteFacts& facts = wire::facts_of(report.suite);
  const std::size_t key = facts.key;
  const std::size_t salt = facts.salt;
  SecretKey client_key(material.first(key));
  SecretKey server_key(material.subspan(key, key));
  SecretKey client_salt(material.subspan(2 * key, salt));
  SecretKey server_salt(material.subspan(2 * key + salt, salt));
  const bool is_client = role == Role::Active;
  report.send_key = std::move(is_client ? client_key : server_key);
  report.send_salt = std::move(is_client ? client_salt : server_salt);
  report.receive_key = std::move(is_client ? server_key : client_key);
  report.receive_salt = std::move(is_client ? server_salt : client_salt);
}

}  // namespace causeway::dtls
