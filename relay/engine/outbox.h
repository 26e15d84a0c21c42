#pragma once

#include <cstdint>
#include <vector>

#include "relay/base/datagram.h"
#include "relay/engine/command.h"
#include "relay/engine/dtls_transport.h"
#include "relay/engine/event.h"
#include "relay/record/frame.h"

namespace causeway::engine {

/// A socket that the engine wants opened or closed. The answer to Open comes back through
/// Engine::handle_socket_opened, before the next datagram.
struct SocketWish {
  enum class Kind : std::uint8_t { Open, Close };
  Kind kind = Kind::Open;
  SocketId socket;
  SocketAddress bind;     ///< Open only.
  std::uint8_t dscp = 0;  ///< Open only: 0..63.
};

/// Everything that the engine wants done, as values. The worker drains it after each batch; tests
/// read it. Its vectors keep their capacity, so a warm outbox does not allocate.
struct Outbox {
  /// `records` may be null: nothing can then be recorded.
  explicit Outbox(record::RingWriter* record_ring, std::size_t reserve = 4096)
      : records(record_ring) {
    transmits.reserve(reserve);
    sockets.reserve(reserve);
    events.reserve(reserve);
    completions.reserve(reserve);
    dtls.reserve(reserve);
  }

  std::vector<Transmit> transmits;
  std::vector<SocketWish> sockets;
  std::vector<Event> events;
  /// Jobs for the DTLS pool.
  std::vector<DtlsWish> dtls;
  /// Commands that are done, with their results; the sender frees them.
  std::vector<Command> completions;
  /// The recorder's ring: taps write into it in place (one copy).
  record::RingWriter* records;
};

}  // namespace causeway::engine
