#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "relay/base/datagram.h"
#include "relay/base/random.h"
#include "relay/base/time.h"
#include "relay/engine/command.h"
#include "relay/engine/outbox.h"
#include "relay/engine/port_table.h"
#include "relay/engine/shared_port.h"
#include "relay/engine/timer_heap.h"
#include "relay/wire/demux.h"

namespace causeway::engine {

/// One network of the node as one worker has it.
struct NetworkConfig {
  IpAddress bind;
  IpAddress advertised;  ///< What endpoints are told; may differ from `bind` behind NAT.
  UdpPort first_port;    ///< This worker's share of the range.
  UdpPort last_port;
  std::uint8_t dscp = 0;
  std::optional<UdpPort> shared_port;  ///< This worker's; nothing: none.
};

struct EngineConfig {
  WorkerId worker;
  std::string route;  ///< How the fragments of its legs begin (ice::route_of).
  std::vector<NetworkConfig> networks;
  WallClock wall;
  Random::Key random_key{};
  std::uint32_t max_sessions = 10'000;
  Duration port_quarantine = std::chrono::seconds(30);
};

/// The sans-I/O heart of a worker: all its sessions, and what happens to each packet, command and
/// timeout. The same inputs, instants and random key give the same outputs, octet for octet; the
/// simulation and the daemon drive this same class. Nothing allocates after construction, except
/// what a command brought with it. Single-threaded.
///
/// Every call fills the caller's Outbox. Spurious timeouts are no-ops.
class Engine {
 public:
  /// `pool` outlives the engine and is where packets of the relay's own making come from.
  Engine(EngineConfig config, PacketPool& pool);
  ~Engine();

  /// Wishes for the sockets of the shared ports, once, before anything else. They stay open to the
  /// end: a leg that asks for one that could not be opened is refused.
  void open_shared_ports(Outbox& out);

  /// One batch, in order of arrival; within it Forward and Rekey go before Transcode. Each packet
  /// is judged at its own `arrival`.
  void handle_datagrams(std::span<Datagram> batch, Outbox& out);
  void handle_command(Instant now, Command command, Outbox& out);
  /// The answer to a SocketWish of kind Open.
  void handle_socket_opened(Instant now, SocketId socket, bool is_open, Outbox& out);
  void handle_timeout(Instant now, Outbox& out);
  [[nodiscard]] std::optional<Instant> next_timeout() const { return timers_.next(); }
  /// The end of the node: closes every session, each with its SessionClosed.
  void close_all(Instant now, SessionClosed::Reason reason, Outbox& out);

  /// Every SocketId that the engine makes has a slot below this.
  [[nodiscard]] std::size_t max_sockets() const { return sockets_.size(); }

  [[nodiscard]] std::size_t sessions() const { return live_sessions_; }
  /// The ports of a network, for tests and reports. REQUIRES: network < networks given.
  [[nodiscard]] const PortTable& ports(std::size_t network) const {
    return networks_[network].ports;
  }
  /// The shared port of a network, for tests and reports; null where it has none. REQUIRES: as
  /// above.
  [[nodiscard]] const SharedPort* shared_port(std::size_t network) const {
    return networks_[network].shared.get();
  }
  /// What came to shared ports and was nobody's, all networks.
  [[nodiscard]] SharedPortCounters shared_port_counters() const;
  /// Datagrams that belonged to no leg: late ones for a socket that was closed.
  [[nodiscard]] std::uint64_t stray_datagrams() const { return stray_datagrams_; }

 private:
  struct Network {
    NetworkConfig config;
    PortTable ports;
    std::unique_ptr<SharedPort> shared;  ///< Null: none.
  };
  /// A place for a session. The generation outlives the session, so old handles find nothing.
  struct SessionSlot {
    std::uint32_t generation = 1;
    std::unique_ptr<Session> session;
    // Commands that wait for sockets to open.
    std::unique_ptr<OpenSession> opening;
    std::unique_ptr<AddLeg> adding;
  };
  /// A place for a socket: which leg it belongs to, or which many.
  struct SocketSlot {
    std::uint32_t generation = 1;
    Recipient owner;               ///< No leg: free, or shared.
    SharedPort* shared = nullptr;  ///< For ever.
  };
  /// A datagram of a batch that goes last.
  struct Waiting {
    std::uint32_t index;
    Recipient to;
  };

