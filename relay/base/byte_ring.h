#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "relay/base/bytes.h"

namespace causeway {

/// A bounded queue of octet records from one thread to one other: the recorder's ring. The producer
/// writes a record in place (one copy), the consumer reads it in place. Neither ever waits. One
/// thread calls reserve and commit, one thread calls front and pop.
///
///     | u32 size | record, padded to 8 | u32 size | record ... | u32 kWrap | unused |
class ByteRing {
 public:
  /// `octets` is rounded up to a power of two, at least 4096.
  explicit ByteRing(std::size_t octets);

  /// Room for one record of `octets`, to be filled and committed; an empty span when full (or when
  /// the record is larger than a quarter of the ring). At most one reservation at a time.
  [[nodiscard]] MutableBytes reserve(std::size_t octets);
  /// Makes the reserved record visible to the consumer.
  void commit();

  /// The oldest record; an empty span when there is none. Valid until pop().
  [[nodiscard]] Bytes front();
  /// Releases the record that front() showed. REQUIRES: front() was not empty.
  void pop();

  [[nodiscard]] std::size_t capacity() const { return mask_ + 1; }

 private:
  static constexpr std::uint32_t kWrap = 0xffffffff;
  static constexpr std::size_t kSizeOctets = 8;  // a u32, padded so that records are 8-aligned

  std::uint32_t read_size(std::size_t at) const;
  void write_size(std::size_t at, std::uint32_t size);

  struct alignas(64) Side {
    std::atomic<std::size_t> index{0};
    std::size_t other = 0;
    std::size_t pending = 0;  // producer: index after commit; consumer: index after pop
  };
  const std::size_t mask_;
  const std::unique_ptr<std::byte[]> octets_;
  Side producer_;
  Side consumer_;
};

}  // namespace causeway
