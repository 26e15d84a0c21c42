#include "relay/base/byte_ring.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "relay/base/check.h"

namespace causeway {

ByteRing::ByteRing(std::size_t octets)
    : mask_(std::bit_ceil(std::max<std::size_t>(octets, 4096)) - 1),
      octets_(new std::byte[mask_ + 1]) {}

std::uint32_t ByteRing::read_size(std::size_t at) const {
  std::uint32_t size = 0;
  std::memcpy(&size, &octets_[at & mask_], sizeof size);
  return size;
}

void ByteRing::write_size(std::size_t at, std::uint32_t size) {
  std::memcpy(&octets_[at & mask_], &size, sizeof size);
}

MutableBytes ByteRing::reserve(std::size_t octets) {
  const std::size_t need = kSizeOctets + ((octets + 7) & ~std::size_t{7});
  if (octets == 0 || need > capacity() / 4) return {};
  std::size_t at = producer_.index.load(std::memory_order_relaxed);
  const std::size_t to_end = capacity() - (at & mask_);
  const std::size_t skip = to_end < need ? to_end : 0;
  if (at + skip + need - producer_.other > capacity()) {
    producer_.other = consumer_.index.load(std::memory_order_acquire);
    if (at + skip + need - producer_.other > capacity()) return {};
  }
  if (skip != 0) {
    write_size(at, kWrap);  // every position is a multiple of 8, so a size always fits
    at += skip;
  }
  write_size(at, static_cast<std::uint32_t>(octets));
  producer_.pending = at + need;
  return {&octets_[(at + kSizeOctets) & mask_], octets};
}

void ByteRing::commit() { producer_.index.store(producer_.pending, std::memory_order_release); }

Bytes ByteRing::front() {
  std::size_t at = consumer_.index.load(std::memory_order_relaxed);
  if (at == consumer_.other) {
    consumer_.other = producer_.index.load(std::memory_order_acquire);
    if (at == consumer_.other) return {};
  }
  std::uint32_t size = read_size(at);
  if (size == kWrap) {
    at += capacity() - (at & mask_);
    size = read_size(at);
  }
  consumer_.pending = at + kSizeOctets + ((size + 7) & ~std::size_t{7});
  return {&octets_[(at + kSizeOctets) & mask_], size};
}

void ByteRing::pop() { consumer_.index.store(consumer_.pending, std::memory_order_release); }

}  // namespace causeway
