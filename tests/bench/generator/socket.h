#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>

#include "relay/base/address.h"
#include "relay/base/packet_buf.h"

namespace causeway::bench {

/// A datagram and when the kernel received it.
struct Arrival {
  PacketBuf packet;
  std::int64_t at_ns = 0;
};

/// A UDP socket between two addresses, with kernel receive timestamps. It ends the process with a
/// message where it cannot be opened.
class Socket {
 public:
  static constexpr std::size_t kBatch = 8;

  Socket() = default;
  Socket(const SocketAddress& local, const SocketAddress& remote);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  /// False where the kernel refuses (its buffer is full, or nobody listens).
  bool send(Bytes packet) const;
  /// Hands each datagram that has arrived to `take(Arrival)`. Nothing waits: the kernel's stamp
  /// tells when it came, so it need not be read at once.
  template <typename Take>
  void receive(PacketPool& pool, Take&& take);
  /// Datagrams that this side lost because its buffer was full.
  [[nodiscard]] std::uint32_t drops() const;

 private:
  std::size_t receive_batch(PacketPool& pool, std::array<Arrival, kBatch>& arrivals) const;

  int fd_ = -1;
};

template <typename Take>
void Socket::receive(PacketPool& pool, Take&& take) {
  std::array<Arrival, kBatch> arrivals;
  std::size_t count = kBatch;
  while (count == kBatch) {
    count = receive_batch(pool, arrivals);
    for (std::size_t i = 0; i < count; ++i) take(std::move(arrivals[i]));
  }
}

}  // namespace causeway::bench
