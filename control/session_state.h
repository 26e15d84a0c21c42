#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "causeway/v1/leg.pb.h"
#include "causeway/v1/report.pb.h"
#include "causeway/v1/session.pb.h"
#include "control/build.h"
#include "control/jsep/negotiation.h"
#include "control/mutex.h"
#include "control/translate_leg.h"
#include "relay/engine/handle.h"
#include "relay/engine/report.h"
#include "relay/engine/spec.h"
#include "relay/record/frame.h"

namespace causeway::engine {
class Session;
}

namespace causeway::control {

/// The version of a resource, which changes whenever the API changes it. The random part keeps the
/// etag of a resource from fitting another one of the same name.
class Etag {
 public:
  Etag();
  void change() { ++revision_; }
  [[nodiscard]] std::string text() const;

 private:
  std::uint32_t instance_;
  std::uint32_t revision_ = 1;
};

/// What descriptions have settled for a leg, and what they have not yet. Its parts are immutable.
struct NegotiationState {
  /// By the last final answer: what there is again where an offer comes to nothing.
  std::shared_ptr<const jsep::Agreed> settled;
  /// What the leg is now: the same, or by a provisional answer.
  std::shared_ptr<const jsep::Agreed> agreed;
  std::shared_ptr<const jsep::Offer> pending;  ///< Ours, without a final answer.
  /// BridgeOffer: the endpoint's, which is answered when the other side has answered, and what it
  /// would come to.
  std::shared_ptr<const jsep::SecretText> unanswered;
  std::shared_ptr<const jsep::Agreed> heard;
  /// Our answer to `unanswered` so far, the other side's having been provisional.
  std::shared_ptr<const jsep::SecretText> answered;
  std::uint64_t version = 0;  ///< Of our descriptions.

  /// What the endpoint has said last; null: nothing yet.
  [[nodiscard]] const jsep::Agreed* last_word() const { return heard ? heard.get() : agreed.get(); }
  void drop_unanswered() {
    unanswered.reset();
    heard.reset();
    answered.reset();
  }
};

/// What the control plane knows of one leg.
struct LegState {
  std::uint16_t number = 0;  ///< In the engine; never used twice in a session.
  v1::Leg shown;             ///< What was asked, without keys and without output fields.
  LegRequest asked;          ///< The same, translated.
  bool has_receive_keys = false;
  /// DTLS: what the association of RTCP, where it has one, has chosen.
  std::optional<wire::SrtpSuite> rtcp_suite;
  bool has_send_keys = false;
  std::uint32_t rotations = 0;
  LegSetupState setup;
  NegotiationState negotiation;
  /// The leg of its video, where that is not bundled with the audio (video_leg.h).
  std::optional<std::uint16_t> video_leg;
  /// What the application wants; what is agreed may be less (`asked`).
  jsep::Direction wanted_direction = jsep::Direction::SendRecv;
  /// SDES: the relay's own `a=crypto`, for its descriptions.
  std::shared_ptr<const jsep::SecretText> send_crypto;
  OutgoingAudio audio;
  Etag etag;
  Duration create_time{};  ///< Since 1970, as are all here.

  std::optional<SocketAddress> local_rtp;
  std::optional<SocketAddress> local_rtcp;
  // What the engine has said since.
  std::optional<SocketAddress> learned_rtp;
  std::optional<SocketAddress> learned_rtcp;
  bool is_silent = false;
  bool was_said_active = false;
  Duration max_received_jitter{};
  Duration max_sent_jitter{};
  // For `lost_fraction`: the figures of the quality report before.
  std::uint64_t reported_packets = 0;
  std::uint64_t reported_lost = 0;
  Instant digits_until{};  ///< Until then the digits of SendDtmf are being sent.

