#include "relay/base/sip_hash.h"

#include <bit>

namespace causeway {

namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  explicit SipState(const SipKey& key)
      : v0(key[0] ^ 0x736f6d6570736575ULL),
        v1(key[1] ^ 0x646f72616e646f6dULL),
        v2(key[0] ^ 0x6c7967656e657261ULL),
        v3(key[1] ^ 0x7465646279746573ULL) {}

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void absorb(std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  std::uint64_t finish() {
    v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

std::uint64_t sip_hash(const SipKey& key, Bytes message) {
  SipState state(key);
  // The last word carries the octets that are left, and the length above them.
  std::uint64_t last = std::uint64_t{message.size()} << 56;
  std::size_t at = 0;
  for (; at + 8 <= message.size(); at += 8) {
    std::uint64_t word = 0;
    for (unsigned i = 0; i < 8; ++i) word |= std::uint64_t{load_u8(&message[at + i])} << (8 * i);
    state.absorb(word);
  }
  for (unsigned i = 0; at + i < message.size(); ++i) {
    last |= std::uint64_t{load_u8(&message[at + i])} << (8 * i);
  }
  state.absorb(last);
  return state.finish();
}

std::uint64_t sip_hash(const SipKey& key, std::uint64_t message) {
  SipState state(key);
  state.absorb(message);
  state.absorb(std::uint64_t{8} << 56);
  return state.finish();
}

}  // namespace causeway
