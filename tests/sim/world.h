#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "relay/base/byte_ring.h"
#include "relay/engine/engine.h"
#include "relay/engine/planner.h"

namespace causeway::sim {

/// What a network does to the datagrams of one endpoint, each way. Probabilities are in 1/1000.
struct Faults {
  std::uint32_t loss = 0;
  std::uint32_t duplicate = 0;
  Duration delay = std::chrono::milliseconds(1);
  Duration jitter{};  ///< Uniform on top of `delay`: reorders where it exceeds the spacing.
};

/// A datagram in the clear or sealed, as it crosses the simulated network.
struct Flying {
  SocketAddress from;
  SocketAddress to;
  std::vector<std::byte> octets;
};

/// One relay engine in a virtual world: virtual time, a network with faults, and an API that may
/// call at any moment. Everything follows from the seed. Drives the same Engine class as the
/// daemon, through the same calls as relay/worker.
class World {
 public:
  using Receive = std::function<void(Instant, const Flying&)>;

  explicit World(std::uint64_t seed, engine::EngineConfig config = default_config());
  ~World();

  static engine::EngineConfig default_config();

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] engine::Engine& engine() { return *engine_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] PacketPool& pool() { return pool_; }

  /// Runs everything that is due up to `until`, in the order of time.
  void run_until(Instant until);
  void run_for(Duration span) { run_until(now_ + span); }
  /// Runs `what` at that moment.
  void at(Instant when, std::function<void()> what);

  /// Whoever has this address receives what is sent to it; faults apply to both directions.
  void attach(const SocketAddress& address, Receive receive);
  void set_faults(const SocketAddress& address, const Faults& faults);
  /// From a simulated endpoint to the relay, through its faults.
  void send(const SocketAddress& from, const SocketAddress& to, std::vector<std::byte> octets);

  /// Gives the engine a command and returns it when it is complete (sockets open at once, unless
  /// `refuse_sockets` says otherwise).
  template <typename T>
  std::unique_ptr<T> call(std::unique_ptr<T> command) {
    command->token = ++last_token_;
    engine_->handle_command(now_, engine::Command(std::move(command)), out_);
    drain();
    return std::get<std::unique_ptr<T>>(take_completion(last_token_));
  }
  /// Opens a session and returns its addresses. Fails the test if it is refused.
  std::unique_ptr<engine::OpenSession> open(std::unique_ptr<engine::Session> session);

  /// How many of the next sockets the operating system refuses.
  int refuse_sockets = 0;

  /// All events so far; the tests read and may clear it.
  std::vector<engine::Event> events;
  template <typename T>
  [[nodiscard]] std::vector<const T*> events_of() const {
    std::vector<const T*> found;
    for (const engine::Event& event : events) {
      if (const T* body = std::get_if<T>(&event.body)) found.push_back(body);
    }
    return found;
  }

  /// Called for each job that the engine has for the DTLS pool; nobody: they are lost.
  std::function<void(Instant, engine::DtlsWish&)> on_dtls;
  /// A report of that pool's, or of a script in its place.
  void report(std::unique_ptr<engine::DtlsReport> report);

  /// Called for each datagram that the engine sends, before the network touches it.
  std::function<void(Instant, const Flying&)> on_transmit;
  /// The recorder's ring and the engine's end of it.
  ByteRing& records() { return ring_; }
  /// Datagrams that the relay sent to an address that nobody has.
  [[nodiscard]] std::uint64_t astray() const { return astray_; }

 private:
  struct Due {
    Instant when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator>(const Due& other) const {
      return when != other.when ? when > other.when : order > other.order;
    }
  };
  struct Peer {
    Receive receive;
    Faults faults;
  };

  void drain();
  void fly(const Faults& faults, std::function<void()> arrive);
  void arrive_at_relay(const Flying& flying);
  engine::Command take_completion(std::uint64_t token);

  Instant now_{std::chrono::seconds(1000)};
  Random random_;
  PacketPool pool_{4096};
  ByteRing ring_{1 << 20};
  record::RingWriter record_writer_{ring_};
  engine::Outbox out_{&record_writer_};
  std::unique_ptr<engine::Engine> engine_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::uint64_t order_ = 0;
  std::map<SocketAddress, Peer> peers_;
  std::map<SocketAddress, SocketId> bound_;
  std::map<std::uint32_t, SocketAddress> sockets_;  // by slot
  std::vector<engine::Command> completions_;
  std::uint64_t last_token_ = 0;
  std::uint64_t astray_ = 0;
};

/// A leg as tests ask for it, from a specification; keys where it is secure.
struct LegParts {
  engine::LegSpec spec;
  std::uint16_t number = 0;
  /// Made by make_keys; nothing: a secure leg without keys.
  struct Keys {
    wire::SrtpSuite suite = wire::SrtpSuite::AesCm128HmacSha1_80;
    std::uint8_t receive_fill = 0;
    std::uint8_t send_fill = 0;
  };
  std::optional<Keys> keys;
  /// What is not of the specification: ICE, DTLS.
  std::function<void(engine::LegSetup&)> adjust{};
};
[[nodiscard]] std::unique_ptr<engine::Leg> make_leg(const LegParts& parts, Random& random);
/// A path from one leg to another, planned and compiled.
[[nodiscard]] std::unique_ptr<engine::Connection> make_connection(const LegParts& from,
                                                                  const LegParts& to);
/// A session of two legs connected both ways, with an hour's lease.
[[nodiscard]] std::unique_ptr<engine::Session> make_bridge(const LegParts& a, const LegParts& b,
                                                           Random& random);

[[nodiscard]] engine::CodecSpec make_codec(std::uint8_t type, const char* name,
                                           std::uint32_t clock = 8000,
                                           engine::MediaKind kind = engine::MediaKind::Audio);
[[nodiscard]] SocketAddress address(const char* text);
[[nodiscard]] std::vector<std::byte> rtp_packet(std::uint8_t type, std::uint16_t seq,
                                                std::uint32_t timestamp, std::uint32_t ssrc,
                                                Bytes payload, bool marker = false);
[[nodiscard]] wire::SrtpKeys make_keys(wire::SrtpSuite suite, std::uint8_t fill);

}  // namespace causeway::sim
