#pragma once

#include <functional>
#include <memory>

#include "causeway/v1/event_service.pb.h"
#include "control/control_plane.h"
#include "control/errors.h"
#include "control/event_log.h"

namespace causeway::control {

/// What WatchEvents asks for, checked, as a subscription. Errors: NAME_INVALID, SESSION_NOT_FOUND
/// (no such session, and no resume token that may still find its events), FIELD_INVALID,
/// TOKEN_INVALID, CURSOR_EXPIRED.
[[nodiscard]] Answer<std::unique_ptr<EventLog::Subscription>> watch(
    ControlPlane& plane, const v1::WatchEventsRequest& in, std::function<void()> wake);

/// The first event of every stream.
[[nodiscard]] v1::Event stream_opened(ControlPlane& plane, const EventLog::Subscription& from);

}  // namespace causeway::control
