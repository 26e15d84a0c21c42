#pragma once

#include <array>
#include <cstddef>

#include "relay/base/result.h"
#include "relay/srtp/options.h"
#include "relay/wire/srtp_keys.h"

namespace causeway::srtp {

/// Tells master keys apart without keeping them: the first half of the SHA-256 of suite, key and
/// salt. Not a secret, but not for logs either.
using Fingerprint = std::array<std::byte, 16>;
[[nodiscard]] Fingerprint fingerprint_of(wire::SrtpSuite suite, const wire::SrtpMasterKey& key);

/// Whether keys and options can make a receiver or a sender. Errors: those of SrtpReceiver::create.
[[nodiscard]] Result<void, Error> check_keys(const wire::SrtpKeys& keys);
[[nodiscard]] Result<void, Error> check_options(const SrtpOptions& options);

}  // namespace causeway::srtp
