#include "control/translate_keys.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "control/crypto_attribute.h"
#include "control/names.h"
#include "relay/srtp/key_check.h"

namespace causeway::control {

namespace {

struct SuiteName {
  v1::SrtpSuite api;
  wire::SrtpSuite relay;
};
constexpr std::array kSuites = {
    SuiteName{v1::SRTP_SUITE_AES_CM_128_HMAC_SHA1_80, wire::SrtpSuite::AesCm128HmacSha1_80},
    SuiteName{v1::SRTP_SUITE_AES_CM_128_HMAC_SHA1_32, wire::SrtpSuite::AesCm128HmacSha1_32},
    SuiteName{v1::SRTP_SUITE_AES_256_CM_HMAC_SHA1_80, wire::SrtpSuite::AesCm256HmacSha1_80},
    SuiteName{v1::SRTP_SUITE_AES_256_CM_HMAC_SHA1_32, wire::SrtpSuite::AesCm256HmacSha1_32},
    SuiteName{v1::SRTP_SUITE_AEAD_AES_128_GCM, wire::SrtpSuite::AeadAes128Gcm},
    SuiteName{v1::SRTP_SUITE_AEAD_AES_256_GCM, wire::SrtpSuite::AeadAes256Gcm},
};

constexpr std::uint32_t kMinWindow = 1024;
constexpr std::uint32_t kMaxAskedWindow = 32'768;
constexpr std::uint32_t kMaxWindow = 16'384;
constexpr std::uint64_t kMaxLifetime = std::uint64_t{1} << 48;
constexpr std::size_t kMaxMki = 128;

Bytes octets_of(const std::string& text) { return std::as_bytes(std::span(text)); }

/// Window and rollover counter: what stands beside the keys.
Answer<void> read_parameters(const v1::SrtpKeys& keys, const Field& field, KeySet& set) {
  if (keys.window_size() > kMaxAskedWindow) {
    return failure(invalid(Field{"window_size", &field}, "At most 32768 packets."));
  }
  if (keys.window_size() != 0) {
    set.replay_window = static_cast<std::uint16_t>(
        std::clamp(std::bit_ceil(keys.window_size()), kMinWindow, kMaxWindow));
  }
  set.initial_roc = keys.initial_roc();
  return {};
}

Answer<wire::SrtpMasterKey> read_master_key(const v1::SrtpMasterKey& in, wire::SrtpSuite suite,
                                            const Field& field) {
  const wire::SrtpSuiteFacts& facts = wire::facts_of(suite);
  const std::size_t wanted = std::size_t{facts.key} + facts.salt;
  if (in.material().size() != wanted) {
    return failure(field_error("KEY_LENGTH", Field{"material", &field},
                               std::string(facts.name) + " takes " + std::to_string(wanted) +
                                   " octets of master key and salt, not " +
                                   std::to_string(in.material().size()) + "."));
  }
  if (in.mki().size() > kMaxMki) {
    return failure(
        field_error("KEY_LENGTH", Field{"mki", &field}, "An MKI has at most 128 octets."));
  }
  if (in.lifetime_packets() > kMaxLifetime) {
    return failure(invalid(Field{"lifetime_packets", &field}, "At most 2^48 packets."));
  }
  wire::SrtpMasterKey key;
  key.key = SecretKey(octets_of(in.material()).first(facts.key));
  key.salt = SecretKey(octets_of(in.material()).subspan(facts.key));
  key.mki.assign(octets_of(in.mki()).begin(), octets_of(in.mki()).end());
  if (in.lifetime_packets() != 0) key.lifetime_packets = in.lifetime_packets();
  return key;
}

Answer<KeySet> read_listed(const v1::SrtpKeys& keys, const Field& field) {
  const auto suite = read_suite(keys.suite(), Field{"suite", &field});
  if (!suite) return failure(suite.error());
  if (!*suite) {
    return failure(required(Field{"suite", &field}, "Keys without `crypto` are of a suite."));
  }
  KeySet set;
  set.keys.suite = **suite;
  for (int i = 0; i < keys.keys_size(); ++i) {
    auto key = read_master_key(keys.keys(i), set.keys.suite, Field{"keys", &field, i});
    if (!key) return failure(std::move(key).error());
    set.keys.keys.push_back(std::move(*key));
  }
  return set;
}

void wipe(std::string& text) {
  causeway::wipe(text.data(), text.size());
  text.clear();
}

}  // namespace

std::optional<wire::SrtpSuite> suite_of(v1::SrtpSuite suite) {
  const auto* const found = std::ranges::find(kSuites, suite, &SuiteName::api);
  return found == kSuites.end() ? std::nullopt : std::optional(found->relay);
}

v1::SrtpSuite suite_of(wire::SrtpSuite suite) {
  const auto* const found = std::ranges::find(kSuites, suite, &SuiteName::relay);
  return found == kSuites.end() ? v1::SRTP_SUITE_UNSPECIFIED : found->api;
}

Answer<std::optional<wire::SrtpSuite>> read_suite(v1::SrtpSuite suite, const Field& field) {
  if (suite == v1::SRTP_SUITE_UNSPECIFIED) return std::optional<wire::SrtpSuite>();
  const auto known = suite_of(suite);
  if (!known) return failure(invalid(field, "This is no SRTP suite."));
  return known;
}

Answer<srtp::RocPolicy> read_roc_policy(v1::SrtpRocPolicy policy, const Field& field) {
  switch (policy) {
    case v1::SRTP_ROC_POLICY_UNSPECIFIED:
    case v1::SRTP_ROC_POLICY_AUTO:
      return srtp::RocPolicy::Auto;
    case v1::SRTP_ROC_POLICY_KEEP:
      return srtp::RocPolicy::Keep;
    case v1::SRTP_ROC_POLICY_RESET:
      return srtp::RocPolicy::Reset;
    default:
      return failure(invalid(field, "This is no policy for rollover counters."));
  }
}

bool has_material(const v1::SrtpKeys& keys) {
  return keys.keys_size() != 0 || !keys.crypto().empty();
}

Answer<KeySet> translate_keys(const v1::SrtpKeys& keys, const Field& field) {
  const bool has_crypto = !keys.crypto().empty();
  if (has_crypto && keys.keys_size() != 0) {
    return failure(
        invalid(Field{"crypto", &field}, "Give either `suite` and `keys`, or `crypto`."));
  }
  if (!has_crypto && keys.keys_size() == 0) {
    return failure(required(Field{"keys", &field}, "At least one master key is needed."));
  }
  const Field crypto{"crypto", &field};
  auto set = has_crypto ? read_crypto(keys.crypto(), crypto) : read_listed(keys, field);
  if (!set) return set;
  if (has_crypto && keys.suite() != v1::SRTP_SUITE_UNSPECIFIED &&
      keys.suite() != suite_of(set->keys.suite)) {
    return failure(invalid(Field{"suite", &field}, "`crypto` is of another suite."));
  }
  if (auto done = read_parameters(keys, field, *set); !done)
    return failure(std::move(done).error());
  if (auto checked = srtp::check_keys(set->keys); !checked) {
    ApiError error = from_relay(checked.error());
    error.field = Field{checked.error().field, has_crypto ? &crypto : &field}.text();
    return failure(std::move(error));
  }
  return set;
}

Answer<KeySet> make_keys(wire::SrtpSuite suite, std::uint32_t tag, const v1::SrtpKeys& wanted,
                         const Field& field) {
  const wire::SrtpSuiteFacts& facts = wire::facts_of(suite);
  KeySet set;
  if (auto done = read_parameters(wanted, field, set); !done)
    return failure(std::move(done).error());
  std::array<std::byte, 2 * SecretKey::kMaxOctets> octets;
  const std::span<std::byte> material =
      std::span(octets).first(std::size_t{facts.key} + facts.salt);
  fill_random(material.data(), material.size());
  wire::SrtpMasterKey key;
  key.key = SecretKey(material.first(facts.key));
  key.salt = SecretKey(material.subspan(facts.key));
  causeway::wipe(octets.data(), octets.size());
  set.keys.suite = suite;
  set.keys.keys.push_back(std::move(key));
  set.tag = tag;
  set.is_made = true;
  return set;
}

v1::SrtpKeys public_keys(const KeySet& keys) {
  v1::SrtpKeys out;
  out.set_suite(suite_of(keys.keys.suite));
  for (const wire::SrtpMasterKey& key : keys.keys.keys) {
    v1::SrtpMasterKey& shown = *out.add_keys();
    shown.set_mki(key.mki.data(), key.mki.size());
    if (key.lifetime_packets != kMaxLifetime) shown.set_lifetime_packets(key.lifetime_packets);
  }
  out.set_window_size(keys.replay_window);
  out.set_initial_roc(keys.initial_roc);
  return out;
}

void show_made_keys(const KeySet& keys, v1::SrtpKeys& out) {
  out = public_keys(keys);
  for (std::size_t i = 0; i < keys.keys.keys.size(); ++i) {
    const wire::SrtpMasterKey& key = keys.keys.keys[i];
    std::string& material = *out.mutable_keys(static_cast<int>(i))->mutable_material();
    material.reserve(key.key.size() + key.salt.size());
    for (const Bytes part : {key.key.bytes(), key.salt.bytes()}) {
      for (const std::byte octet : part) material += static_cast<char>(octet);
    }
  }
  out.set_crypto(write_crypto(keys));
}

std::shared_ptr<const jsep::SecretText> crypto_of(const KeySet& keys) {
  std::string text = write_crypto(keys);
  auto secret = std::make_shared<const jsep::SecretText>(text);
  wipe(text);
  return secret;
}

void wipe_keys(v1::SrtpKeys& keys) {
  for (v1::SrtpMasterKey& key : *keys.mutable_keys()) wipe(*key.mutable_material());
  wipe(*keys.mutable_crypto());
}

void wipe_keys(v1::Leg& leg) {
  if (leg.transport().has_ice()) {
    wipe(*leg.mutable_transport()->mutable_ice()->mutable_remote_password());
    wipe(*leg.mutable_transport()->mutable_ice()->mutable_local_password());
  }
  if (!leg.has_security() || !leg.security().has_sdes()) return;
  v1::SdesSecurity& sdes = *leg.mutable_security()->mutable_sdes();
  if (sdes.has_receive()) wipe_keys(*sdes.mutable_receive());
  if (sdes.has_send()) wipe_keys(*sdes.mutable_send());
}

}  // namespace causeway::control
