#include "control/watch.h"

#include "control/names.h"
#include "control/proto_time.h"

namespace causeway::control {

Answer<std::unique_ptr<EventLog::Subscription>> watch(ControlPlane& plane,
                                                      const v1::WatchEventsRequest& in,
                                                      std::function<void()> wake) {
  EventFilter filter;
  if (!in.session().empty() && in.session() != "sessions/-") {
    const auto id = parse_session_name(in.session());
    if (!id) return failure(bad_name(Field("session"), id.error()));
    const bool may_be_past =
        !in.resume_token().empty() && plane.events().knows_session(in.session());
    if (!may_be_past && !plane.sessions().find(*id)) return failure(no_session(*id));
    filter.session = in.session();
  }
  for (int i = 0; i < in.kinds_size(); ++i) {
    const auto kind = event_kind(in.kinds(i));
    if (!kind) return failure(invalid(Field("kinds", nullptr, i), "This is no kind of event."));
    filter.kinds.push_back(*kind);
  }
  for (const auto& [key, value] : in.labels()) filter.labels.emplace(key, value);
  return plane.events().subscribe(std::move(filter), in.resume_token(), std::move(wake));
}

v1::Event stream_opened(ControlPlane& plane, const EventLog::Subscription& from) {
  v1::Event event;
  event.set_resume_token(from.token());
  set(*event.mutable_time(), plane.now_unix());
  event.mutable_stream_opened()->set_node("nodes/" + plane.config().name);
  return event;
}

}  // namespace causeway::control
