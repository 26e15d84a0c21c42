#include "control/crypto_attribute.h"

#include <algorithm>
#include <bit>

#include "relay/srtp/sdes.h"

namespace causeway::control {

namespace {

constexpr std::uint32_t kMinWindow = 1024;
constexpr std::uint32_t kMaxWindow = 16'384;

}  // namespace

Answer<KeySet> read_crypto(std::string_view attribute, const Field& field) {
  auto parsed = srtp::parse_sdes(attribute);
  if (!parsed) {
    ApiError error = from_relay(parsed.error());
    if (error.reason != "KEY_LENGTH") error = api_error("CRYPTO_INVALID", parsed.error().detail);
    error.field = field.text();
    return failure(std::move(error));
  }
  if (!parsed->fec_keys.empty()) {
    return failure(field_error("CRYPTO_INVALID", field, "FEC with keys of its own is not known."));
  }
  KeySet set;
  set.keys = std::move(parsed->keys);
  set.tag = parsed->tag;
  if (parsed->window_size_hint) {
    set.replay_window = static_cast<std::uint16_t>(std::clamp(
        std::bit_ceil(std::min(*parsed->window_size_hint, kMaxWindow)), kMinWindow, kMaxWindow));
  }
  return set;
}

std::string write_crypto(const KeySet& keys) {
  srtp::SdesAttribute attribute;
  attribute.tag = keys.tag;
  attribute.keys.suite = keys.keys.suite;
  for (const wire::SrtpMasterKey& key : keys.keys.keys) {
    wire::SrtpMasterKey copy;
    copy.key = key.key.clone();
    copy.salt = key.salt.clone();
    copy.mki = key.mki;
    copy.lifetime_packets = key.lifetime_packets;
    attribute.keys.keys.push_back(std::move(copy));
  }
  return srtp::write_sdes(attribute);
}

}  // namespace causeway::control
