#pragma once

#include <array>
#include <vector>

#include "relay/base/address.h"
#include "relay/base/secret.h"
#include "relay/dtls/client_hello.h"

namespace causeway::dtls {

/// Cookies that nothing has to be remembered for (RFC 6347 4.2.1): whoever returns one has received
/// what was sent to the address that it says it has. Without ICE nothing else shows that, and a
/// handshake costs memory and arithmetic. Immutable; any thread.
///
///     cookie = HMAC-SHA256(secret, address | port | client random)
class Cookies {
 public:
  static constexpr std::size_t kOctets = 32;
  using Cookie = std::array<std::byte, kOctets>;

  /// `secret`: 32 random octets that nobody else knows.
  explicit Cookies(SecretKey secret) : secret_(std::move(secret)) {}
  /// With a secret of its own.
  [[nodiscard]] static Cookies create();

  [[nodiscard]] Cookie make(const SocketAddress& source, Bytes client_random) const;
  /// Whether `hello` from `source` has the cookie that it was asked for.
  [[nodiscard]] bool is_right(const SocketAddress& source, const ClientHello& hello) const;

 private:
  SecretKey secret_;
};

/// A datagram with the HelloVerifyRequest that asks the sender of `hello` for `cookie`. It is
/// smaller than any ClientHello, so nobody is flooded by way of us, and has the record number of
/// the one that it answers, since we do not remember having sent others.
[[nodiscard]] std::vector<std::byte> hello_verify_request(const ClientHello& hello,
                                                          const Cookies::Cookie& cookie);

}  // namespace causeway::dtls
