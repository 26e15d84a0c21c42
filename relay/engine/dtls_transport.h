#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "relay/base/budget.h"
#include "relay/base/datagram.h"
#include "relay/base/time.h"
#include "relay/dtls/exchange.h"
#include "relay/engine/handle.h"

namespace causeway::engine {

struct Outbox;

/// A job for the DTLS pool. The worker hands it on; what it has no room for is lost, as on a wire.
struct DtlsWish {
  DtlsComponent component;
  std::uint32_t association = 0;
  dtls::JobKind kind = dtls::JobKind::Datagram;
  SocketAddress from;
  PacketBuf packet;  ///< Datagram only.
  std::shared_ptr<const dtls::Settings> settings;
};

/// A leg's side of one of its associations (law 1): it has the datagrams and the time, the pool has
/// OpenSSL. It says when the last flight is to be sent again, when a handshake has taken too long,
/// and how much an endpoint may ask of the pool. Never allocates.
///
///     state   | datagram              | connect() (Active) | report          | timers
///     Waiting | job                   | Start -> Shaking   | Going: Shaking  | -
///             |                       |                    | Up: Up          |
///     Shaking | job                   | -                  | Up: Up          | Timeout jobs;
///             |                       |                    | Failed: Waiting | after 30 s Waiting
///     Up      | job (its last flight  | -                  | Closed, Failed: | -
///             | again, an alert)      |                    |   Waiting       |
///
/// A report that is an aside (to strangers) changes nothing: whoever has returned no cookie begins
/// no handshake.
class DtlsTransport {
 public:
  /// RFC 6347 4.2.4.1 would begin at 1 s, for networks that nothing is known of; with media it is
  /// the caller who waits.
  static constexpr Duration kFirstTimeout = std::chrono::milliseconds(200);
  static constexpr Duration kLongestTimeout = std::chrono::seconds(3);
  static constexpr Duration kPatience = std::chrono::seconds(30);

  explicit DtlsTransport(std::shared_ptr<const dtls::Settings> settings = nullptr)
      : settings_(std::move(settings)) {}

  [[nodiscard]] bool is_used() const { return settings_ != nullptr; }
  [[nodiscard]] bool is_up() const { return state_ == State::Up; }
  /// Which association reports must be of; it changes with every new one.
  [[nodiscard]] std::uint32_t association() const { return association_; }
  [[nodiscard]] dtls::Role role() const { return settings_->role; }

  void start(DtlsComponent component) { component_ = component; }
  /// A leg that is restored has the keys of its handshake already, and makes no other.
  void go_on() { state_ = State::Up; }
  /// The endpoint can be reached: Active begins.
  void connect(Instant now, Outbox& out);
  /// From an admitted source. False: it has asked too much of the pool for now.
  [[nodiscard]] bool handle_datagram(Datagram& in, Outbox& out);
  /// What the pool has done. True where it is news: Up, Closed, or a failure that was not said yet.
  [[nodiscard]] bool on_report(Instant now, const dtls::Report& report);
  /// True where a handshake has just been given up.
  [[nodiscard]] bool handle_timeout(Instant now, Outbox& out);
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  /// New settings, swapped into the argument; null: no DTLS any more. `is_new`: a new association,
  /// the keys of the old one go on until it is up. Else the present one goes on with them.
  void change(std::shared_ptr<const dtls::Settings>& settings, bool is_new, Outbox& out);
  void close(Outbox& out);
  /// As close(), and the next handshake begins anew.
  void end(Outbox& out);

 private:
  enum class State : std::uint8_t { Waiting, Shaking, Up };

  void begin(Instant now);
  void wish(dtls::JobKind kind, const SocketAddress& from, PacketBuf packet, Outbox& out);

  std::shared_ptr<const dtls::Settings> settings_;
  DtlsComponent component_;
  std::uint32_t association_ = 1;
  State state_ = State::Waiting;
  bool is_asked_ = false;  // the pool has had a job, so it may keep something
  bool has_said_failure_ = false;
  Duration timeout_ = kFirstTimeout;
  std::optional<Instant> repeat_at_;
  Instant give_up_at_;
  Budget budget_{64, std::chrono::milliseconds(20)};
};

}  // namespace causeway::engine
