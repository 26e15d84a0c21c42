#include "control/session_edit.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "control/lookup.h"
#include "control/proto_time.h"
#include "control/recording_control.h"
#include "control/translate_report.h"

namespace causeway::control {

namespace {

/// On the pump: the leg is open, and known before anything else is said of it.
void note_added(ControlPlane& plane, SessionState& session, LegState& leg, engine::AddLeg& done) {
  if (done.status != engine::Status::Ok) return;
  const Lock lock(session.data);
  leg.local_rtp = done.addresses.rtp;
  leg.local_rtcp = done.addresses.rtcp;
  session.legs.push_back(std::move(leg));
  const LegState& added = session.legs.back();
  plane.count_legs(session.handle.worker, 1);
  v1::Event event;
  event.set_leg(child_name(session.id, ChildKind::Leg, added.id()));
  *event.mutable_leg_created()->mutable_leg() = show_leg(session, added);
  plane.publish(session, std::move(event));
  plane.publish_active_legs(session);
}

/// The recordings that are of this leg and no other.
std::vector<std::string> recordings_of(ControlPlane& plane, SessionState& session,
                                       std::uint16_t number) {
  const Lock lock(session.data);
  std::vector<std::string> only_of_it;
  for (const std::string& id : session.recordings) {
    const auto legs = plane.recordings().legs_of(session.id, id);
    if (legs.size() == 1 && legs.front() == number) only_of_it.push_back(id);
  }
  return only_of_it;
}

}  // namespace

Answer<std::uint16_t> next_leg_number(ControlPlane& plane, SessionState& session) {
  const Lock lock(session.data);
  if (session.legs.size() >= engine::kMaxLegs) {
    return failure(api_error("QUOTA", "A session has at most 16 legs."));
  }
  if (session.next_leg_number == 0xffff) {
    return failure(api_error("QUOTA", "The session has had as many legs as it can."));
  }
  const std::uint32_t limit = plane.config().max_legs;
  if (limit != 0 && plane.leg_count() >= limit) {
    return failure(api_error("QUOTA", "The node has as many legs as it takes."));
  }
  return session.next_leg_number++;
}

Answer<void> add_leg(ControlPlane& plane, SessionState& session, DraftLeg& draft) {
  auto built = build_leg(draft.state.asked, draft.keys, draft.state.setup, draft.state.number,
                         draft.state.audio, plane.build_settings());
  if (!built) return failure(std::move(built).error());
  auto command = std::make_unique<engine::AddLeg>();
  command->session = session.handle;
  command->leg = std::move(*built);
  auto done = carry_out<engine::AddLeg>(
      plane, session, std::move(command),
      [&](engine::AddLeg& each) { note_added(plane, session, draft.state, each); });
  if (!done) return failure(std::move(done).error());
  return {};
}

Answer<v1::LegReport> remove_leg(ControlPlane& plane, SessionState& session, std::uint16_t number) {
  for (const std::string& id : recordings_of(plane, session, number)) {
    (void)stop_recording(plane, session, id);
  }
  auto remove = std::make_unique<engine::RemoveLeg>();
  remove->leg = {session.handle, number};
  auto removed = carry_out(plane, session, std::move(remove));
  if (!removed) return failure(std::move(removed).error());

  const Lock lock(session.data);
  LegState* const leg = session.leg(number);
  if (leg == nullptr) return failure(no_leg(session.id, std::to_string(number)));
  v1::LegReport shown = show_leg_report(session, *leg, (*removed)->report, plane.node().wall());
  shown.set_state(v1::LEG_STATE_CLOSED);
  shown.set_close_reason(v1::CLOSE_REASON_DELETED);
  set(*shown.mutable_close_time(), plane.now_unix());
  v1::Event event;
  event.set_leg(shown.leg());
  event.mutable_leg_closed()->set_reason(v1::CLOSE_REASON_DELETED);
  *event.mutable_leg_closed()->mutable_report() = shown;
  std::erase_if(session.connections, [&](const ConnectionState& connection) {
    return connection.from == number || connection.to == number;
  });
  session.closed_legs.emplace(number, shown);
  session.legs.erase(session.legs.begin() + (leg - session.legs.data()));
  for (LegState& each : session.legs) {
    if (each.video_leg == number) each.video_leg.reset();
  }
  plane.count_legs(session.handle.worker, -1);
  plane.publish(session, std::move(event));
  return shown;
}

Answer<void> set_connection(ControlPlane& plane, SessionState& session, std::uint16_t from,
                            std::uint16_t to, std::unique_ptr<engine::Connection> connection) {
  auto command = std::make_unique<engine::SetConnection>();
  command->session = session.handle;
  command->from = from;
  command->to = to;
  command->connection = std::move(connection);
  auto done = carry_out(plane, session, std::move(command));
  if (!done) return failure(std::move(done).error());
  return {};
}

}  // namespace causeway::control
