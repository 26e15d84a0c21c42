#include "relay/dtls/identity.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>

#include "relay/dtls/context.h"

namespace causeway::dtls {

namespace {

/// Long enough for any node; its dates are compared by nobody (RFC 8827 6.5).
constexpr long kValidSeconds = 365L * 24 * 3600;
constexpr long kClockSlackSeconds = 24L * 3600;

const EVP_MD* digest_of(HashFunction function) {
  switch (function) {
    case HashFunction::Sha256:
      return EVP_sha256();
    case HashFunction::Sha384:
      return EVP_sha384();
    case HashFunction::Sha512:
      return EVP_sha512();
  }
  return EVP_sha256();
}

constexpr int kSerialBits = 127;  // RFC 5280 4.1.2.2: positive, and at most 20 octets

bool set_serial_number(X509& certificate) {
  BIGNUM* const number = BN_new();
  const bool is_set = number != nullptr &&
                      BN_rand(number, kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                      BN_to_ASN1_INTEGER(number, X509_get_serialNumber(&certificate)) != nullptr;
  BN_free(number);
  return is_set;
}

bool fill(X509& certificate, EVP_PKEY& key) {
  X509_NAME* const name = X509_get_subject_name(&certificate);
  static constexpr std::array<unsigned char, 9> kName = {'c', 'a', 'u', 's', 'e',
                                                         'w', 'a', 'y', '\0'};
  return X509_set_version(&certificate, 2) == 1 && set_serial_number(certificate) &&
         X509_gmtime_adj(X509_getm_notBefore(&certificate), -kClockSlackSeconds) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(&certificate), kValidSeconds) != nullptr &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, kName.data(),
                                    static_cast<int>(kName.size()) - 1, -1, 0) == 1 &&
         X509_set_issuer_name(&certificate, name) == 1 &&
         X509_set_pubkey(&certificate, &key) == 1 &&
         X509_sign(&certificate, &key, EVP_sha256()) != 0;
}

}  // namespace

Result<std::shared_ptr<const Identity>, Error> Identity::create() {
  const std::shared_ptr<Identity> made(new Identity);
  made->key_ = EVP_EC_gen("P-256");
  made->certificate_ = X509_new();
  if (made->key_ != nullptr && made->certificate_ != nullptr &&
      fill(*made->certificate_, *made->key_)) {
    made->context_ = make_context(*made->key_, *made->certificate_);
  }
  if (made->context_ != nullptr) return made;
  return failure(Error{ErrorCode::Internal, "DTLS_IDENTITY", "", "No certificate could be made."});
}

Identity::~Identity() {
  SSL_CTX_free(context_);
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

Fingerprint Identity::fingerprint(HashFunction function) const {
  return fingerprint_of(*certificate_, function);
}

Fingerprint fingerprint_of(const X509& certificate, HashFunction function) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned octets = 0;
  X509_digest(&certificate, digest_of(function), digest.data(), &octets);
  return make_fingerprint(function, std::as_bytes(std::span(digest)).first(octets))
      .value_or(Fingerprint());
}

}  // namespace causeway::dtls
