#pragma once

#include <memory>
#include <string>
#include <vector>

#include "causeway/v1/session.pb.h"
#include "control/control_plane.h"
#include "control/errors.h"
#include "control/recordings.h"
#include "control/session_state.h"
#include "control/translate_leg.h"
#include "relay/engine/planner.h"
#include "relay/engine/session.h"

namespace causeway::control {

/// What a request makes of a session, settled before anything is touched: parts of a SessionState
/// and the engine's objects for them. All of these run on the caller's thread.

/// What a leg's network must have: its shared port, where that is asked for; and one family, so an
/// address of the other can never be reached. Errors: FIELD_INVALID.
[[nodiscard]] Answer<void> check_network(const ControlPlane& plane, const LegRequest& leg,
                                         const Field& field);
/// What may be shown of a request's leg: without keys and output fields.
[[nodiscard]] v1::Leg public_leg(const v1::Leg& leg, const KeyRequest& keys);

struct DraftLeg {
  LegState state;
  KeyRequest keys;
};

/// A new leg, on that worker. Errors: those of its fields.
[[nodiscard]] Answer<DraftLeg> draft_leg(ControlPlane& plane, const v1::Leg& leg,
                                         const Field& field, std::string id, std::uint16_t number,
                                         WorkerId worker);

/// The leg's `audio` follows the plan of the connection to it, once that is known.
void follow_plan(LegState& leg, const ConnectionState* connection);

/// A new connection between two legs of the session, not planned yet.
/// Errors: FIELD_REQUIRED, NAME_INVALID, LEG_NOT_FOUND, STAGE_ABSENT (a mix).
[[nodiscard]] Answer<ConnectionState> draft_connection(SessionState& session,
                                                       const v1::Connection& connection,
                                                       const Field& field, std::string id,
                                                       Duration now_unix)
    CAUSEWAY_REQUIRES(session.data);

/// Responses always have full names.
void name_recordings_in_full(ConnectionState& connection, const std::string& session);

/// Plans a connection anew: the plan itself, to be built, goes to the caller, what is to be known
/// of it later into `connection`. `to_leg_field`: where the to-leg stands in the request; empty:
/// nowhere. Errors: NO_COMMON_CODEC, PLAN_MISMATCH, CODEC_UNSUPPORTED, PTIME_UNSUPPORTED.
[[nodiscard]] Answer<engine::PathPlan> plan_connection(ConnectionState& connection,
                                                       const LegState& from, const LegState& to,
                                                       const Field& field,
                                                       const std::string& to_leg_field);

/// Adds the stage of a running recording to a connection, if it lacks it, or takes it away.
void insert_record_stage(ConnectionState& connection, const std::string& session,
                         const std::string& recording);
void remove_record_stage(ConnectionState& connection, const std::string& recording);

/// Puts the stages of a recording into the connections of the legs that it is of.
void insert_record_stages(SessionState& session, const RecordingRequest& recording)
    CAUSEWAY_REQUIRES(session.data);

/// Recordings that stages name and nobody has defined: each is of the from-legs of its stages.
/// `is_known`: whether an id needs no definition.
/// Errors: STAGE_ABSENT (more than two legs).
[[nodiscard]] Answer<std::vector<RecordingRequest>> recordings_of_stages(
    SessionState& session, const std::vector<ConnectionState>& connections,
    const std::function<bool(const std::string&)>& is_known) CAUSEWAY_REQUIRES(session.data);

/// A whole session as CreateSession gives it.
struct SessionDraft {
  SessionPtr session;
  std::vector<KeyRequest> keys;         ///< Of session.legs, by their place.
  std::vector<engine::PathPlan> plans;  ///< Of session.connections, by their place.
  std::vector<RecordingRequest> recordings;
};
[[nodiscard]] Answer<SessionDraft> draft_session(ControlPlane& plane, const v1::Session& in,
                                                 std::string id, const Field& field);

/// The engine's session: legs with keys, connections, taps and markers of recordings. The fragments
/// of its ICE, in the draft too, are from now on those of `worker`, on which it is to be opened.
/// `numbers`: of draft.recordings, as Recordings gave them.
[[nodiscard]] Answer<std::unique_ptr<engine::Session>> build_session(
    ControlPlane& plane, const SessionDraft& draft, const std::vector<record::RecordingId>& numbers,
    WorkerId worker);

/// The lease of a request, or what it is without. Errors: FIELD_INVALID.
[[nodiscard]] Answer<Duration> read_lease(bool has_lease, const google::protobuf::Duration& lease,
                                          const Field& field, Duration otherwise);
[[nodiscard]] Answer<v1::LeaseExpiry> read_lease_expiry(v1::LeaseExpiry expiry, const Field& field);

}  // namespace causeway::control
