#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "relay/base/static_vector.h"
#include "relay/engine/connection.h"
#include "relay/engine/event.h"
#include "relay/engine/handle.h"
#include "relay/engine/leg.h"
#include "relay/engine/report.h"
#include "relay/engine/session.h"

namespace causeway::engine {

/// What control/ asks of an engine. Everything that must be allocated (a session with its legs and
/// paths, SRTP contexts, codecs, the room for an answer) is made before the command is sent, on the
/// sender's thread. The command comes back in Outbox::completions with its status and results, and
/// with whatever it replaced, and the sender frees it: a worker never allocates or frees.
enum class Status : std::uint8_t {
  Ok,
  SessionNotFound,
  LegNotFound,
  TooManySessions,
  TooManyLegs,
  PortsExhausted,  ///< No port (pair) of the leg's network is free on this worker.
  SocketRefused,   ///< The operating system refused every port that was tried.
  NetworkNotFound,
  NoSharedPort,   ///< The leg's network has none on this worker.
  FragmentTaken,  ///< Another leg of the shared port has this username fragment.
  TooManyConnections,
  TooManyTaps,       ///< A leg takes part in kMaxTaps recordings already.
  NoTelephoneEvent,  ///< The leg has no payload type for telephone-event.
  TooManyDigits,     ///< More than TelephoneEventSender::kMaxDigits are waiting.
};

struct CommandBase {
  std::uint64_t token = 0;  ///< The sender's; echoed.
  Status status = Status::Ok;
};

/// The addresses that a leg has been given: what its endpoint sends to.
struct LegAddresses {
  LegHandle leg;
  SocketAddress rtp;
  std::optional<SocketAddress> rtcp;  ///< Nothing with rtcp-mux.
};

/// Places a session with its legs and connections. All of it or nothing.
struct OpenSession : CommandBase {
  std::unique_ptr<Session> session;  ///< Comes back when refused.
  SessionHandle handle;
  StaticVector<LegAddresses, kMaxLegs> addresses;
};

struct AddLeg : CommandBase {
  SessionHandle session;
  std::unique_ptr<Leg> leg;  ///< Comes back when refused.
  LegAddresses addresses;
};

/// Changes what is set, and what was planned anew because of it; takes effect between two packets,
/// all of it or nothing.
struct UpdateLeg : CommandBase {
  LegHandle leg;
  LegUpdate update;  ///< Comes back with what it replaced.
  /// Each takes the place of the one between the same two legs, of which one is this leg, and
  /// comes back as the old one.
  StaticVector<std::unique_ptr<Connection>, kMaxConnections> replanned;
};

/// Removes a leg with its connections; its ports rest. Reserved lane.
struct RemoveLeg : CommandBase {
  LegHandle leg;
  std::unique_ptr<Leg> removed;
  StaticVector<std::unique_ptr<Connection>, kMaxConnections> connections;
  LegReport report;  ///< Its last one.
};

/// Puts `connection` (or, where it is null, nothing) in the place of the one from `from` to `to`.
/// The new path takes over the state of the old one at this packet boundary.
struct SetConnection : CommandBase {
  SessionHandle session;
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  std::unique_ptr<Connection> connection;  ///< Comes back as the old one.
};

/// Begins or ends a recording's copy of what legs receive or are sent, and marks the moment in the
/// recorder's ring (Start, Pause, Resume, Stop). Taps are added after a Start's marker and removed
/// before a Stop's, so that the ring holds nothing outside the two.
struct ControlRecording : CommandBase {
  struct LegTap {
    std::uint16_t leg = 0;
    RecordTap tap;
  };
  SessionHandle session;
  record::RecordingId recording;
  std::optional<record::FrameKind> marker;
  StaticVector<LegTap, kMaxLegs> taps;
};

struct RenewLease : CommandBase {
  SessionHandle session;
  Duration lease{};
  std::optional<LeaseExpiry> expiry;  ///< Nothing: as before.
};

/// Reserved lane. The session comes back as a SessionClosed event.
struct CloseSession : CommandBase {
  SessionHandle session;
  SessionClosed::Reason reason = SessionClosed::Reason::Requested;
};

struct ReadReport : CommandBase {
  LegHandle leg;
  LegReport report;
};

struct SendDtmf : CommandBase {
  LegHandle leg;  ///< Whose endpoint is to hear it.
  StaticVector<media::TelephoneEventSender::Digit, media::TelephoneEventSender::kMaxDigits> digits;
};

/// What the DTLS pool has done for a leg. Nobody waits for it: its token is 0. Reserved lane, since
/// without the keys the call has no sound.
struct DtlsReport : CommandBase {
  LegHandle leg;
  bool is_rtcp = false;  ///< Of the association that RTCP has on a port of its own.
  std::uint32_t association = 0;
  dtls::Report report;
  LegUpdate keys;  ///< Up: receiver and sender; comes back with those that they replace.
};

/// Writes a session's state down. `snapshot` is made by the sender with room for every leg.
struct TakeSnapshot : CommandBase {
  SessionHandle session;
  std::unique_ptr<SessionSnapshot> snapshot;
};

struct ReadCapacity : CommandBase {
  struct Network {
    std::uint32_t ports = 0;
    std::uint32_t used = 0;
    std::uint32_t quarantined = 0;
    std::uint32_t sharing_legs = 0;  ///< Legs on its shared port.
  };
  StaticVector<Network, 16> networks;
  std::uint32_t sessions = 0;
  std::uint32_t legs = 0;
};

using Command =
    std::variant<std::unique_ptr<OpenSession>, std::unique_ptr<AddLeg>, std::unique_ptr<UpdateLeg>,
                 std::unique_ptr<RemoveLeg>, std::unique_ptr<SetConnection>,
                 std::unique_ptr<ControlRecording>, std::unique_ptr<RenewLease>,
                 std::unique_ptr<CloseSession>, std::unique_ptr<ReadReport>,
                 std::unique_ptr<SendDtmf>, std::unique_ptr<DtlsReport>,
                 std::unique_ptr<TakeSnapshot>, std::unique_ptr<ReadCapacity>>;

/// Whether a command frees or stops something, or carries what a handshake has made: it then
/// travels in the mailbox's reserved lane and is never refused for want of room.
[[nodiscard]] inline bool is_reserved(const Command& command) {
  if (const auto* disconnect = std::get_if<std::unique_ptr<SetConnection>>(&command)) {
    return (*disconnect)->connection == nullptr;
  }
  if (const auto* recording = std::get_if<std::unique_ptr<ControlRecording>>(&command)) {
    return (*recording)->marker == record::FrameKind::Stop;
  }
  return std::holds_alternative<std::unique_ptr<RemoveLeg>>(command) ||
         std::holds_alternative<std::unique_ptr<DtlsReport>>(command) ||
         std::holds_alternative<std::unique_ptr<CloseSession>>(command);
}

}  // namespace causeway::engine
