#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "relay/base/bytes.h"

struct evp_cipher_ctx_st;

namespace causeway::srtp {

inline constexpr std::size_t kCtrIvOctets = 16;
inline constexpr std::size_t kGcmIvOctets = 12;
inline constexpr std::size_t kGcmTagOctets = 16;

/// An OpenSSL cipher context, owned.
struct FreeCipherContext {
  void operator()(evp_cipher_ctx_st* context) const;
};
using CipherContext = std::unique_ptr<evp_cipher_ctx_st, FreeCipherContext>;

/// AES in counter mode, 128 or 256 bits by the key. set_key() allocates, apply() does not: making a
/// context per packet costs more than the packet.
class CtrCipher {
 public:
  [[nodiscard]] bool set_key(Bytes key);
  /// Encrypts or decrypts in place; the two are the same.
  [[nodiscard]] bool apply(const std::array<std::byte, kCtrIvOctets>& iv, MutableBytes data);

 private:
  CipherContext context_;
};

/// AES-GCM with a 16-octet tag, for one direction.
class GcmCipher {
 public:
  using Iv = std::array<std::byte, kGcmIvOctets>;

  [[nodiscard]] bool set_key(Bytes key, bool for_sealing);
  /// Encrypts `data` in place and writes the tag; `aad` then `more_aad` are authenticated only.
  /// REQUIRES: tag.size() == kGcmTagOctets, a key for sealing.
  [[nodiscard]] bool seal(const Iv& iv, Bytes aad, Bytes more_aad, MutableBytes data,
                          MutableBytes tag);
  /// Decrypts `data` in place; where it returns false, `data` holds rubbish.
  [[nodiscard]] bool open(const Iv& iv, Bytes aad, Bytes more_aad, MutableBytes data, Bytes tag);

 private:
  [[nodiscard]] bool start(const Iv& iv, Bytes aad, Bytes more_aad);
  [[nodiscard]] bool update(MutableBytes data);
  CipherContext context_;
};

}  // namespace causeway::srtp
