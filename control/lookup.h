#pragma once

#include <string>
#include <string_view>

#include "control/control_plane.h"
#include "control/errors.h"
#include "control/names.h"
#include "relay/engine/command.h"

namespace causeway::control {

/// The session that a request names in `field`. Errors: FIELD_REQUIRED, NAME_INVALID,
/// SESSION_NOT_FOUND.
[[nodiscard]] Answer<SessionPtr> find_session(ControlPlane& plane, const std::string& name,
                                              const Field& field);

/// What lies below a session, by its full name: the session, and the id within it.
struct Child {
  SessionPtr session;
  std::string id;
};
/// Errors: as above. Whether the child exists is for whoever holds the session to say.
[[nodiscard]] Answer<Child> find_child(ControlPlane& plane, const std::string& name, ChildKind kind,
                                       const Field& field);

/// The id that a client asks for, or a new one. Errors: NAME_INVALID.
[[nodiscard]] Answer<std::string> choose_id(const std::string& wanted, const Field& field);

/// Errors: ETAG_MISMATCH. An empty `wanted` asks for nothing.
[[nodiscard]] Answer<void> check_etag(const std::string& wanted, const Etag& etag);

/// The status of a command that was carried out, as the API says it. Errors: everything but Ok.
[[nodiscard]] Answer<void> check_status(engine::Status status, std::string_view session);

/// Sends a command for a session and checks its status. Errors: those of Node::call and of the
/// status.
template <typename T>
[[nodiscard]] Answer<std::unique_ptr<T>> carry_out(ControlPlane& plane, const SessionState& session,
                                                   std::unique_ptr<T> command,
                                                   Node::Settled<T> settled = {}) {
  auto done = plane.node().call(session.handle.worker, std::move(command), std::move(settled));
  if (!done) return done;
  if (auto checked = check_status((*done)->status, session.id); !checked) {
    return failure(std::move(checked).error());
  }
  return done;
}

}  // namespace causeway::control
