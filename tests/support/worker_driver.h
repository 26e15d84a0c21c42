#pragma once

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "relay/io/clock.h"
#include "relay/io/sockets_backend.h"
#include "relay/worker/worker.h"

namespace causeway::worker {

/// How long a test waits for what must come.
inline constexpr Duration kPatience = std::chrono::seconds(10);

/// A range of ports that other runs of this test are unlikely to use; the engine tries others where
/// one is taken.
inline engine::NetworkConfig loopback(const char* ip) {
  engine::NetworkConfig network;
  network.bind = network.advertised = *IpAddress::parse(ip);
  network.first_port = UdpPort(static_cast<std::uint16_t>(10'000 + ::getpid() % 100 * 200));
  network.last_port = UdpPort(static_cast<std::uint16_t>(network.first_port.raw() + 199));
  return network;
}

inline WorkerConfig make_config() {
  WorkerConfig config;
  config.engine.worker = WorkerId(1);
  config.engine.networks = {loopback("127.0.0.1"), loopback("::1")};
  config.engine.max_sessions = 64;
  config.engine.wall = io::read_wall_clock();
  config.engine.random_key = {1, 2};
  config.pool_packets = 512;
  return config;
}

/// An endpoint on loopback, as a back-end of its own.
class Endpoint {
 public:
  explicit Endpoint(const char* bind) {
    address_ = *backend_->open(kId, *SocketAddress::parse(bind), {});
  }
  [[nodiscard]] const SocketAddress& address() const { return address_; }
  void send(const SocketAddress& to, Bytes octets) {
    Transmit transmit{kId, to, pool_.take()};
    transmit.packet.resize(octets.size());
    std::ranges::copy(octets, transmit.packet.data().begin());
    backend_->send({&transmit, 1});
  }
  /// The next datagram; empty when none comes. Zero: what is there already.
  std::vector<std::byte> receive(Duration patience = kPatience) {
    const Instant deadline = io::now() + patience;
    do {
      for (const Datagram& datagram : backend_->wait(waiting_.empty() ? deadline : Instant{})) {
        const Bytes data = datagram.packet.data();
        waiting_.emplace_back(data.begin(), data.end());
      }
    } while (waiting_.empty() && io::now() < deadline);
    if (waiting_.empty()) return {};
    auto first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
  }

 private:
  static constexpr SocketId kId{0, 1};
  PacketPool pool_{128};
  std::unique_ptr<io::SocketsBackend> backend_ =
      std::move(*io::SocketsBackend::create({.max_sockets = 1}, pool_));
  SocketAddress address_;
  std::deque<std::vector<std::byte>> waiting_;
};

/// A worker over real sockets and, on the caller's thread, its control plane.
class WorkerDriver {
 public:
  void start(WorkerConfig config, Hooks hooks = linked_hooks()) {
    const auto sockets =
        [](PacketPool& pool,
           std::size_t max_sockets) -> Result<std::unique_ptr<io::IoBackend>, Error> {
      return io::SocketsBackend::create({.max_sockets = max_sockets}, pool);
    };
    worker_ = std::move(*Worker::create(std::move(config), sockets, *reader_, std::move(hooks)));
  }
  void stop() { worker_.reset(); }
  [[nodiscard]] Worker& worker() { return *worker_; }

  template <typename T>
  [[nodiscard]] bool post(std::unique_ptr<T> command, std::uint64_t token) {
    command->token = token;
    engine::Command wrapped(std::move(command));
    return worker_->post(wrapped);
  }
  /// The next report; nothing where none comes.
  std::optional<Report> next_report() {
    for (const Instant deadline = io::now() + kPatience; io::now() < deadline;) {
      if (auto report = worker_->outlet().try_pop()) return report;
      reader_->may_sleep();
      auto report = worker_->outlet().try_pop();
      if (report) {
        reader_->is_awake();
        return report;
      }
      reader_->wait(deadline - io::now());
    }
    return std::nullopt;
  }
  /// Posts a command and reads until it comes back; events on the way are kept. Null if it does
  /// not.
  template <typename T>
  std::unique_ptr<T> call(std::unique_ptr<T> command) {
    const std::uint64_t token = ++last_token_;
    if (!post(std::move(command), token)) return nullptr;
    while (auto report = next_report()) {
      if (auto* event = std::get_if<engine::Event>(&*report)) {
        events_.push_back(std::move(*event));
      } else if (auto* body = std::get_if<std::unique_ptr<T>>(&std::get<engine::Command>(*report));
                 body != nullptr && (*body)->token == token) {
        return std::move(*body);
      }
    }
    return nullptr;
  }
  /// The next event of a kind; earlier ones of other kinds are dropped.
  template <typename T>
  std::optional<engine::Event> next_event() {
    while (true) {
      while (!events_.empty()) {
        engine::Event event = std::move(events_.front());
        events_.pop_front();
        if (std::holds_alternative<T>(event.body)) return event;
      }
      auto report = next_report();
      if (!report) return std::nullopt;
      if (auto* event = std::get_if<engine::Event>(&*report)) events_.push_back(std::move(*event));
    }
  }
  void wait_for_signal(Duration timeout) { reader_->wait(timeout); }

 private:
  std::unique_ptr<io::WakeSignal> reader_ = std::move(*io::WakeSignal::create());
  std::unique_ptr<Worker> worker_;
  std::deque<engine::Event> events_;
  std::uint64_t last_token_ = 0;
};

}  // namespace causeway::worker
