#include <algorithm>
#include <array>

#include "control/leg_change.h"
#include "control/lookup.h"
#include "control/recording_control.h"
#include "control/relay_api.h"
#include "control/session_draft.h"
#include "control/session_edit.h"
#include "control/translate_connection.h"
#include "control/update_mask.h"
#include "control/video_leg.h"

namespace causeway::control {

namespace {

/// Recordings that a chain names: those that run must be of its leg, those that have ended are not
/// begun again.
Answer<void> check_recordings(ControlPlane& plane, SessionState& session,
                              const ConnectionState& connection, const Field& field) {
  for (std::size_t i = 0; i < connection.stages.size(); ++i) {
    const engine::StageSpec& stage = connection.stages[i];
    if (stage.kind != engine::StageSpec::Kind::Record) continue;
    const auto known = plane.recordings().get(session.id, stage.recording);
    if (!known) continue;
    const Field at{"stages", &field, static_cast<int>(i)};
    const auto state = known->state();
    if (state == v1::RECORDING_STATE_STOPPED || state == v1::RECORDING_STATE_FAILED) {
      return failure(field_error("RECORDING_STATE", at, "The recording has ended."));
    }
    const bool is_as_sent = known->point() == v1::RECORDING_POINT_AS_SENT;
    if (!plane.recordings().channel_of(session.id, stage.recording,
                                       is_as_sent ? connection.to : connection.from)) {
      return failure(invalid(at, "The recording is not of this leg."));
    }
  }
  return {};
}

/// A connection from or to a leg that is recorded has the record stage, whoever made it.
void take_over_recordings(ControlPlane& plane, SessionState& session, ConnectionState& connection)
    CAUSEWAY_REQUIRES(session.data) {
  for (const std::string& id : session.recordings) {
    const auto recording = plane.recordings().get(session.id, id);
    if (!recording) continue;
    const bool is_as_sent = recording->point() == v1::RECORDING_POINT_AS_SENT;
    if (plane.recordings().channel_of(session.id, id,
                                      is_as_sent ? connection.to : connection.from)) {
      insert_record_stage(connection, session.id, id);
    }
  }
}

/// Recordings that the chain names and nobody knows yet.
Answer<std::vector<RecordingRequest>> new_recordings(ControlPlane& plane, SessionState& session,
                                                     const ConnectionState& connection)
    CAUSEWAY_REQUIRES(session.data) {
  return recordings_of_stages(session, {connection}, [&](const std::string& id) {
    return plane.recordings().is_taken(session.id, id);
  });
}

/// Recordings whose stage a new chain no longer has: they are stopped with it.
Answer<std::vector<std::string>> removed_recordings(ControlPlane& plane, SessionState& session,
                                                    const ConnectionState& before,
                                                    const ConnectionState& after)
    CAUSEWAY_REQUIRES(session.data) {
  std::vector<std::string> removed;
  for (const engine::StageSpec& stage : before.stages) {
    if (stage.kind != engine::StageSpec::Kind::Record) continue;
    const auto is_it = [&](const engine::StageSpec& each) {
      return each.recording == stage.recording;
    };
    if (std::ranges::any_of(after.stages, is_it)) continue;
    // The engine ends a recording as a whole. To go on recording a leg whose stage is gone would be
    // worse than to refuse.
    if (plane.recordings().legs_of(session.id, stage.recording).size() > 1) {
      return failure(absent_feature("Removing one of several stages of a recording"));
    }
    removed.push_back(stage.recording);
  }
  return removed;
}

Answer<void> start_all(ControlPlane& plane, SessionState& session,
                       const std::vector<RecordingRequest>& requests) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto started = start_recording(plane, session, requests[i]);
    if (started) continue;
    for (std::size_t j = 0; j < i; ++j) (void)stop_recording(plane, session, requests[j].id);
    return started;
  }
  return {};
}

/// Takes a connection away. The caller holds `operation`.
Answer<void> disconnect(ControlPlane& plane, SessionState& session, const std::string& id,
                        const std::string& etag) {
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  {
    const Lock lock(session.data);
    const ConnectionState* const connection = session.connection(id);
    if (connection == nullptr) return failure(no_connection(session.id, id));
    if (auto checked = check_etag(etag, connection->etag); !checked) {
      return failure(std::move(checked).error());
    }
    if (connection->follows_sound) {
      return failure(invalid(Field("name"), "It goes with the connection of the sound beside it."));
    }
    from = connection->from;
    to = connection->to;
  }
  if (auto done = set_connection(plane, session, from, to, nullptr); !done) return done;
  const Lock lock(session.data);
  std::erase_if(session.connections,
                [&](const ConnectionState& connection) { return connection.id == id; });
  return {};
}

