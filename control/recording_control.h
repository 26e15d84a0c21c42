#pragma once

#include <string>
#include <vector>

#include "control/control_plane.h"
#include "control/errors.h"
#include "control/recordings.h"

namespace causeway::control {

/// Starting and stopping recordings of a session that lives. The caller holds its `operation` and
/// not its `data`.

/// Opens the file, installs the taps, waits for the recorder's word, and puts the stages into the
/// chains. Errors: ID_TAKEN, QUOTA (a leg is in 4 recordings), RECORDER_UNAVAILABLE, OVERLOAD, and
/// those of commands.
[[nodiscard]] Answer<void> start_recording(ControlPlane& plane, SessionState& session,
                                           const RecordingRequest& request);

/// Removes the taps and the stages, and waits until the file is closed. One that has ended stays as
/// it is. Errors: RECORDING_NOT_FOUND, and those of commands.
[[nodiscard]] Answer<void> stop_recording(ControlPlane& plane, SessionState& session,
                                          const std::string& recording);

/// Puts a marker (Pause, Resume) at this moment. Errors: RECORDING_NOT_FOUND, RECORDING_STATE, and
/// those of commands.
[[nodiscard]] Answer<void> mark_recording(ControlPlane& plane, SessionState& session,
                                          const std::string& recording, bool is_paused);

/// The plans' lines again, after stages have come or gone; nothing that media passes changes.
void show_plans_again(ControlPlane& plane, SessionState& session) CAUSEWAY_REQUIRES(session.data);

}  // namespace causeway::control