  [[nodiscard]] const std::string& id() const { return asked.spec.id; }
  [[nodiscard]] bool is_ready() const;
  /// Whether it may have audio: false for a leg of video alone.
  [[nodiscard]] bool carries_sound() const;
  [[nodiscard]] v1::LegState state() const;
};

/// What the control plane knows of one connection.
struct ConnectionState {
  std::string id;
  std::uint64_t order = 0;  ///< Grows with each connection of its session.
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  v1::Connection asked;  ///< Its stages, record stages of running recordings included.
  std::vector<engine::StageSpec> stages;
  v1::Plan shown_plan;
  OutgoingAudio audio;  ///< Of the leg `to`, by this plan.
  std::uint32_t replans = 0;
  /// Of a video leg that offer and answer have made: it comes and goes with the connection of the
  /// sound beside it, and carries nothing where the two sides have no video in common.
  bool follows_sound = false;
  Etag etag;
  Duration create_time{};
};

/// What the control plane knows of one session. Three kinds of threads meet here:
///
///     operation   held through a whole change, waiting for workers included; one change at a time
///     data        held for short, by everyone, the pump included; never while waiting
///
/// A change prepares under `data`, waits without it, and commits under it again. `operation` is
/// taken before `data`; nobody takes two sessions' mutexes at once.
class SessionState {
 public:
  explicit SessionState(std::string session_id);
  ~SessionState();
  SessionState(const SessionState&) = delete;
  SessionState& operator=(const SessionState&) = delete;

  const std::string id;
  std::uint64_t order = 0;  ///< Grows with each session; set when it enters the table.
  Mutex operation;
  Mutex data;

  // Set once, before the session is in the table.
  Duration create_time{};
  engine::SessionHandle handle;

  google::protobuf::Map<std::string, std::string> labels CAUSEWAY_GUARDED_BY(data);
  Duration lease CAUSEWAY_GUARDED_BY(data){};
  v1::LeaseExpiry lease_expiry CAUSEWAY_GUARDED_BY(data) = v1::LEASE_EXPIRY_CLOSE_WHEN_SILENT;
  Instant expires_at CAUSEWAY_GUARDED_BY(data){};
  bool is_orphaned CAUSEWAY_GUARDED_BY(data) = false;
  Etag etag CAUSEWAY_GUARDED_BY(data);
  std::vector<LegState> legs CAUSEWAY_GUARDED_BY(data);                ///< In order of creation.
  std::vector<ConnectionState> connections CAUSEWAY_GUARDED_BY(data);  ///< In order of creation.
  std::vector<std::string> recordings CAUSEWAY_GUARDED_BY(data);  ///< Ids, in order of creation.
  /// By number, which is their order of creation.
  std::map<std::uint16_t, v1::LegReport> closed_legs CAUSEWAY_GUARDED_BY(data);
  std::uint16_t next_leg_number CAUSEWAY_GUARDED_BY(data) = 0;
  std::uint64_t next_connection_order CAUSEWAY_GUARDED_BY(data) = 1;

  /// Its last word, once it is closed.
  std::optional<v1::SessionReport> final_report CAUSEWAY_GUARDED_BY(data);
  bool is_told_closed CAUSEWAY_GUARDED_BY(data) = false;  ///< session_closed is published.
  Condition closed;                                       ///< When is_told_closed becomes true.
  /// The engine's session, to be freed by whoever closed it.
  std::unique_ptr<engine::Session> remains CAUSEWAY_GUARDED_BY(data);

  [[nodiscard]] LegState* leg(std::string_view leg_id) CAUSEWAY_REQUIRES(data);
  [[nodiscard]] LegState* leg(std::uint16_t number) CAUSEWAY_REQUIRES(data);
  [[nodiscard]] ConnectionState* connection(std::string_view connection_id) CAUSEWAY_REQUIRES(data);
  /// The one that brings the leg its sound.
  [[nodiscard]] ConnectionState* sound_to(std::uint16_t leg_number) CAUSEWAY_REQUIRES(data);
  [[nodiscard]] bool is_closed() CAUSEWAY_REQUIRES(data) { return final_report.has_value(); }
};

using SessionPtr = std::shared_ptr<SessionState>;

// The resources as the API shows them. `wall` fixes moments of the relay's clock to time of day.
[[nodiscard]] v1::Leg show_leg(SessionState& session, const LegState& leg)
    CAUSEWAY_REQUIRES(session.data);
[[nodiscard]] v1::Connection show_connection(const SessionState& session,
                                             const ConnectionState& connection);
/// Without legs, connections and recordings.
[[nodiscard]] v1::Session show_session_basics(SessionState& session, const WallClock& wall)
    CAUSEWAY_REQUIRES(session.data);
/// Without recordings, which Recordings knows.
[[nodiscard]] v1::Session show_session(SessionState& session, const WallClock& wall)
    CAUSEWAY_REQUIRES(session.data);

}  // namespace causeway::control
