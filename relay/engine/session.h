#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "relay/base/static_vector.h"
#include "relay/base/time.h"
#include "relay/engine/connection.h"
#include "relay/engine/handle.h"
#include "relay/engine/leg.h"
#include "relay/record/frame.h"

namespace causeway::engine {

inline constexpr std::size_t kMaxConnections = 16;

/// What becomes of a session whose lease has run out.
enum class LeaseExpiry : std::uint8_t {
  CloseWhenSilent,  ///< The call outlives its application: closed once nobody speaks any more.
  Close,
};

/// A session's state, written down. Holds the keys of its handshakes: a secret.
struct SessionSnapshot {
  StaticVector<LegSnapshot, kMaxLegs> legs;
  Duration lease_left{};
};

/// The legs of one call and how they are connected, as their worker has them. Made off the worker,
/// used by one worker, freed off it.
class Session {
 public:
  /// After the lease: how long all legs must have been silent before CloseWhenSilent closes.
  static constexpr Duration kSilence = std::chrono::seconds(30);

  Session(Duration lease, LeaseExpiry expiry) : lease_(lease), expiry_(expiry) {}

  // Before it is placed: what it begins with. REQUIRES: numbers are unique and at most kMaxLegs.
  void add_leg(std::unique_ptr<Leg> leg) { legs_.push_back(std::move(leg)); }
  void add_connection(std::unique_ptr<Connection> connection) {
    connections_.push_back(std::move(connection));
  }
  /// A recording that begins with the session: its Start marker goes before any packet.
  void add_recording(record::RecordingId recording) { recordings_.push_back(recording); }

  /// Called once when it is placed.
  void start(Instant now, SessionHandle handle, Random& random, Outbox& out);

  [[nodiscard]] Leg* leg(std::uint16_t number);
  [[nodiscard]] StaticVector<std::unique_ptr<Leg>, kMaxLegs>& legs() { return legs_; }
  [[nodiscard]] const StaticVector<std::unique_ptr<Leg>, kMaxLegs>& legs() const { return legs_; }
  [[nodiscard]] StaticVector<std::unique_ptr<Connection>, kMaxConnections>& connections() {
    return connections_;
  }
  [[nodiscard]] const StaticVector<std::unique_ptr<Connection>, kMaxConnections>& connections()
      const {
    return connections_;
  }
  [[nodiscard]] std::unique_ptr<Leg> remove_leg(std::uint16_t number);
  /// Puts `connection` in the place of the one between the same legs, whose state it takes over;
  /// null only removes. Returns the old one, or
  /// `connection` itself where there is no room for another.
  [[nodiscard]] std::unique_ptr<Connection> replace_connection(
      std::uint16_t from, std::uint16_t to, std::unique_ptr<Connection> connection);

  /// After legs or connections have changed: a leg of which everything passes leaves RTCP to the
  /// endpoint on the other side; for any other the relay is the RTP endpoint. And a leg that is to
  /// be sent more than audio takes the room that its connection has brought.
  void update_legs();

  void renew(Instant now, Duration lease, std::optional<LeaseExpiry> expiry = std::nullopt);
  /// When the session ends if nothing happens until then: at the end of the lease, or of the
  /// silence after it.
  [[nodiscard]] Instant lease_check_at() const;
  [[nodiscard]] LeaseExpiry expiry() const { return expiry_; }

  /// The earliest of all that its legs, paths and lease wait for.
  [[nodiscard]] Instant next_timeout() const;
  [[nodiscard]] const SessionHandle& handle() const { return handle_; }
  [[nodiscard]] Instant opened_at() const { return opened_at_; }

  /// Translates a compound that `from`'s endpoint sent for every endpoint whose streams it is
  /// about, and takes in what is the relay's own as an RTP endpoint.
  void handle_rtcp(Instant now, Leg& from, const wire::OpenRtcp& compound, PacketPool& pool,
                   Outbox& out);

  /// A leg's security has changed: nothing of before is sent to it again.
  void forget_kept(const Leg& to);

  /// A leg's report, with what only its connections know: what the transcoders did to its audio,
  /// and what the endpoint says of streams that are forwarded to it.
  void fill_report(const Leg& leg, LegReport& report) const;
  void fill_snapshot(SessionSnapshot& snapshot, Instant now) const;

 private:
  [[nodiscard]] Instant last_heard() const;
  [[nodiscard]] Connection* connection(std::uint16_t from, std::uint16_t to);
  [[nodiscard]] ForwardedStreams forwarded_streams(Connection* connection);
  [[nodiscard]] bool passes_transport_cc(const Connection& connection) const;
  void repeat_lost(Instant now, Leg& to, const wire::OpenRtcp& compound, PacketPool& pool,
                   Outbox& out);
  void align_sound(Instant now, Leg& from, Connection& connection);
  // Both answer how many packets of the compound lie about their insides.
  unsigned take_own_rtcp(Instant now, Leg& from, const wire::OpenRtcp& compound);
  unsigned translate_rtcp(Instant now, Leg& from, Leg& to, const wire::OpenRtcp& compound,
                          PacketPool& pool, Outbox& out);

  SessionHandle handle_;
  Duration lease_;
  LeaseExpiry expiry_;
  Instant opened_at_{};
  Instant lease_ends_{};
  StaticVector<std::unique_ptr<Leg>, kMaxLegs> legs_;
  StaticVector<std::unique_ptr<Connection>, kMaxConnections> connections_;
  StaticVector<record::RecordingId, kMaxTaps> recordings_;
};

}  // namespace causeway::engine
