#pragma once

#include <string>
#include <string_view>

#include "control/translate_keys.h"

namespace causeway::control {

/// The value of an `a=crypto` attribute (RFC 4568 9.2), with or without `a=crypto:` before it.
/// Errors: CRYPTO_INVALID, KEY_LENGTH.
[[nodiscard]] Answer<KeySet> read_crypto(std::string_view attribute, const Field& field);
/// The value for keys of one master key or more; whoever gets it owns a secret.
[[nodiscard]] std::string write_crypto(const KeySet& keys);

}  // namespace causeway::control
