#include <algorithm>
#include <array>

#include "control/leg_change.h"
#include "control/lookup.h"
#include "control/relay_api.h"
#include "control/session_draft.h"
#include "control/session_edit.h"
#include "control/video_leg.h"

namespace causeway::control {

namespace {

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
  if (auto done = direct_video_leg(plane, session, child->id); !done) {
    return failure(std::move(done).error());
  }
  Response out;
  *out.mutable_leg() = show_leg_now(session, child->id);
  show_made_send_key(change.keys(), *out.mutable_leg());
  show_made_password(change.setup(), *out.mutable_leg());
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
  {
    const Lock lock(session.data);
    if (session.leg(*id) != nullptr) {
      return failure(id_taken(id_field, child_name(session.id, ChildKind::Leg, *id)));
    }
  }
  const auto number = next_leg_number(plane_, session);
  if (!number) return failure(number.error());
  auto draft = draft_leg(plane_, in.leg(), Field("leg"), *id, *number, session.handle.worker);
  if (!draft) return failure(std::move(draft).error());
  const LegSetupState setup = draft->state.setup;
  if (auto done = add_leg(plane_, session, *draft); !done) return failure(std::move(done).error());
  v1::CreateLegResponse out;
  *out.mutable_leg() = show_leg_now(session, *id);
  show_made_send_key(draft->keys, *out.mutable_leg());
  show_made_password(setup, *out.mutable_leg());
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
  std::uint16_t number = 0;
  {
    const Lock lock(session.data);
    const LegState* const leg = session.leg(child->id);
    if (leg == nullptr) return failure(no_leg(session.id, child->id));
    if (auto checked = check_etag(in.etag(), leg->etag); !checked) {
      return failure(std::move(checked).error());
    }
    number = leg->number;
  }
  if (auto done = remove_video_leg(plane_, session, child->id); !done) {
    return failure(std::move(done).error());
  }
  auto report = remove_leg(plane_, session, number);
  if (!report) return failure(std::move(report).error());
  v1::DeleteLegResponse out;
  *out.mutable_report() = std::move(*report);
  return out;
}

}  // namespace causeway::control
