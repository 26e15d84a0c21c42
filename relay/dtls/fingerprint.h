#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "relay/base/bytes.h"
#include "relay/base/static_vector.h"

namespace causeway::dtls {

/// The hash functions that a fingerprint may be made with; weaker ones prove nothing.
enum class HashFunction : std::uint8_t { Sha256, Sha384, Sha512 };

/// A hash of a certificate (RFC 8122 5).
struct Fingerprint {
  HashFunction function = HashFunction::Sha256;
  StaticVector<std::byte, 64> digest;

  friend bool operator==(const Fingerprint& a, const Fingerprint& b);
  /// `AB:CD:...`
  [[nodiscard]] std::string value() const;
};

/// `sha-256`.
[[nodiscard]] std::string_view name_of(HashFunction function);
/// By its name in any case; nothing for unknown and for weak ones.
[[nodiscard]] std::optional<HashFunction> hash_function_named(std::string_view name);
/// From the octets of a digest; nothing where their number is not the function's.
[[nodiscard]] std::optional<Fingerprint> make_fingerprint(HashFunction function, Bytes digest);
/// From `AB:CD:...` in any case; nothing where it is not of the function's length.
[[nodiscard]] std::optional<Fingerprint> parse_fingerprint(HashFunction function,
                                                           std::string_view value);

}  // namespace causeway::dtls