  template <typename T>
  static void finish(std::unique_ptr<T> command, Status status, Outbox& out);
  void handle(Instant now, std::unique_ptr<OpenSession> command, Outbox& out);
  void handle(Instant now, std::unique_ptr<AddLeg> command, Outbox& out);
  void handle(Instant now, std::unique_ptr<UpdateLeg> command, Outbox& out);
  void handle(Instant now, std::unique_ptr<RemoveLeg> command, Outbox& out);
  void handle(Instant now, std::unique_ptr<SetConnection> command, Outbox& out);
  void handle(Instant now, std::unique_ptr<ControlRecording> command, Outbox& out);
  void handle(Instant now, std::unique_ptr<RenewLease> command, Outbox& out);
  void handle(Instant now, std::unique_ptr<CloseSession> command, Outbox& out);
  void handle(Instant now, std::unique_ptr<ReadReport> command, Outbox& out);
  void handle(Instant now, std::unique_ptr<SendDtmf> command, Outbox& out);
  void handle(Instant now, std::unique_ptr<DtlsReport> command, Outbox& out);
  void handle(Instant now, std::unique_ptr<TakeSnapshot> command, Outbox& out);
  void handle(Instant now, std::unique_ptr<ReadCapacity> command, Outbox& out);

  [[nodiscard]] SessionSlot* find(SessionHandle handle);
  [[nodiscard]] Leg* find(LegHandle handle);
  [[nodiscard]] SocketSlot* find(SocketId id);

  // Ports and sockets.
  /// Whether the session's networks are known and have the ports that it needs. It may still fail
  /// later: the operating system has the last word on a port.
  [[nodiscard]] Status check_networks(Instant now, const Session& session);
  [[nodiscard]] Status open_ports(Instant now, std::uint32_t session_slot, Leg& leg, Outbox& out);
  [[nodiscard]] SocketId open_socket(std::uint32_t session_slot, Leg& leg, UdpPort port,
                                     bool is_rtcp, Outbox& out);
  /// What becomes of a port whose socket is closed: Rests where somebody may have been told of it,
  /// or the system refused it; Freed at once where nobody ever heard of it.
  enum class PortFate : std::uint8_t { Rests, Freed };
  [[nodiscard]] Status join_shared_port(Instant now, std::uint32_t session_slot, Leg& leg,
                                        Outbox& out);
  /// Null: it has a port of its own.
  [[nodiscard]] SharedPort* shared_port_of(const Leg& leg);
  void close_ports(Instant now, Leg& leg, PortFate fate, Outbox& out);
  void close_socket(Instant now, Leg& leg, Leg::Port& port, PortFate fate, Outbox& out);
  void settle(Instant now, std::uint32_t index, Status status, Outbox& out);
  [[nodiscard]] static LegAddresses addresses_of(const Leg& leg);
  std::unique_ptr<Session> take_session(Instant now, std::uint32_t index, PortFate fate,
                                        Outbox& out);
  void close_session(Instant now, std::uint32_t index, SessionClosed::Reason reason, Outbox& out);

  // Media.
  [[nodiscard]] Recipient recipient_of(const Datagram& in, wire::DatagramKind kind);
  void handle_rtp(Datagram& in, Recipient to, Outbox& out);
  [[gnu::noinline]] void handle_rtcp(Datagram& in, Recipient to, Outbox& out);
  [[gnu::noinline]] void handle_setup(Datagram& in, wire::DatagramKind kind, Recipient to,
                                      Outbox& out);
  void deliver(Instant now, Connection& connection, Session& session, wire::OpenRtp&& packet,
               Outbox& out);
  void send_all(Instant now, Leg& to, Connection& via, Outbox& out);
  [[nodiscard]] bool is_transcoded(Recipient from) const;
  void run_timeouts(Instant now, Session& session, Outbox& out);
  void rearm(std::uint32_t slot);

  EngineConfig config_;
  PacketPool& pool_;
  Random random_;
  std::vector<Network> networks_;
  std::vector<SessionSlot> sessions_;
  std::vector<std::uint32_t> free_sessions_;
  std::vector<SocketSlot> sockets_;
  std::vector<std::uint32_t> free_sockets_;
  TimerHeap timers_;
  std::vector<wire::OpenRtp> sent_;  // what one call of a path sends
  std::vector<Waiting> transcoded_;
  std::size_t live_sessions_ = 0;
  std::size_t live_legs_ = 0;
  std::uint64_t stray_datagrams_ = 0;
};

}  // namespace causeway::engine
