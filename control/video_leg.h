#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "control/control_plane.h"
#include "control/errors.h"
#include "control/jsep/agreed.h"
#include "control/session_state.h"

namespace causeway::control {

/// Where descriptions do not bundle (SIP), video has ports and keys of its own. It is then a leg
/// beside the one that was negotiated (adr/0022), `<leg>-video`: made, changed and removed by offer
/// and answer, and connected as that one is, but for pictures only. To the worker it is a leg like
/// every other. The caller holds the session's `operation`.

/// What carries the video of `leg`: its video leg, or itself where it bundles or is not negotiated;
/// nothing: it has no video.
[[nodiscard]] const LegState* video_carrier(SessionState& session, const LegState& leg)
    CAUSEWAY_REQUIRES(session.data);

/// Makes the video leg of the leg `id` where it has none, connected. True: it is new.
/// Errors: QUOTA, those of commands; nothing has changed then.
[[nodiscard]] Answer<bool> add_video_leg(ControlPlane& plane, SessionState& session,
                                         const std::string& id, const jsep::Video& video)
    CAUSEWAY_EXCLUDES(session.data);
/// Takes it away where there is one. Errors: those of commands.
[[nodiscard]] Answer<void> remove_video_leg(ControlPlane& plane, SessionState& session,
                                            const std::string& id) CAUSEWAY_EXCLUDES(session.data);
/// Its direction follows what the application wants of the leg `id`. Errors: those of commands.
[[nodiscard]] Answer<void> direct_video_leg(ControlPlane& plane, SessionState& session,
                                            const std::string& id) CAUSEWAY_EXCLUDES(session.data);
/// The video legs' connections follow those of the legs beside them: called when any of those was
/// made or taken away. Errors: QUOTA, those of commands.
[[nodiscard]] Answer<void> align_video_connections(ControlPlane& plane, SessionState& session)
    CAUSEWAY_EXCLUDES(session.data);

}  // namespace causeway::control
