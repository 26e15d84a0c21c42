#include "relay/worker/worker.h"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <string>

#include "relay/io/clock.h"
#include "relay/io/sockets_backend.h"

namespace causeway::worker {

namespace {

/// How often a worker looks whether a ring that was full is being read again.
constexpr Duration kRetry = std::chrono::milliseconds(5);

/// Signals that the process is sent belong to its main thread; faults of a thread stay with it.
void leave_signals_to_main() {
  sigset_t set;
  sigfillset(&set);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF}) {
    sigdelset(&set, fault);
  }
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void call(const std::function<void()>& hook) {
  if (hook) hook();
}

}  // namespace

Result<std::unique_ptr<Worker>, Error> Worker::create(WorkerConfig config,
                                                      const BackendFactory& make_backend,
                                                      io::WakeSignal& reader, Hooks hooks) {
  auto worker = std::unique_ptr<Worker>(new Worker(std::move(config), reader, std::move(hooks)));
  auto backend = make_backend(worker->pool_, worker->engine_.max_sockets());
  if (!backend) return failure(std::move(backend).error());
  worker->backend_ = std::move(*backend);
  if (auto opened = worker->open_shared_ports(); !opened) return failure(std::move(opened).error());
  worker->thread_ = std::jthread([self = worker.get()] { self->run(); });
  return worker;
}

Result<std::unique_ptr<Worker>, Error> Worker::create(WorkerConfig config, io::WakeSignal& reader) {
  const auto make_backend =
      [](PacketPool& pool,
         std::size_t max_sockets) -> Result<std::unique_ptr<io::IoBackend>, Error> {
    return io::SocketsBackend::create({.max_sockets = max_sockets}, pool);
  };
  return create(std::move(config), make_backend, reader);
}

Worker::Worker(WorkerConfig config, io::WakeSignal& reader, Hooks hooks)
    : config_(std::move(config)),
      hooks_(std::move(hooks)),
      pool_(config_.pool_packets),
      mailbox_(config_.mailbox_commands),
      outlet_(config_.engine.worker,
              {.ring = config_.outlet_reports, .sessions = config_.engine.max_sessions}, reader),
      outbox_(config_.records, config_.outbox_reserve),
      engine_(config_.engine, pool_) {}

Worker::~Worker() {
  if (thread_.joinable()) request_stop();
}

bool Worker::post(engine::Command& command) {
  const Mailbox::Posted posted = mailbox_.post(command);
  if (posted == Mailbox::Posted::TakenWhileAsleep) backend_->wake();
  if (posted == Mailbox::Posted::Refused) refused_commands_.fetch_add(1, std::memory_order_relaxed);
  return posted != Mailbox::Posted::Refused;
}

void Worker::request_stop() {
  mailbox_.close();
  is_stopping_ = true;
  backend_->wake();
}

/// A port that every endpoint of a network is told has no substitute, so a node that cannot have it
/// does not start.
Result<void, Error> Worker::open_shared_ports() {
  engine_.open_shared_ports(outbox_);
  for (const engine::SocketWish& wish : outbox_.sockets) {
    const auto opened =
        backend_->open(wish.socket, wish.bind, {wish.dscp, config_.shared_port_buffer});
    if (!opened) {
      return failure(Error{
          ErrorCode::Unavailable, "SHARED_PORT_REFUSED", wish.bind.to_string(),
          "The shared port cannot be opened: " + std::string(std::strerror(opened.error().raw()))});
    }
    const auto given = static_cast<std::uint64_t>(backend_->receive_buffer_octets(wish.socket));
    const std::uint64_t least = shared_port_buffer_.value();
    shared_port_buffer_.set(least == 0 ? given : std::min(least, given));
    engine_.handle_socket_opened(io::now(), wish.socket, true, outbox_);
  }
  outbox_.sockets.clear();
  return {};
}

void Worker::run() {
  enter_thread();
  call(hooks_.on_warm);
  while (!is_stopping_.load(std::memory_order_relaxed)) turn();
  call(hooks_.on_stopping);
  finish();
}

void Worker::enter_thread() {
  leave_signals_to_main();
  ::pthread_setname_np(::pthread_self(), ("cw-worker-" + std::to_string(id().raw())).c_str());
  // A processor that is refused (a container's set has changed) costs speed, not calls.
  if (config_.cpu) (void)pin_this_thread(*config_.cpu);
  call(hooks_.on_thread_start);
}

void Worker::turn() {
  const bool takes_normal = !outlet_.is_backlogged();
  const std::span<Datagram> batch = backend_->wait(sleep_until(takes_normal));
  mailbox_.is_awake();
  outlet_.flush();
  take_datagrams(batch);
  take_commands();
  // Under traffic the packets' own times tell what is due (take_datagrams).
  if (batch.empty()) take_timeouts();
  drain();
  note_turn(batch);
}

