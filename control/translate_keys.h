#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "causeway/v1/leg.pb.h"
#include "control/errors.h"
#include "control/jsep/secret_text.h"
#include "relay/srtp/srtp.h"
#include "relay/wire/srtp_keys.h"

namespace causeway::control {

/// The keys of one direction of a leg as a request gives them, or as the relay has made them.
struct KeySet {
  wire::SrtpKeys keys;
  std::uint16_t replay_window = 1024;
  std::uint32_t initial_roc = 0;
  /// The tag of the SDP attribute that the keys came in, which an answer repeats (RFC 4568 5.1.2).
  std::uint32_t tag = 1;
  bool is_made = false;  ///< By the relay: to be shown once, to who asked.
};

[[nodiscard]] std::optional<wire::SrtpSuite> suite_of(v1::SrtpSuite suite);
[[nodiscard]] v1::SrtpSuite suite_of(wire::SrtpSuite suite);
/// Errors: FIELD_INVALID. Nothing for UNSPECIFIED.
[[nodiscard]] Answer<std::optional<wire::SrtpSuite>> read_suite(v1::SrtpSuite suite,
                                                                const Field& field);
/// Errors: FIELD_INVALID.
[[nodiscard]] Answer<srtp::RocPolicy> read_roc_policy(v1::SrtpRocPolicy policy, const Field& field);

/// Whether keys are in it, or only what they are to be like.
[[nodiscard]] bool has_material(const v1::SrtpKeys& keys);
/// Keys that a client hands over. Errors: KEY_LENGTH, CRYPTO_INVALID, FIELD_INVALID,
/// FIELD_REQUIRED.
[[nodiscard]] Answer<KeySet> translate_keys(const v1::SrtpKeys& keys, const Field& field);
/// A fresh random key for `suite`. `wanted`: the request's window and rollover counter.
/// Errors: FIELD_INVALID.
[[nodiscard]] Answer<KeySet> make_keys(wire::SrtpSuite suite, std::uint32_t tag,
                                       const v1::SrtpKeys& wanted, const Field& field);

/// The `a=crypto` of keys, for the relay's own descriptions.
[[nodiscard]] std::shared_ptr<const jsep::SecretText> crypto_of(const KeySet& keys);

/// What everyone may see of keys: the suite, MKIs, lifetimes. Never the material.
[[nodiscard]] v1::SrtpKeys public_keys(const KeySet& keys);
/// Puts the material of keys that the relay has made into `out`, as octets and as an SDP attribute.
void show_made_keys(const KeySet& keys, v1::SrtpKeys& out);

/// Overwrites the octets of every key in a request or response, in place.
void wipe_keys(v1::SrtpKeys& keys);
void wipe_keys(v1::Leg& leg);

}  // namespace causeway::control