v1::Connection show_now(SessionState& session, const std::string& id) {
  const Lock lock(session.data);
  const ConnectionState* const connection = session.connection(id);
  return connection == nullptr ? v1::Connection() : show_connection(session, *connection);
}

}  // namespace

Answer<v1::CreateConnectionResponse> RelayApi::create_connection(
    const v1::CreateConnectionRequest& in) {
  const auto found = find_session(plane_, in.parent(), Field("parent"));
  if (!found) return failure(found.error());
  SessionState& session = **found;
  const Field id_field("connection_id");
  auto id = choose_id(in.connection_id(), id_field);
  if (!id) return failure(std::move(id).error());
  const Field field("connection");
  if (!in.has_connection()) {
    return failure(required(field, "Which legs are to be connected has to be said."));
  }
  const Lock operation(session.operation);
  std::optional<ConnectionState> connection;
  std::unique_ptr<engine::Connection> built;
  std::vector<RecordingRequest> recordings;
  {
    const Lock lock(session.data);
    if (session.connection(*id) != nullptr) {
      return failure(id_taken(id_field, child_name(session.id, ChildKind::Connection, *id)));
    }
    auto drafted = draft_connection(session, in.connection(), field, *id, plane_.now_unix());
    if (!drafted) return failure(std::move(drafted).error());
    connection = std::move(*drafted);
    if (auto checked = check_recordings(plane_, session, *connection, field); !checked) {
      return failure(std::move(checked).error());
    }
    auto wanted = new_recordings(plane_, session, *connection);
    if (!wanted) return failure(std::move(wanted).error());
    recordings = std::move(*wanted);
    take_over_recordings(plane_, session, *connection);
    const LegState& from = *session.leg(connection->from);
    const LegState& to = *session.leg(connection->to);
    const auto plan = plan_connection(*connection, from, to, field, "");
    if (!plan) return failure(plan.error());
    auto made = build_connection(*plan, connection->from, connection->to);
    if (!made) return failure(std::move(made).error());
    built = std::move(*made);
  }
  if (auto started = start_all(plane_, session, recordings); !started) {
    return failure(std::move(started).error());
  }
  const std::uint16_t to = connection->to;
  if (auto done = set_connection(plane_, session, connection->from, to, std::move(built)); !done) {
    for (const RecordingRequest& each : recordings) (void)stop_recording(plane_, session, each.id);
    return failure(std::move(done).error());
  }
  {
    const Lock lock(session.data);
    session.connections.push_back(std::move(*connection));
  }
  if (auto done = update_outgoing_audio(plane_, session, to); !done) {
    return failure(std::move(done).error());
  }
  if (auto done = align_video_connections(plane_, session); !done) {
    (void)disconnect(plane_, session, *id, "");
    return failure(std::move(done).error());
  }
  v1::CreateConnectionResponse out;
  *out.mutable_connection() = show_now(session, *id);
  return out;
}

Answer<v1::GetConnectionResponse> RelayApi::get_connection(const v1::GetConnectionRequest& in) {
  const auto child = find_child(plane_, in.name(), ChildKind::Connection, Field("name"));
  if (!child) return failure(child.error());
  SessionState& session = *child->session;
  const Lock lock(session.data);
  const ConnectionState* const connection = session.connection(child->id);
  if (connection == nullptr) return failure(no_connection(session.id, child->id));
  v1::GetConnectionResponse out;
  *out.mutable_connection() = show_connection(session, *connection);
  return out;
}

Answer<v1::ListConnectionsResponse> RelayApi::list_connections(
    const v1::ListConnectionsRequest& in) {
  const auto found = find_session(plane_, in.parent(), Field("parent"));
  if (!found) return failure(found.error());
  auto page = read_page(in.page_size(), in.page_token(), plane_.instance(), "connections");
  if (!page) return failure(std::move(page).error());
  SessionState& session = **found;
  const Lock lock(session.data);
  v1::ListConnectionsResponse out;
  std::uint64_t last = 0;
  for (const ConnectionState& connection : session.connections) {
    if (connection.order <= page->after) continue;
    if (static_cast<std::size_t>(out.connections_size()) == page->size) {
      out.set_next_page_token(page_token(plane_.instance(), "connections", last));
      break;
    }
    *out.add_connections() = show_connection(session, connection);
    last = connection.order;
  }
  return out;
}

