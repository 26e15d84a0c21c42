#include "relay/srtp/key_check.h"

#include <openssl/sha.h>

#include <algorithm>
#include <bit>
#include <string>

#include "relay/base/secret.h"

namespace causeway::srtp {

namespace {

constexpr std::size_t kMaxMkiOctets = 128;
constexpr std::uint64_t kMaxLifetime = std::uint64_t{1} << 48;

auto invalid(std::string_view reason, std::string field, std::string detail) {
  return failure(Error{.code = ErrorCode::InvalidArgument,
                       .reason = reason,
                       .field = std::move(field),
                       .detail = std::move(detail)});
}

std::string field_of(std::size_t i, std::string_view name) {
  return "keys[" + std::to_string(i) + "]." + std::string(name);
}

Result<void, Error> check_lengths(const wire::SrtpSuiteFacts& facts, const wire::SrtpMasterKey& key,
                                  std::size_t i) {
  const auto wrong_length = [&](std::string_view reason, std::string_view name, std::size_t wanted,
                                std::size_t given) {
    return invalid(reason, field_of(i, name),
                   std::string(facts.name) + " takes a master " + std::string(name) + " of " +
                       std::to_string(wanted) + " octets, not " + std::to_string(given));
  };
  if (key.key.size() != facts.key) {
    return wrong_length("KEY_LENGTH", "key", facts.key, key.key.size());
  }
  if (key.salt.size() != facts.salt) {
    return wrong_length("SALT_LENGTH", "salt", facts.salt, key.salt.size());
  }
  return {};
}

Result<void, Error> check_mki(const wire::SrtpKeys& keys, std::size_t i) {
  const std::vector<std::byte>& mki = keys.keys[i].mki;
  if (mki.size() > kMaxMkiOctets) {
    return invalid("MKI_LENGTH", field_of(i, "mki"),
                   "an MKI has at most 128 octets, not " + std::to_string(mki.size()));
  }
  if (mki.size() != keys.keys[0].mki.size()) {
    return invalid("MKI_LENGTH", field_of(i, "mki"),
                   "all MKIs of one direction have the same length");
  }
  if (mki.empty() && keys.keys.size() > 1) {
    return invalid("MKI_REQUIRED", field_of(i, "mki"),
                   "several master keys can only be told apart by their MKIs");
  }
  for (std::size_t earlier = 0; earlier < i; ++earlier) {
    if (keys.keys[earlier].mki == mki) {
      return invalid("MKI_TAKEN", field_of(i, "mki"),
                     "another master key of this direction has this MKI");
    }
  }
  return {};
}

}  // namespace

Fingerprint fingerprint_of(wire::SrtpSuite suite, const wire::SrtpMasterKey& key) {
  std::array<std::byte, 1 + 2 * SecretKey::kMaxOctets> text{};
  text[0] = static_cast<std::byte>(suite);
  const auto end =
      std::ranges::copy(key.salt.bytes(), std::ranges::copy(key.key.bytes(), text.begin() + 1).out)
          .out;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()),
         static_cast<std::size_t>(end - text.begin()), digest.data());
  wipe(text.data(), text.size());
  Fingerprint fingerprint;
  std::transform(digest.begin(), digest.begin() + fingerprint.size(), fingerprint.begin(),
                 [](unsigned char octet) { return std::byte{octet}; });
  return fingerprint;
}

Result<void, Error> check_keys(const wire::SrtpKeys& keys) {
  if (keys.keys.empty()) return invalid("NO_KEYS", "keys", "at least one master key is needed");
  const wire::SrtpSuiteFacts& facts = wire::facts_of(keys.suite);
  for (std::size_t i = 0; i < keys.keys.size(); ++i) {
    if (auto checked = check_lengths(facts, keys.keys[i], i); !checked) return checked;
    if (auto checked = check_mki(keys, i); !checked) return checked;
    const std::uint64_t lifetime = keys.keys[i].lifetime_packets;
    if (lifetime == 0 || lifetime > kMaxLifetime) {
      return invalid("LIFETIME", field_of(i, "lifetime_packets"),
                     "a master key protects at least 1 and at most 2^48 packets");
    }
  }
  return {};
}

Result<void, Error> check_options(const SrtpOptions& options) {
  const auto is_window = [](std::uint16_t packets) {
    return std::has_single_bit(packets) && packets >= 1024 && packets <= 16384;
  };
  if (!is_window(options.replay_window) || !is_window(options.srtcp_replay_window)) {
    return invalid("REPLAY_WINDOW", "replay_window",
                   "a replay window is a power of two from 1024 to 16384");
  }
  if (options.max_ssrcs < 1 || options.max_ssrcs > 64) {
    return invalid("MAX_SSRCS", "max_ssrcs", "1 to 64 SSRCs may be live");
  }
  if (options.late_join_rocs > 32) {
    return invalid("LATE_JOIN", "late_join_rocs", "at most 32 rollover counters are tried");
  }
  return {};
}

}  // namespace causeway::srtp
