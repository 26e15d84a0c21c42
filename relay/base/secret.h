#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "relay/base/bytes.h"
#include "relay/base/check.h"

namespace causeway {

/// Overwrites memory in a way that the compiler cannot leave out.
void wipe(void* memory, std::size_t octets);

/// Key material of at most 64 octets. It cannot be copied or printed, moves leave nothing behind,
/// and the destructor wipes it. A value type; belongs to one thread.
class SecretKey {
 public:
  static constexpr std::size_t kMaxOctets = 64;

  SecretKey() = default;
  /// REQUIRES: material.size() <= kMaxOctets.
  explicit SecretKey(Bytes material);
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  SecretKey(SecretKey&& other) noexcept { take(other); }
  SecretKey& operator=(SecretKey&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  ~SecretKey() { wipe(octets_.data(), octets_.size()); }

  /// A second owner of the same material, said aloud.
  [[nodiscard]] SecretKey clone() const { return SecretKey(bytes()); }
  [[nodiscard]] Bytes bytes() const { return Bytes(octets_).first(size_); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// Whether both hold the same octets, in time that depends on the length only.
  [[nodiscard]] bool equals(const SecretKey& other) const;

 private:
  void take(SecretKey& other);

  std::array<std::byte, kMaxOctets> octets_{};
  std::uint8_t size_ = 0;
};

/// Something about a person (an address, a user part): it reaches a log only as its shape.
template <typename T>
struct Pii {
  const T& value;
};
template <typename T>
Pii(const T&) -> Pii<T>;

}  // namespace causeway
