#pragma once

#include <cstdint>
#include <memory>

#include "control/control_plane.h"
#include "control/errors.h"
#include "control/session_draft.h"
#include "relay/engine/connection.h"

namespace causeway::control {

/// What is added to a session that lives and what is taken away from it, as CreateLeg and its kin
/// and the negotiation of descriptions have it done. The caller holds the session's `operation`.

/// Whether the session may have another leg, and the number that it gets. Errors: QUOTA.
[[nodiscard]] Answer<std::uint16_t> next_leg_number(ControlPlane& plane, SessionState& session)
    CAUSEWAY_EXCLUDES(session.data);
/// Errors: those of commands, and of keys that cannot be built; nothing is added then.
[[nodiscard]] Answer<void> add_leg(ControlPlane& plane, SessionState& session, DraftLeg& draft)
    CAUSEWAY_EXCLUDES(session.data);
/// Takes away a leg with its connections; recordings of it alone are stopped. The report is its
/// last. Errors: LEG_NOT_FOUND, those of commands.
[[nodiscard]] Answer<v1::LegReport> remove_leg(ControlPlane& plane, SessionState& session,
                                               std::uint16_t number)
    CAUSEWAY_EXCLUDES(session.data);

/// Puts a connection (null: nothing) between two legs. What comes back is freed here. Errors: those
/// of commands.
[[nodiscard]] Answer<void> set_connection(ControlPlane& plane, SessionState& session,
                                          std::uint16_t from, std::uint16_t to,
                                          std::unique_ptr<engine::Connection> connection);

}  // namespace causeway::control