/// The deadline of the next wait; the past where there is something to do at once.
std::optional<Instant> Worker::sleep_until(bool takes_normal) {
  if (!mailbox_.may_sleep(takes_normal)) return Instant::min();
  std::optional<Instant> deadline = engine_.next_timeout();
  // What waits for room is tried again soon: nobody wakes a worker when a ring has been read.
  if (outlet_.is_backlogged() || (config_.records != nullptr && config_.records->has_pending())) {
    const Instant retry = io::now() + kRetry;
    deadline = std::min(deadline.value_or(retry), retry);
  }
  return deadline;
}

void Worker::take_datagrams(std::span<Datagram> batch) {
  if (batch.empty()) return;
  // What fell due before the first packet arrived comes first, as it would on an idle machine.
  const auto due = engine_.next_timeout();
  if (due && *due <= batch.front().arrival) engine_.handle_timeout(batch.front().arrival, outbox_);
  engine_.handle_datagrams(batch, outbox_);
}

std::size_t Worker::take_commands() {
  if (mailbox_.is_empty()) return 0;
  const bool takes_normal = !outlet_.is_backlogged();
  const std::size_t most = std::min(kCommandsPerTurn, outlet_.room_for_commands());
  std::size_t taken = 0;
  for (; taken < most; ++taken) {
    auto command = mailbox_.take(takes_normal);
    if (!command) break;
    engine_.handle_command(io::now(), std::move(*command), outbox_);
  }
  commands_.add(taken);
  return taken;
}

void Worker::take_timeouts() {
  const auto due = engine_.next_timeout();
  if (!due) return;
  const Instant now = io::now();
  if (*due <= now) engine_.handle_timeout(now, outbox_);
}

void Worker::drain() {
  // Packets leave before a wish closes their socket; the answer to a wish may cause more of both.
  do {
    backend_->send(outbox_.transmits);
    outbox_.transmits.clear();
    for (std::size_t i = 0; i < outbox_.sockets.size(); ++i) {
      grant(engine::SocketWish(outbox_.sockets[i]));  // a copy: answers may grow the vector
    }
    outbox_.sockets.clear();
  } while (!outbox_.transmits.empty());
  for (engine::DtlsWish& wish : outbox_.dtls) {
    if (config_.dtls != nullptr) config_.dtls->post(id(), wish);
  }
  outbox_.dtls.clear();
  outlet_.put(outbox_);
  if (config_.records != nullptr) config_.records->flush();
}

void Worker::grant(const engine::SocketWish& wish) {
  if (wish.kind == engine::SocketWish::Kind::Close) {
    backend_->close(wish.socket);
    return;
  }
  const bool is_open = backend_->open(wish.socket, wish.bind, {.dscp = wish.dscp}).has_value();
  engine_.handle_socket_opened(io::now(), wish.socket, is_open, outbox_);
}

void Worker::note_turn(std::span<const Datagram> batch) {
  turns_.add();
  sessions_.set(engine_.sessions());
  pool_available_.set(pool_.available());
  const engine::SharedPortCounters shared = engine_.shared_port_counters();
  stray_datagrams_.set(engine_.stray_datagrams() + shared.strays);
  misrouted_checks_.set(shared.misrouted_checks);
  unknown_checks_.set(shared.unknown_checks);
  if (batch.empty()) return;
  const Instant now = io::now();
  for (const Datagram& datagram : batch) added_delay_.add(now - datagram.arrival);
}

void Worker::finish() {
  const Instant deadline = io::now() + config_.last_reports;
  const auto rest = [&] {
    (void)backend_->wait(std::min(io::now() + kRetry, deadline));
    outlet_.flush();
  };
  while (io::now() < deadline) {
    const std::size_t taken = take_commands();
    drain();
    if (taken == 0 && !outlet_.is_backlogged()) break;
    if (taken == 0) rest();
  }
  engine_.close_all(io::now(), engine::SessionClosed::Reason::NodeShutdown, outbox_);
  drain();
  while (outlet_.is_backlogged() && io::now() < deadline) rest();
  note_turn({});
  is_stopped_ = true;
  outlet_.notify_reader();
}

WorkerStats Worker::stats() const {
  return {.turns = turns_.value(),
          .commands = commands_.value(),
          .refused_commands = refused_commands_.load(std::memory_order_relaxed),
          .events_lost = outlet_.events_lost(),
          .stray_datagrams = stray_datagrams_.value(),
          .shared_port_buffer = shared_port_buffer_.value(),
          .misrouted_checks = misrouted_checks_.value(),
          .unknown_checks = unknown_checks_.value(),
          .sessions = sessions_.value(),
          .pool_available = pool_available_.value(),
          .added_delay = added_delay_.snapshot()};
}

}  // namespace causeway::worker
