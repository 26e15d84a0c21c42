#pragma once

#include <optional>
#include <span>

#include "relay/base/datagram.h"
#include "relay/base/result.h"
#include "relay/base/strong.h"
#include "relay/io/counter.h"

namespace causeway::io {

/// An error number of the operating system (errno).
using Errno = Strong<struct ErrnoTag, int>;

/// What a back-end counts. Written by its worker's thread, read by any.
struct IoStats {
  Counter received;         ///< Datagrams handed over by wait().
  Counter received_octets;  ///< Their UDP payload.
  Counter sent;             ///< Datagrams that the system took.
  Counter sent_octets;
  Counter truncated;          ///< Dropped: larger than a packet buffer.
  Counter pool_empty;         ///< Dropped: no packet buffer was free.
  Counter dropped_by_kernel;  ///< A socket's receive buffer was full.
  Counter receive_errors;
  Counter send_would_block;  ///< Dropped: the socket's send buffer was full.
  Counter send_no_buffers;   ///< Dropped: the system had no memory for it (ENOBUFS).
  Counter send_failed;       ///< Dropped: any other error, such as no route.
  Counter icmp_errors;       ///< Errors of earlier packets that a call reported.
  Counter stale_transmits;   ///< Dropped: the socket was closed, or had been replaced.
  Counter stale_events;      ///< Readiness of a socket that was closed meanwhile.
  Counter open_failures;
};

/// What a socket is asked to be like.
struct SocketOptions {
  std::uint8_t dscp = 0;  ///< Of what it sends: 0..63.
  /// Of the receive buffer, where many endpoints share it; 0: the back-end's usual size, for one.
  int receive_buffer_octets = 0;
};

/// How datagrams reach one worker and leave it: the virtual seam of the data plane, crossed once a
/// batch. One worker owns one back-end; every call but wake() and stats() is made on its thread.
///
/// Sockets are named by the SocketId that the engine chose. `slot` is below the number of sockets
/// the back-end was made for; an id whose generation is not that of the slot's open socket is
/// stale, and everything said about it has no effect but a counter.
///
/// Nothing here allocates, locks or blocks after construction, except that wait() sleeps.
class IoBackend {
 public:
  IoBackend() = default;
  IoBackend(const IoBackend&) = delete;
  IoBackend& operator=(const IoBackend&) = delete;
  virtual ~IoBackend() = default;

  /// Opens a UDP socket at `bind`. Returns the address it has (port 0 lets the system choose), or
  /// why not: EADDRINUSE, EADDRNOTAVAIL, EMFILE ... REQUIRES: the slot's earlier socket has been
  /// closed.
  [[nodiscard]] virtual Result<SocketAddress, Errno> open(SocketId socket,
                                                          const SocketAddress& bind,
                                                          const SocketOptions& options) = 0;
  /// What the system has given an open socket of what was asked: it may be less.
  [[nodiscard]] virtual int receive_buffer_octets(SocketId socket) const = 0;
  /// Closes a socket. What it had received and not handed over is lost; a datagram of it never
  /// comes out of a later wait(). A stale id is ignored.
  virtual void close(SocketId socket) = 0;

  /// Sleeps until a datagram comes, `deadline` passes (nothing: no deadline; past: do not sleep) or
  /// wake() is called, and returns what has come, oldest arrival first; datagrams of one socket
  /// keep their order. It may return early and empty. The span is good until the next call; packets
  /// that are left in it go back to the pool then. No socket can keep others from being served.
  [[nodiscard]] virtual std::span<Datagram> wait(std::optional<Instant> deadline) = 0;

  /// Sends a batch in its order, once and without waiting; what the system does not take is dropped
  /// and counted. The packets stay the caller's.
  virtual void send(std::span<Transmit> batch) = 0;

  /// Makes the present or the next wait() return at once. Any thread.
  virtual void wake() = 0;

  /// Any thread, as long as the back-end lives.
  [[nodiscard]] virtual const IoStats& stats() const = 0;
};

}  // namespace causeway::io
