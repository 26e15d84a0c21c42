#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "relay/base/bytes.h"
#include "relay/base/check.h"

namespace causeway {

class PacketPool;

/// One datagram in a pooled buffer, with room to grow at both ends so that headers and tags are
/// written in place. Move-only; giving it up returns the buffer to its pool. Belongs to the thread
/// of its pool. An empty PacketBuf (default, or moved from) owns nothing.
///
///     |<- head room ->|<----- data() ----->|<- tail room ->|
///     0            begin_                end_          kCapacity
class PacketBuf {
 public:
  static constexpr std::size_t kCapacity = 2048;
  static constexpr std::size_t kHeadRoom = 64;
  /// A GCM tag, the longest MKI and the SRTCP index: 16 + 128 + 4.
  static constexpr std::size_t kTailRoom = 160;
  /// The largest datagram that is received.
  static constexpr std::size_t kMaxData = kCapacity - kHeadRoom - kTailRoom;

  PacketBuf() = default;
  PacketBuf(PacketBuf&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
  PacketBuf& operator=(PacketBuf&& other) noexcept {
    if (this != &other) {
      reset();
      slot_ = std::exchange(other.slot_, nullptr);
    }
    return *this;
  }
  ~PacketBuf() { reset(); }

  [[nodiscard]] explicit operator bool() const { return slot_ != nullptr; }
  [[nodiscard]] MutableBytes data() { return {slot_->begin, slot_->end}; }
  [[nodiscard]] Bytes data() const { return {slot_->begin, slot_->end}; }
  [[nodiscard]] std::size_t size() const {
    return static_cast<std::size_t>(slot_->end - slot_->begin);
  }
  [[nodiscard]] std::size_t head_room() const {
    return static_cast<std::size_t>(slot_->begin - slot_->octets);
  }
  [[nodiscard]] std::size_t tail_room() const {
    return static_cast<std::size_t>(slot_->octets + kCapacity - slot_->end);
  }

  /// Sets the length, keeping the beginning. REQUIRES: octets <= size() + tail_room().
  void resize(std::size_t octets) {
    CAUSEWAY_CHECK(octets <= size() + tail_room(), "packet outgrows its buffer");
    slot_->end = slot_->begin + octets;
  }
  /// Moves the beginning by `octets`: negative takes head room, positive gives the front up.
  void move_front(std::ptrdiff_t octets) {
    CAUSEWAY_CHECK(octets >= slot_->octets - slot_->begin && octets <= slot_->end - slot_->begin,
                   "packet outgrows its head room");
    slot_->begin += octets;
  }
  /// Gives the buffer back to its pool.
  void reset();

 private:
  friend class PacketPool;
  struct Slot {
    PacketPool* pool;
    Slot* next_free;
    std::byte* begin;
    std::byte* end;
    alignas(16) std::byte octets[kCapacity];
  };
  explicit PacketBuf(Slot* slot) : slot_(slot) {}

  Slot* slot_ = nullptr;
};

/// A fixed number of packet buffers, all allocated at once. Single-threaded; outlives its packets.
class PacketPool {
 public:
  explicit PacketPool(std::size_t packets);
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;
  ~PacketPool();

  /// A packet with data() empty and kHeadRoom before it; an empty PacketBuf if none is free.
  [[nodiscard]] PacketBuf take() {
    PacketBuf::Slot* slot = free_;
    if (slot == nullptr) [[unlikely]]
      return PacketBuf();
    free_ = slot->next_free;
    --available_;
    slot->begin = slot->end = slot->octets + PacketBuf::kHeadRoom;
    return PacketBuf(slot);
  }
  [[nodiscard]] std::size_t available() const { return available_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  friend class PacketBuf;
  void give_back(PacketBuf::Slot* slot) {
    slot->next_free = free_;
    free_ = slot;
    ++available_;
  }

  std::unique_ptr<PacketBuf::Slot[]> slots_;
  PacketBuf::Slot* free_ = nullptr;
  std::size_t size_ = 0;
  std::size_t available_ = 0;
};

inline void PacketBuf::reset() {
  if (slot_ != nullptr) {
    Slot* const slot = std::exchange(slot_, nullptr);
    slot->pool->give_back(slot);
  }
}

}  // namespace causeway
