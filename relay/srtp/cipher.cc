#include "relay/srtp/cipher.h"

#include <openssl/evp.h>

#include <algorithm>

namespace causeway::srtp {

namespace {

const unsigned char* octets(Bytes data) {
  return reinterpret_cast<const unsigned char*>(data.data());
}
unsigned char* octets(MutableBytes data) { return reinterpret_cast<unsigned char*>(data.data()); }
int length(Bytes data) { return static_cast<int>(data.size()); }

}  // namespace

void FreeCipherContext::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);  // wipes the key schedule
}

bool CtrCipher::set_key(Bytes key) {
  context_.reset(EVP_CIPHER_CTX_new());
  const EVP_CIPHER* const cipher = key.size() == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
  return context_ != nullptr &&
         EVP_CipherInit_ex(context_.get(), cipher, nullptr, octets(key), nullptr, 1) == 1;
}

bool CtrCipher::apply(const std::array<std::byte, kCtrIvOctets>& iv, MutableBytes data) {
  int written = 0;
  return EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, octets(Bytes(iv)), -1) == 1 &&
         EVP_CipherUpdate(context_.get(), octets(data), &written, octets(Bytes(data)),
                          length(data)) == 1;
}

bool GcmCipher::set_key(Bytes key, bool for_sealing) {
  context_.reset(EVP_CIPHER_CTX_new());
  const EVP_CIPHER* const cipher = key.size() == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
  return context_ != nullptr && EVP_CipherInit_ex(context_.get(), cipher, nullptr, octets(key),
                                                  nullptr, for_sealing ? 1 : 0) == 1;
}

bool GcmCipher::start(const Iv& iv, Bytes aad, Bytes more_aad) {
  int written = 0;
  if (EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, octets(Bytes(iv)), -1) != 1 ||
      EVP_CipherUpdate(context_.get(), nullptr, &written, octets(aad), length(aad)) != 1) {
    return false;
  }
  return more_aad.empty() || EVP_CipherUpdate(context_.get(), nullptr, &written, octets(more_aad),
                                              length(more_aad)) == 1;
}

bool GcmCipher::update(MutableBytes data) {
  int written = 0;
  return data.empty() || EVP_CipherUpdate(context_.get(), octets(data), &written,
                                          octets(Bytes(data)), length(data)) == 1;
}

bool GcmCipher::seal(const Iv& iv, Bytes aad, Bytes more_aad, MutableBytes data, MutableBytes tag) {
  int written = 0;
  unsigned char unused[EVP_MAX_BLOCK_LENGTH];
  return start(iv, aad, more_aad) && update(data) &&
         EVP_CipherFinal_ex(context_.get(), unused, &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, length(tag), tag.data()) == 1;
}

bool GcmCipher::open(const Iv& iv, Bytes aad, Bytes more_aad, MutableBytes data, Bytes tag) {
  int written = 0;
  unsigned char unused[EVP_MAX_BLOCK_LENGTH];
  std::array<std::byte, kGcmTagOctets> expected;  // OpenSSL takes it through a non-const pointer
  std::copy(tag.begin(), tag.end(), expected.begin());
  return start(iv, aad, more_aad) && update(data) &&
         EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, length(tag), expected.data()) ==
             1 &&
         EVP_CipherFinal_ex(context_.get(), unused, &written) == 1;
}

}  // namespace causeway::srtp
