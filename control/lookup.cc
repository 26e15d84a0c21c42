#include "control/lookup.h"

namespace causeway::control {

Answer<SessionPtr> find_session(ControlPlane& plane, const std::string& name, const Field& field) {
  if (name.empty()) return failure(required(field, "Which session has to be said."));
  const auto id = parse_session_name(name);
  if (!id) return failure(bad_name(field, id.error()));
  if (SessionPtr session = plane.sessions().find(*id)) return session;
  return failure(no_session(*id));
}

Answer<Child> find_child(ControlPlane& plane, const std::string& name, ChildKind kind,
                         const Field& field) {
  if (name.empty()) return failure(required(field, "A name has to be said."));
  const auto parsed = parse_child_name(name, kind);
  if (!parsed) return failure(bad_name(field, parsed.error()));
  SessionPtr session = plane.sessions().find(parsed->session);
  if (!session) return failure(no_session(parsed->session));
  return Child{std::move(session), std::string(parsed->id)};
}

Answer<std::string> choose_id(const std::string& wanted, const Field& field) {
  if (wanted.empty()) return make_id();
  if (is_id(wanted)) return wanted;
  return failure(bad_name(field,
                          "An id is 1 to 64 characters of A-Z a-z 0-9 . _ ~ -, beginning with a "
                          "letter, a digit or _."));
}

Answer<void> check_etag(const std::string& wanted, const Etag& etag) {
  if (wanted.empty() || wanted == etag.text()) return {};
  return failure(etag_mismatch(etag.text()));
}

Answer<void> check_status(engine::Status status, std::string_view session) {
  using engine::Status;
  switch (status) {
    case Status::Ok:
      return {};
    case Status::SessionNotFound:
      return failure(no_session(session));
    case Status::LegNotFound:
      return failure(api_error("LEG_NOT_FOUND", "The leg has been closed meanwhile."));
    case Status::TooManySessions:
      return failure(api_error("QUOTA", "The worker has as many sessions as it can."));
    case Status::TooManyLegs:
      return failure(api_error("QUOTA", "A session has at most 16 legs."));
    case Status::PortsExhausted:
      return failure(api_error("PORTS_EXHAUSTED",
                               "The network has no free ports; those that were closed rest for a "
                               "while before they are used again."));
    case Status::SocketRefused:
      return failure(api_error("PORTS_EXHAUSTED",
                               "The system refused every port that was tried: another program has "
                               "them, or the limit on open files is reached."));
    case Status::NetworkNotFound:
      return failure(api_error("FIELD_INVALID", "The node has no such network."));
    case Status::NoSharedPort:
      return failure(api_error("FIELD_INVALID", "The network has no shared port."));
    case Status::FragmentTaken:
      return failure(api_error("OVERLOAD",
                               "Another leg of the shared port has the same username fragment by "
                               "chance; with another try it gets another."));
    case Status::TooManyConnections:
      return failure(api_error("QUOTA", "A session has at most 16 connections."));
    case Status::TooManyTaps:
      return failure(api_error("QUOTA", "A leg is in at most 4 recordings."));
    case Status::NoTelephoneEvent:
      return failure(api_error("LEG_NOT_READY", "The leg has no telephone-event."));
    case Status::TooManyDigits:
      return failure(api_error("OVERLOAD", "Too many digits are waiting to be sent."));
  }
  return failure(internal_error("status"));
}

}  // namespace causeway::control
