#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <ctime>
#include <memory>
#include <vector>

#include "relay/io/backend.h"
#include "relay/io/clock.h"
#include "relay/io/file_descriptor.h"

namespace causeway::io {

/// The portable back-end that always works: epoll and one UDP socket a port, IPv4 and IPv6.
///
/// One turn of wait():
///
///     epoll_pwait2 --events (at most kMaxEvents)--> recvmmsg a socket (at most kPerSocket packets,
///     straight into pooled buffers) --> order by kernel arrival --> at most kMaxBatch datagrams
///
/// Readiness is level-triggered, so what a turn leaves behind is reported again; events that did
/// not fit into a batch are served before epoll is asked again, so a busy socket starves no other.
/// Each event carries the slot and the generation of its socket, so one that was closed, or
/// replaced, between the report and the turn is seen to be stale.
class SocketsBackend final : public IoBackend {
 public:
  static constexpr std::size_t kMaxEvents = 64;
  /// A batch is answered as a whole, so its size bounds what the last packet adds to the first.
  static constexpr std::size_t kMaxBatch = 64;
  static constexpr std::size_t kPerSocket = 8;
  static constexpr std::size_t kMaxSendRun = 32;

  struct Config {
    std::size_t max_sockets = 20'000;
    /// Asked of each socket for which nothing else is said; the system doubles it and caps it at
    /// net.core.rmem_max. Holds seconds of audio and bursts of video; more would only keep packets
    /// that are too late to be of use.
    int receive_buffer_octets = 256 * 1024;
  };

  /// Packets are received into `pool`, which outlives the back-end and belongs to the same thread.
  [[nodiscard]] static Result<std::unique_ptr<SocketsBackend>, Error> create(const Config& config,
                                                                             PacketPool& pool);
  ~SocketsBackend() override;

  [[nodiscard]] Result<SocketAddress, Errno> open(SocketId id, const SocketAddress& bind,
                                                  const SocketOptions& options) override;
  [[nodiscard]] int receive_buffer_octets(SocketId id) const override;
  void close(SocketId id) override;
  [[nodiscard]] std::span<Datagram> wait(std::optional<Instant> deadline) override;
  void send(std::span<Transmit> batch) override;
  void wake() override;
  [[nodiscard]] const IoStats& stats() const override { return stats_; }

 private:
  struct Socket {
    FileDescriptor fd;
    std::uint32_t generation = 0;
    std::uint32_t kernel_drops = 0;  // as SO_RXQ_OVFL last said; it wraps
  };
  /// Room for the two control messages that we ask for: the stamp and the drop count.
  using Control =
      std::array<std::byte, CMSG_SPACE(sizeof(timespec)) + CMSG_SPACE(sizeof(std::uint32_t))>;
  /// Where recvmmsg puts packets of one socket. Places that a call did not use wait for the next.
  struct Bay {
    std::size_t used = kPerSocket;  ///< So many at the front have to be made ready.
    std::array<PacketBuf, kPerSocket> packets;
    std::array<mmsghdr, kPerSocket> headers{};
    std::array<iovec, kPerSocket> vectors{};
    std::array<sockaddr_storage, kPerSocket> names{};
    alignas(cmsghdr) std::array<Control, kPerSocket> controls{};
  };
  struct SendRun {
    std::array<mmsghdr, kMaxSendRun> headers{};
    std::array<iovec, kMaxSendRun> vectors{};
    std::array<sockaddr_storage, kMaxSendRun> names{};
  };
  struct OrderKey {
    Instant arrival;
    std::size_t index;
    // NOLINTNEXTLINE(modernize-use-nullptr): as in relay/base/strong.h.
    friend auto operator<=>(const OrderKey&, const OrderKey&) = default;
  };

  SocketsBackend(const Config& config, PacketPool& pool, FileDescriptor epoll,
                 FileDescriptor wake_event, FileDescriptor stamping);

  [[nodiscard]] Socket* find(SocketId id);
  void poll(std::optional<Instant> deadline);
  void serve(const epoll_event& event);
  void receive(SocketId id, Socket& socket);
  [[nodiscard]] std::size_t load_bay();
  void discard(const Socket& socket);
  void accept(SocketId id, Socket& socket, std::size_t place);
  [[nodiscard]] std::span<Datagram> in_order_of_arrival();
  void send_run(const Socket& socket, std::span<Transmit> run);
  void count_send_failure(int error);

  const Config config_;
  PacketPool& pool_;
  FileDescriptor epoll_;
  FileDescriptor wake_event_;
  /// Never bound. The kernel stamps packets only while some socket asks for it, and takes its time
  /// to begin; this one keeps it stamping before the first call and between calls.
  FileDescriptor stamping_;
  std::vector<Socket> sockets_;
  std::array<epoll_event, kMaxEvents> events_{};
  std::size_t event_count_ = 0;
  std::size_t next_event_ = 0;
  bool has_pwait2_ = true;
  ArrivalClock clock_;
  Bay bay_;
  SendRun run_;
  std::vector<Datagram> batch_;    // as read
  std::vector<Datagram> ordered_;  // by arrival
  std::vector<OrderKey> keys_;     // as many as `ordered_` holds of the last turn
  IoStats stats_;
};

}  // namespace causeway::io
