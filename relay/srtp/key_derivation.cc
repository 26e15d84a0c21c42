#include "relay/srtp/key_derivation.h"

#include <algorithm>
#include <array>

#include "relay/srtp/cipher.h"

namespace causeway::srtp {

bool derive_key(Bytes master_key, Bytes master_salt, std::uint8_t label, MutableBytes out) {
  // x = master_salt xor (label << 48), then AES-CM with IV x * 2^16: the label meets octet 7.
  std::array<std::byte, kCtrIvOctets> iv{};
  std::ranges::copy(master_salt, iv.begin());
  iv[7] ^= std::byte{label};
  std::ranges::fill(out, std::byte{0});
  CtrCipher prf;
  return prf.set_key(master_key) && prf.apply(iv, out);
}

}  // namespace causeway::srtp
