#pragma once

#include <openssl/types.h>

#include <memory>

#include "relay/base/result.h"
#include "relay/dtls/fingerprint.h"

namespace causeway::dtls {

/// A key pair on P-256 and a certificate that it has signed for itself: who the relay is in DTLS
/// handshakes. Whom it proves anything to knows its fingerprint by signalling (RFC 5763 5), so its
/// name and dates mean nothing. Its serial number is random: some endpoints keep certificates by
/// issuer and number, and take two that share both for a forgery. Immutable and shared; whoever
/// uses it keeps it alive, so a new one for new legs never touches associations of the old one.
class Identity {
 public:
  /// Errors: Internal DTLS_IDENTITY (OpenSSL refuses).
  [[nodiscard]] static Result<std::shared_ptr<const Identity>, Error> create();
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;
  ~Identity();

  [[nodiscard]] Fingerprint fingerprint(HashFunction function = HashFunction::Sha256) const;
  /// OpenSSL's objects; they stay this one's. OpenSSL counts their references itself.
  [[nodiscard]] EVP_PKEY* key() const { return key_; }
  [[nodiscard]] X509* certificate() const { return certificate_; }
  /// The rules of its handshakes (context.h).
  [[nodiscard]] SSL_CTX* context() const { return context_; }

 private:
  Identity() = default;

  EVP_PKEY* key_ = nullptr;
  X509* certificate_ = nullptr;
  SSL_CTX* context_ = nullptr;
};

/// The fingerprint of any certificate.
[[nodiscard]] Fingerprint fingerprint_of(const X509& certificate, HashFunction function);

}  // namespace causeway::dtls
