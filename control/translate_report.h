#pragma once

#include "causeway/v1/report.pb.h"
#include "control/session_state.h"
#include "relay/engine/event.h"
#include "relay/engine/report.h"

namespace causeway::control {

[[nodiscard]] v1::CloseReason close_reason(engine::SessionClosed::Reason reason);

/// What the engine counted of a leg, with what control knows of it. Remembers the highest jitter
/// seen. `lost_fraction` is since the last call with `is_interval`, or since the beginning.
[[nodiscard]] v1::LegReport show_leg_report(const SessionState& session, LegState& leg,
                                            const engine::LegReport& report, const WallClock& wall,
                                            bool is_interval = false);

/// Everything but the legs' reports and the recordings.
[[nodiscard]] v1::SessionReport show_session_report(SessionState& session, const WallClock& wall,
                                                    Duration report_time)
    CAUSEWAY_REQUIRES(session.data);

}  // namespace causeway::control
