#pragma once

#include <openssl/types.h>

#include "relay/base/bytes.h"

namespace causeway::dtls {

/// What OpenSSL asks whoever runs a handshake. SSL_set_app_data() of each SSL of a context points
/// to one.
class Asked {
 public:
  virtual ~Asked() = default;
  /// Of the endpoint's certificate, which its signature has proved to be its own.
  [[nodiscard]] virtual bool is_right_certificate(const X509& certificate) const = 0;
  /// Of the cookie in a ClientHello.
  [[nodiscard]] virtual bool is_right_cookie(Bytes cookie) const = 0;

 protected:
  Asked() = default;
  Asked(const Asked&) = default;
  Asked& operator=(const Asked&) = default;
};

/// The rules of all handshakes under one certificate, in both roles: DTLS 1.2, forward secrecy,
/// authenticated encryption, a certificate from both sides, no resumption, no renegotiation.
/// Making one costs as much as a handshake, so associations share it; any thread may then make SSLs
/// of it. The caller owns it (SSL_CTX_free). Null: OpenSSL refuses.
[[nodiscard]] SSL_CTX* make_context(EVP_PKEY& key, X509& certificate);

}  // namespace causeway::dtls
