#include "relay/dtls/context.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <span>

namespace causeway::dtls {

namespace {

/// Forward secrecy and authenticated encryption only; RSA for servers whose certificate is.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384";

const Asked& asked_of(SSL* ssl) { return *static_cast<const Asked*>(SSL_get_app_data(ssl)); }

// The certificate is compared, and its chain and dates are not (RFC 8827 6.5).
int verify(X509_STORE_CTX* store, void*) {
  auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const X509* const certificate = X509_STORE_CTX_get0_cert(store);
  const bool is_right = certificate != nullptr && asked_of(ssl).is_right_certificate(*certificate);
  X509_STORE_CTX_set_error(store, is_right ? X509_V_OK : X509_V_ERR_CERT_UNTRUSTED);
  return is_right ? 1 : 0;
}

int check_cookie(SSL* ssl, const unsigned char* cookie, unsigned octets) {
  return asked_of(ssl).is_right_cookie(std::as_bytes(std::span(cookie, octets))) ? 1 : 0;
}

// Whoever has no right cookie is answered before OpenSSL hears of it.
int make_no_cookie(SSL*, unsigned char*, unsigned*) { return 0; }

bool fill(SSL_CTX& context, EVP_PKEY& key, X509& certificate) {
  SSL_CTX_set_security_level(&context, 1);  // endpoints in the field have RSA keys of 1024 bits
  SSL_CTX_set_options(&context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(&context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(&context, verify, nullptr);
  SSL_CTX_set_cookie_generate_cb(&context, make_no_cookie);
  SSL_CTX_set_cookie_verify_cb(&context, check_cookie);
  return SSL_CTX_set_min_proto_version(&context, DTLS1_2_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(&context, DTLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(&context, kCiphers) == 1 &&
         SSL_CTX_set1_groups_list(&context, "X25519:P-256:P-384") == 1 &&
         SSL_CTX_use_certificate(&context, &certificate) == 1 &&
         SSL_CTX_use_PrivateKey(&context, &key) == 1;
}

}  // namespace

SSL_CTX* make_context(EVP_PKEY& key, X509& certificate) {
  SSL_CTX* const context = SSL_CTX_new(DTLS_method());
  if (context == nullptr || fill(*context, key, certificate)) return context;
  SSL_CTX_free(context);
  return nullptr;
}

}  // namespace causeway::dtls
