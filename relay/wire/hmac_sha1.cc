#include "relay/wire/hmac_sha1.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "relay/base/secret.h"

// OpenSSL 3.0 deprecates the SHA1_* functions in favour of EVP, whose digest contexts cost 266 ns
// against 119 and allocate for every packet. This is the only file that needs them.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace causeway::wire {

namespace {

using Midstate = std::array<std::uint32_t, 5>;

// The state after the key block xor `pad`, which fills exactly one block.
Midstate absorb_key(Bytes key, std::byte pad) {
  std::array<std::byte, SHA_CBLOCK> block;
  block.fill(pad);
  for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
  SHA_CTX context;
  SHA1_Init(&context);
  SHA1_Update(&context, block.data(), block.size());
  const Midstate state = {context.h0, context.h1, context.h2, context.h3, context.h4};
  wipe(block.data(), block.size());
  wipe(&context, sizeof(context));
  return state;
}

SHA_CTX resume(const Midstate& state) {
  SHA_CTX context;
  SHA1_Init(&context);
  context.h0 = state[0];
  context.h1 = state[1];
  context.h2 = state[2];
  context.h3 = state[3];
  context.h4 = state[4];
  context.Nl = SHA_CBLOCK * 8;  // bits hashed so far
  return context;
}

unsigned char* octets(HmacSha1::Digest& digest) {
  return reinterpret_cast<unsigned char*>(digest.data());
}

}  // namespace

HmacSha1::HmacSha1(Bytes key) {
  Digest hashed{};
  if (key.size() > SHA_CBLOCK) {
    SHA1(reinterpret_cast<const unsigned char*>(key.data()), key.size(), octets(hashed));
    key = hashed;
  }
  inner_ = absorb_key(key, std::byte{0x36});
  outer_ = absorb_key(key, std::byte{0x5c});
  wipe(hashed.data(), hashed.size());
}

HmacSha1::~HmacSha1() {
  wipe(inner_.data(), sizeof(inner_));
  wipe(outer_.data(), sizeof(outer_));
}

HmacSha1::Digest HmacSha1::digest(Bytes message, Bytes suffix) const {
  Digest digest;
  SHA_CTX context = resume(inner_);
  SHA1_Update(&context, message.data(), message.size());
  SHA1_Update(&context, suffix.data(), suffix.size());
  SHA1_Final(octets(digest), &context);
  context = resume(outer_);
  SHA1_Update(&context, digest.data(), digest.size());
  SHA1_Final(octets(digest), &context);
  return digest;
}

bool tags_equal(Bytes a, Bytes b) { return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

}  // namespace causeway::wire
