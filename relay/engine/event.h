#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "relay/base/address.h"
#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/dtls/exchange.h"
#include "relay/engine/handle.h"
#include "relay/ice/agent.h"

namespace causeway::engine {

class Session;

/// What the engine tells the application about, in the order in which it happened. Small values;
/// only SessionClosed carries something that must be freed, and it is freed by whoever reads it.

struct FirstPacket {
  LegHandle leg;
  SocketAddress from;
  Ssrc ssrc;
  PayloadType payload_type;
};
struct AddressLearned {
  LegHandle leg;
  SocketAddress address;
  bool is_rtcp = false;
};
/// No packet for the leg's first_packet_timeout or media_timeout. Said once until media comes back.
struct MediaTimeout {
  LegHandle leg;
  Duration silent_for{};
  bool had_media = false;
};
struct MediaResumed {
  LegHandle leg;
  Duration silent_for{};
};
struct SsrcChanged {
  LegHandle leg;
  Ssrc before;
  Ssrc after;
};
/// SRTP or SRTCP packets of an accepted source do not authenticate. Said once per set of keys.
struct SrtpFailed {
  LegHandle leg;
  DropReason reason = DropReason::AuthFailed;
  std::uint64_t failures = 0;  ///< SRTP and SRTCP packets of the leg so far, this one included.
  std::uint64_t verified = 0;  ///< Those that were what they said they were.
};
/// ICE has another pair to send over (Connected), or none any more.
struct IceChanged {
  LegHandle leg;
  ice::State state = ice::State::Checking;
  std::optional<SocketAddress> remote;
};
/// A DTLS handshake is complete and its keys are in use.
struct DtlsUp {
  LegHandle leg;
  wire::SrtpSuite suite = wire::SrtpSuite::AesCm128HmacSha1_80;
  bool is_active = false;
  bool is_rtcp = false;  ///< Of the association that RTCP has on a port of its own.
};
/// Said once, until another handshake succeeds or other settings come.
struct DtlsFailed {
  LegHandle leg;
  dtls::Failure failure = dtls::Failure::None;
  bool is_rtcp = false;
};
/// The endpoint has ended its association in good order: it hangs up. The keys go on.
struct DtlsClosed {
  LegHandle leg;
  bool is_rtcp = false;
};
/// Less than a tenth of a master key's lifetime is left.
struct KeyExpiring {
  LegHandle leg;
};
/// One telephone-event that an endpoint sent (RFC 4733), when it ends.
struct DtmfReceived {
  LegHandle leg;
  std::uint8_t event = 0;  ///< 0..9, 10 *, 11 #, 12..15 A..D, 16 flash.
  Duration duration{};
};
/// The recorder's ring was full: the recording has lost something, the call has not. Said once,
/// until a second has passed without (record::kRingCalm).
struct RecordingOverrun {
  SessionHandle session;
  std::uint32_t recording = 0;
  std::uint64_t lost_packets = 0;  ///< Of this recording, by the leg that says so.
};
struct SessionClosed {
  enum class Reason : std::uint8_t { Requested, LeaseExpired, LeaseExpiredSilent, NodeShutdown };
  SessionHandle handle;
  Reason reason = Reason::Requested;
  std::unique_ptr<Session> session;  ///< Its final state, for the report.
};
/// The reader of events was too slow; `count` of them are missing here.
struct EventsLost {
  WorkerId worker;
  std::uint64_t count = 0;
};

using EventBody = std::variant<FirstPacket, AddressLearned, MediaTimeout, MediaResumed, SsrcChanged,
                               SrtpFailed, IceChanged, DtlsUp, DtlsFailed, DtlsClosed, KeyExpiring,
                               DtmfReceived, RecordingOverrun, SessionClosed, EventsLost>;

struct Event {
  Instant at;
  EventBody body;

  Event();
  Event(Instant when, EventBody what);
  Event(Event&&) noexcept;
  Event& operator=(Event&&) noexcept;
  ~Event();
};

}  // namespace causeway::engine