Answer<v1::UpdateConnectionResponse> RelayApi::update_connection(
    const v1::UpdateConnectionRequest& in) {
  static constexpr std::array<std::string_view, 1> kChangeable = {"stages"};
  const Field field("connection");
  const auto child =
      find_child(plane_, in.connection().name(), ChildKind::Connection, Field{"name", &field});
  if (!child) return failure(child.error());
  SessionState& session = *child->session;
  const auto mask =
      read_update_mask(in.update_mask(), in.has_update_mask(), in.connection(), kChangeable);
  if (!mask) return failure(mask.error());
  const Lock operation(session.operation);
  std::optional<ConnectionState> next;
  std::unique_ptr<engine::Connection> built;
  std::vector<RecordingRequest> started;
  std::vector<std::string> removed;
  {
    const Lock lock(session.data);
    const ConnectionState* const before = session.connection(child->id);
    if (before == nullptr) return failure(no_connection(session.id, child->id));
    if (auto checked = check_etag(in.connection().etag(), before->etag); !checked) {
      return failure(std::move(checked).error());
    }
    next = *before;
    auto stages = translate_stages(in.connection(), field, session.id);
    if (!stages) return failure(std::move(stages).error());
    next->stages = std::move(*stages);
    *next->asked.mutable_stages() = in.connection().stages();
    name_recordings_in_full(*next, session.id);
    if (auto checked = check_recordings(plane_, session, *next, field); !checked) {
      return failure(std::move(checked).error());
    }
    auto gone = removed_recordings(plane_, session, *before, *next);
    if (!gone) return failure(std::move(gone).error());
    removed = std::move(*gone);
    auto wanted = new_recordings(plane_, session, *next);
    if (!wanted) return failure(std::move(wanted).error());
    started = std::move(*wanted);
    const LegState& from = *session.leg(next->from);
    const LegState& to = *session.leg(next->to);
    const auto plan = plan_connection(*next, from, to, field, "");
    if (!plan) return failure(plan.error());
    auto made = build_connection(*plan, next->from, next->to);
    if (!made) return failure(std::move(made).error());
    built = std::move(*made);
  }
  if (auto done = start_all(plane_, session, started); !done) {
    return failure(std::move(done).error());
  }
  if (auto done = set_connection(plane_, session, next->from, next->to, std::move(built)); !done) {
    for (const RecordingRequest& each : started) (void)stop_recording(plane_, session, each.id);
    return failure(std::move(done).error());
  }
  for (const std::string& id : removed) (void)stop_recording(plane_, session, id);
  {
    const Lock lock(session.data);
    if (ConnectionState* const connection = session.connection(child->id)) {
      const bool has_changed = connection->shown_plan.text() != next->shown_plan.text();
      next->etag = connection->etag;
      next->etag.change();
      ++next->replans;
      *connection = std::move(*next);
      if (has_changed) {
        v1::Event event;
        event.mutable_plan_changed()->set_connection(
            child_name(session.id, ChildKind::Connection, connection->id));
        *event.mutable_plan_changed()->mutable_plan() = connection->shown_plan;
        plane_.publish(session, std::move(event));
      }
    }
  }
  v1::UpdateConnectionResponse out;
  *out.mutable_connection() = show_now(session, child->id);
  return out;
}

Answer<v1::DeleteConnectionResponse> RelayApi::delete_connection(
    const v1::DeleteConnectionRequest& in) {
  const auto child = find_child(plane_, in.name(), ChildKind::Connection, Field("name"));
  if (!child) return failure(child.error());
  SessionState& session = *child->session;
  const Lock operation(session.operation);
  if (auto done = disconnect(plane_, session, child->id, in.etag()); !done) {
    return failure(std::move(done).error());
  }
  if (auto done = align_video_connections(plane_, session); !done) {
    return failure(std::move(done).error());
  }
  return v1::DeleteConnectionResponse();
}

}  // namespace causeway::control
