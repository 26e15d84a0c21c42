#include "relay/dtls/cookies.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>

#include "relay/base/check.h"

namespace causeway::dtls {

namespace {

/// Whatever will be agreed on, a HelloVerifyRequest says DTLS 1.0 (RFC 6347 4.2.1).
constexpr std::uint16_t kDtls10 = 0xfeff;

void store_be24(std::byte* at, std::size_t value) {
  store_u8(at, static_cast<std::uint8_t>(value >> 16));
  store_be16(at + 1, static_cast<std::uint16_t>(value & 0xffff));
}

}  // namespace

Cookies Cookies::create() {
  std::array<unsigned char, kOctets> secret;
  CAUSEWAY_CHECK(RAND_bytes(secret.data(), static_cast<int>(secret.size())) == 1,
                 "OpenSSL has random octets");
  Cookies cookies{SecretKey{std::as_bytes(std::span{secret})}};
  wipe(secret.data(), secret.size());
  return cookies;
}

Cookies::Cookie Cookies::make(const SocketAddress& source, Bytes client_random) const {
  std::array<std::byte, 16 + 2 + 32> message{};
  const auto address = std::as_bytes(std::span(source.ip.octets()));
  std::ranges::copy(address, message.begin());
  store_be16(&message[16], source.port.raw());
  std::ranges::copy(client_random.first(std::min<std::size_t>(client_random.size(), 32)),
                    message.begin() + 18);
  Cookie cookie;
  unsigned octets = 0;
  const Bytes secret = secret_.bytes();
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(),
       reinterpret_cast<unsigned char*>(cookie.data()), &octets);
  CAUSEWAY_CHECK(octets == kOctets, "SHA-256 makes 32 octets");
  return cookie;
}

bool Cookies::is_right(const SocketAddress& source, const ClientHello& hello) const {
  if (hello.cookie.size() != kOctets) return false;
  const Cookie cookie = make(source, hello.random);
  return CRYPTO_memcmp(hello.cookie.data(), cookie.data(), kOctets) == 0;
}

std::vector<std::byte> hello_verify_request(const ClientHello& hello,
                                            const Cookies::Cookie& cookie) {
  constexpr std::size_t kBody = 2 + 1 + Cookies::kOctets;
  std::vector<std::byte> datagram(kRecordHeadOctets + kFragmentHeadOctets + kBody);
  std::byte* const record = datagram.data();
  store_u8(record, static_cast<std::uint8_t>(ContentType::Handshake));
  store_be16(record + 1, kDtls10);
  store_be64(record + 3, hello.record_sequence);  // epoch 0, and six octets
  store_be16(record + 11, static_cast<std::uint16_t>(kFragmentHeadOctets + kBody));
  std::byte* const fragment = record + kRecordHeadOctets;
  store_u8(fragment, kHelloVerifyRequestType);
  store_be24(fragment + 1, kBody);
  store_be24(fragment + 9, kBody);
  std::byte* const body = fragment + kFragmentHeadOctets;
  store_be16(body, kDtls10);
  store_u8(body + 2, Cookies::kOctets);
  std::ranges::copy(cookie, body + 3);
  return datagram;
}

}  // namespace causeway::dtls
