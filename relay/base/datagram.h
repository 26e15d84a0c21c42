#pragma once

#include <cstdint>

#include "relay/base/address.h"
#include "relay/base/packet_buf.h"
#include "relay/base/time.h"

namespace causeway {

/// A UDP socket of one worker: an index that the engine chooses and the I/O back-end echoes, so a
/// packet finds its leg without a look-up. The generation makes a stale id fail safely.
struct SocketId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend bool operator==(SocketId, SocketId) = default;
};

/// A received UDP datagram. `arrival` is the kernel's receive time on the relay's clock.
struct Datagram {
  SocketId socket;
  SocketAddress from;
  Instant arrival;
  PacketBuf packet;
};

/// A UDP datagram to be sent.
struct Transmit {
  SocketId socket;
  SocketAddress to;
  PacketBuf packet;
};

}  // namespace causeway
