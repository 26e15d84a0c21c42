#include <algorithm>
#include <array>

#include "control/leg_change.h"
#include "control/lookup.h"
#include "control/proto_time.h"
#include "control/recording_control.h"
#include "control/relay_api.h"
#include "control/session_draft.h"
#include "control/translate_report.h"
#include "control/update_mask.h"

namespace causeway::control {

namespace {

Answer<void> admit_leg(ControlPlane& plane, SessionState& session) {
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
  return {};
}

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

v1::Leg show_leg_now(SessionState& session, const std::string& id) {
  const Lock lock(session.data);
  const LegState* const leg = session.leg(id);
  return leg == nullptr ? v1::Leg() : show_leg(session, *leg);
}

/// UpdateLeg and RotateKeys: a change, and the leg as it is afterwards.
template <typename Response, typename Request>
Answer<Response> change_leg(ControlPlane& plane, const std::string& name, const Field& field,
                            const Request& in) {
  const auto child = find_child(plane, name, ChildKind::Leg, field);
  if (!child) return failure(child.error());
  SessionState& session = *child->session;
  const Lock operation(session.operation);
  LegChange change(plane, session);
  if (auto done = change.prepare(child->id, in); !done) return failure(std::move(done).error());
  if (auto done = change.carry_out(); !done) return failure(std::move(done).error());
  Response out;
  *out.mutable_leg() = show_leg_now(session, child->id);
  show_made_send_key(change.keys(), *out.mutable_leg());
  return out;
}

}  // namespace

Answer<v1::CreateLegResponse> RelayApi::create_leg(const v1::CreateLegRequest& in) {
  const auto found = find_session(plane_, in.parent(), Field("parent"));
  if (!found) return failure(found.error());
  SessionState& session = **found;
  const Field id_field("leg_id");
  auto id = choose_id(in.leg_id(), id_field);
  if (!id) return failure(std::move(id).error());
  const Lock operation(session.operation);
  if (auto admitted = admit_leg(plane_, session); !admitted) {
    return failure(std::move(admitted).error());
  }
  std::uint16_t number = 0;
  {
    const Lock lock(session.data);
    if (session.leg(*id) != nullptr) {
      return failure(id_taken(id_field, child_name(session.id, ChildKind::Leg, *id)));
    }
    number = session.next_leg_number++;
  }
  auto draft = draft_leg(plane_, in.leg(), Field("leg"), *id, number);
  if (!draft) return failure(std::move(draft).error());
  auto built = build_leg(draft->state.asked, draft->keys, number, draft->state.audio,
                         plane_.build_settings());
  if (!built) return failure(std::move(built).error());
  auto command = std::make_unique<engine::AddLeg>();
  command->session = session.handle;
  command->leg = std::move(*built);
  auto done = carry_out<engine::AddLeg>(
      plane_, session, std::move(command),
      [&](engine::AddLeg& each) { note_added(plane_, session, draft->state, each); });
  if (!done) return failure(std::move(done).error());
  v1::CreateLegResponse out;
  *out.mutable_leg() = show_leg_now(session, *id);
  show_made_send_key(draft->keys, *out.mutable_leg());
  return out;
}

Answer<v1::GetLegResponse> RelayApi::get_leg(const v1::GetLegRequest& in) {
  const auto child = find_child(plane_, in.name(), ChildKind::Leg, Field("name"));
  if (!child) return failure(child.error());
  SessionState& session = *child->session;
  const Lock lock(session.data);
  const LegState* const leg = session.leg(child->id);
  if (leg == nullptr) return failure(no_leg(session.id, child->id));
  v1::GetLegResponse out;
  *out.mutable_leg() = show_leg(session, *leg);
  return out;
}

Answer<v1::ListLegsResponse> RelayApi::list_legs(const v1::ListLegsRequest& in) {
  const auto found = find_session(plane_, in.parent(), Field("parent"));
  if (!found) return failure(found.error());
  auto page = read_page(in.page_size(), in.page_token(), plane_.instance(), "legs");
  if (!page) return failure(std::move(page).error());
  SessionState& session = **found;
  const Lock lock(session.data);
  v1::ListLegsResponse out;
  std::uint64_t last = 0;
  for (const LegState& leg : session.legs) {
    const std::uint64_t place = leg.number + std::uint64_t{1};
    if (place <= page->after) continue;
    if (static_cast<std::size_t>(out.legs_size()) == page->size) {
      out.set_next_page_token(page_token(plane_.instance(), "legs", last));
      break;
    }
    *out.add_legs() = show_leg(session, leg);
    last = place;
  }
  return out;
}

Answer<v1::UpdateLegResponse> RelayApi::update_leg(const v1::UpdateLegRequest& in) {
  const Field field("leg");
  return change_leg<v1::UpdateLegResponse>(plane_, in.leg().name(), Field{"name", &field}, in);
}

Answer<v1::RotateKeysResponse> RelayApi::rotate_keys(const v1::RotateKeysRequest& in) {
  return change_leg<v1::RotateKeysResponse>(plane_, in.name(), Field("name"), in);
}

Answer<v1::DeleteLegResponse> RelayApi::delete_leg(const v1::DeleteLegRequest& in) {
  const auto child = find_child(plane_, in.name(), ChildKind::Leg, Field("name"));
  if (!child) return failure(child.error());
  SessionState& session = *child->session;
  const Lock operation(session.operation);
  engine::LegHandle handle{session.handle, 0};
  std::vector<std::string> only_of_it;
  {
    const Lock lock(session.data);
    const LegState* const leg = session.leg(child->id);
    if (leg == nullptr) return failure(no_leg(session.id, child->id));
    if (auto checked = check_etag(in.etag(), leg->etag); !checked) {
      return failure(std::move(checked).error());
    }
    handle.leg = leg->number;
    for (const std::string& id : session.recordings) {
      const auto legs = plane_.recordings().legs_of(session.id, id);
      if (legs.size() == 1 && legs.front() == leg->number) only_of_it.push_back(id);
    }
  }
  for (const std::string& id : only_of_it) (void)stop_recording(plane_, session, id);

  auto remove = std::make_unique<engine::RemoveLeg>();
  remove->leg = handle;
  auto removed = carry_out(plane_, session, std::move(remove));
  if (!removed) return failure(std::move(removed).error());

  const Lock lock(session.data);
  LegState* const leg = session.leg(handle.leg);
  if (leg == nullptr) return failure(no_leg(session.id, child->id));
  v1::DeleteLegResponse out;
  v1::LegReport& shown = *out.mutable_report();
  shown = show_leg_report(session, *leg, (*removed)->report, plane_.node().wall());
  shown.set_state(v1::LEG_STATE_CLOSED);
  shown.set_close_reason(v1::CLOSE_REASON_DELETED);
  set(*shown.mutable_close_time(), plane_.now_unix());
  v1::Event event;
  event.set_leg(shown.leg());
  event.mutable_leg_closed()->set_reason(v1::CLOSE_REASON_DELETED);
  *event.mutable_leg_closed()->mutable_report() = shown;
  std::erase_if(session.connections, [&](const ConnectionState& connection) {
    return connection.from == handle.leg || connection.to == handle.leg;
  });
  session.closed_legs.push_back(shown);
  session.legs.erase(session.legs.begin() + (leg - session.legs.data()));
  plane_.count_legs(session.handle.worker, -1);
  plane_.publish(session, std::move(event));
  return out;
}

}  // namespace causeway::control
