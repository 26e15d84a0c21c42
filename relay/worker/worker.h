#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "relay/engine/engine.h"
#include "relay/io/backend.h"
#include "relay/io/wake_signal.h"
#include "relay/worker/affinity.h"
#include "relay/worker/dtls_pool.h"
#include "relay/worker/histogram.h"
#include "relay/worker/hooks.h"
#include "relay/worker/mailbox.h"
#include "relay/worker/outlet.h"

namespace causeway::worker {

/// Makes the back-end of a worker, which receives into the worker's pool and is asked for at most
/// `max_sockets` sockets.
using BackendFactory = std::function<Result<std::unique_ptr<io::IoBackend>, Error>(
    PacketPool& pool, std::size_t max_sockets)>;

struct WorkerConfig {
  engine::EngineConfig engine;
  std::optional<Cpu> cpu;            ///< Nothing: the thread is not pinned.
  std::size_t pool_packets = 8'192;  ///< 2 KiB each.
  std::size_t mailbox_commands = 4'096;
  /// Of the receive buffer of each shared port, in octets.
  int shared_port_buffer = 4 << 20;
  std::size_t outlet_reports = 16'384;
  std::size_t outbox_reserve = 16'384;
  /// How long a worker that is being stopped waits for its last reports to be read.
  Duration last_reports = std::chrono::seconds(1);
  record::RingWriter* records = nullptr;  ///< Null: nothing can be recorded. Outlives the worker.
  DtlsPool* dtls = nullptr;  ///< Null: handshakes are never answered. Outlives the worker.
};

/// Numbers of one worker, as they were at about the same moment.
struct WorkerStats {
  std::uint64_t turns = 0;
  std::uint64_t commands = 0;          ///< Taken from the mailbox.
  std::uint64_t refused_commands = 0;  ///< The mailbox was full.
  std::uint64_t events_lost = 0;
  std::uint64_t stray_datagrams = 0;
  /// Octets that the system has given the smallest receive buffer of the shared ports; 0: it has
  /// none.
  std::uint64_t shared_port_buffer = 0;
  std::uint64_t misrouted_checks = 0;  ///< To a shared port, for another node or worker.
  std::uint64_t unknown_checks = 0;    ///< To a shared port, for a leg that does not live.
  std::uint64_t sessions = 0;
  std::uint64_t pool_available = 0;
  /// Kernel arrival to the end of the turn that answered it, per datagram: the delay that the relay
  /// adds, wake-up included.
  DurationHistogram::Snapshot added_delay;
};

/// One worker: a thread, pinned to a processor, that owns a pool, an engine and an I/O back-end and
/// runs the loop between them.
///
///     wait --datagrams--> engine.handle_datagrams --.
///     mailbox --commands--> engine.handle_command ---+--> Outbox --drain--> transmits -> back-end
///     clock --> engine.handle_timeout ---------------'                      wishes <-> back-end
///                                                                           reports -> outlet
///
/// Media flows while the control plane is stuck: nothing here waits for the outlet's reader; when
/// its ring is full no new commands are taken until it is read. The control plane answers while a
/// worker is stuck: post() never waits.
///
/// post(), stats(), io_stats() and request_stop(): any thread. outlet().try_pop(): one thread.
class Worker {
 public:
  /// A batch of commands a turn, so that a flood of them delays no packet for long.
  static constexpr std::size_t kCommandsPerTurn = 64;

  /// Opens the shared ports and starts the thread. `reader` is notified of reports and outlives the
  /// worker. Errors: the back-end's; SHARED_PORT_REFUSED, `field` being its address.
  [[nodiscard]] static Result<std::unique_ptr<Worker>, Error> create(
      WorkerConfig config, const BackendFactory& make_backend, io::WakeSignal& reader,
      Hooks hooks = linked_hooks());
  /// With a SocketsBackend, the back-end that always works.
  [[nodiscard]] static Result<std::unique_ptr<Worker>, Error> create(WorkerConfig config,
                                                                     io::WakeSignal& reader);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  /// Stops the thread and waits for it. Reports that were not read are freed.
  ~Worker();

  /// Hands a command over; it comes back through the outlet, with its status. False, and the
  /// command stays the caller's, if it must be refused: the mailbox is full (never for commands
  /// that free or stop something), or the worker is being stopped.
  [[nodiscard]] bool post(engine::Command& command);

  /// Where completions and events come out, in order. Read it until is_stopped(), and then once
  /// more.
  [[nodiscard]] Outlet& outlet() { return outlet_; }

  /// Begins the end and returns at once: commands posted before are carried out, then every session
  /// is closed (SessionClosed with NodeShutdown) and the thread ends. Later commands are refused.
  void request_stop();
  /// Whether the thread has made its last report.
  [[nodiscard]] bool is_stopped() const { return is_stopped_; }

  [[nodiscard]] WorkerStats stats() const;
  [[nodiscard]] const io::IoStats& io_stats() const { return backend_->stats(); }
  [[nodiscard]] WorkerId id() const { return config_.engine.worker; }

 private:
  Worker(WorkerConfig config, io::WakeSignal& reader, Hooks hooks);

  [[nodiscard]] Result<void, Error> open_shared_ports();
  void run();
  void enter_thread();
  void turn();
  [[nodiscard]] std::optional<Instant> sleep_until(bool takes_normal);
  void take_datagrams(std::span<Datagram> batch);
  std::size_t take_commands();
  void take_timeouts();
  void drain();
  void grant(const engine::SocketWish& wish);
  void note_turn(std::span<const Datagram> batch);
  void finish();

  const WorkerConfig config_;
  const Hooks hooks_;
  // In the order in which they may be destroyed, last first: packets before their pool.
  PacketPool pool_;
  Mailbox mailbox_;
  Outlet outlet_;
  engine::Outbox outbox_;
  engine::Engine engine_;
  std::unique_ptr<io::IoBackend> backend_;

  io::Counter turns_;
  io::Counter commands_;
  std::atomic<std::uint64_t> refused_commands_{0};  // by any thread
  io::Gauge sessions_;
  io::Gauge pool_available_;
  io::Gauge stray_datagrams_;
  io::Gauge shared_port_buffer_;
  io::Gauge misrouted_checks_;
  io::Gauge unknown_checks_;
  DurationHistogram added_delay_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<bool> is_stopped_{false};
  std::jthread thread_;
};

}  // namespace causeway::worker
