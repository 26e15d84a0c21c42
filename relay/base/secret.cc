#include "relay/base/secret.h"

#include <algorithm>
#include <cstring>

namespace causeway {

void wipe(void* memory, std::size_t octets) { ::explicit_bzero(memory, octets); }

SecretKey::SecretKey(Bytes material) : size_(static_cast<std::uint8_t>(material.size())) {
  CAUSEWAY_CHECK(material.size() <= kMaxOctets, "a key is at most 64 octets");
  std::ranges::copy(material, octets_.begin());
}

bool SecretKey::equals(const SecretKey& other) const {
  if (size_ != other.size_) return false;
  std::byte difference{0};
  for (std::size_t i = 0; i < kMaxOctets; ++i) difference |= octets_[i] ^ other.octets_[i];
  return difference == std::byte{0};
}

void SecretKey::take(SecretKey& other) {
  octets_ = other.octets_;
  size_ = std::exchange(other.size_, std::uint8_t{0});
  wipe(other.octets_.data(), other.octets_.size());
}

}  // namespace causeway
