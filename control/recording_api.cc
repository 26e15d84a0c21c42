#include "control/recording_api.h"

#include "control/lookup.h"
#include "control/recording_control.h"
#include "control/recordings.h"

namespace causeway::control {

namespace {

/// A recording by its full name; its session may be gone.
struct Named {
  std::string session;
  std::string id;
};
Answer<Named> read_name(const std::string& name) {
  const Field field("name");
  if (name.empty()) return failure(required(field, "A name has to be said."));
  const auto parsed = parse_child_name(name, ChildKind::Recording);
  if (!parsed) return failure(bad_name(field, parsed.error()));
  return Named{std::string(parsed->session), std::string(parsed->id)};
}

Answer<v1::Recording> get_recording(ControlPlane& plane, const Named& name) {
  if (auto recording = plane.recordings().get(name.session, name.id)) return std::move(*recording);
  if (!plane.sessions().find(name.session) && plane.recordings().list(name.session, 0, 1).empty()) {
    return failure(no_session(name.session));
  }
  return failure(no_recording(name.session, name.id));
}

/// The legs of a request: one, or all of the session.
Answer<void> find_legs(SessionState& session, const v1::Recording& in, const Field& field,
                       RecordingRequest& request) CAUSEWAY_REQUIRES(session.data) {
  std::vector<const LegState*> legs;
  if (in.leg().empty()) {
    request.is_whole_session = true;
    legs = legs_with_sound(session);
  } else {
    const Field leg_field{"leg", &field};
    const auto id = parse_reference(in.leg(), ChildKind::Leg, session.id);
    if (!id) return failure(bad_name(leg_field, id.error()));
    const LegState* const leg = session.leg(*id);
    if (leg == nullptr) return failure(no_leg(session.id, *id));
    legs.push_back(leg);
  }
  return set_channels(request, std::move(legs), field);
}

}  // namespace

Answer<v1::StartRecordingResponse> RecordingApi::start(const v1::StartRecordingRequest& in) {
  const auto found = find_session(plane_, in.parent(), Field("parent"));
  if (!found) return failure(found.error());
  SessionState& session = **found;
  const Field id_field("recording_id");
  auto id = choose_id(in.recording_id(), id_field);
  if (!id) return failure(std::move(id).error());
  const Field field("recording");
  auto request = translate_recording(in.recording(), field);
  if (!request) return failure(std::move(request).error());
  request->id = *id;
  const Lock operation(session.operation);
  {
    const Lock lock(session.data);
    if (session.is_closed()) return failure(no_session(session.id));
    if (auto legs = find_legs(session, in.recording(), field, *request); !legs) {
      return failure(std::move(legs).error());
    }
  }
  if (plane_.recordings().is_taken(session.id, *id)) {
    return failure(id_taken(id_field, child_name(session.id, ChildKind::Recording, *id)));
  }
  if (auto started = start_recording(plane_, session, *request); !started) {
    return failure(std::move(started).error());
  }
  auto recording = get_recording(plane_, {session.id, *id});
  if (!recording) return failure(std::move(recording).error());
  v1::StartRecordingResponse out;
  *out.mutable_recording() = std::move(*recording);
  return out;
}

Answer<v1::StopRecordingResponse> RecordingApi::stop(const v1::StopRecordingRequest& in) {
  const auto name = read_name(in.name());
  if (!name) return failure(name.error());
  auto recording = get_recording(plane_, *name);
  if (!recording) return failure(std::move(recording).error());
  const bool has_ended = recording->state() == v1::RECORDING_STATE_STOPPED ||
                         recording->state() == v1::RECORDING_STATE_FAILED;
  const SessionPtr session = plane_.sessions().find(name->session);
  if (!has_ended && session) {
    const Lock operation(session->operation);
    if (auto stopped = stop_recording(plane_, *session, name->id); !stopped) {
      return failure(std::move(stopped).error());
    }
    recording = get_recording(plane_, *name);
    if (!recording) return failure(std::move(recording).error());
  }
  v1::StopRecordingResponse out;
  *out.mutable_recording() = std::move(*recording);
  return out;
}

Answer<v1::Recording> RecordingApi::mark(const std::string& full_name, bool is_paused) {
  const auto name = read_name(full_name);
  if (!name) return failure(name.error());
  const auto recording = get_recording(plane_, *name);
  if (!recording) return recording;
  const SessionPtr session = plane_.sessions().find(name->session);
  if (!session) return failure(api_error("RECORDING_STATE", "The recording has ended."));
  const Lock operation(session->operation);
  if (auto marked = mark_recording(plane_, *session, name->id, is_paused); !marked) {
    return failure(std::move(marked).error());
  }
  return get_recording(plane_, *name);
}

Answer<v1::PauseRecordingResponse> RecordingApi::pause(const v1::PauseRecordingRequest& in) {
  auto recording = mark(in.name(), true);
  if (!recording) return failure(std::move(recording).error());
  v1::PauseRecordingResponse out;
  *out.mutable_recording() = std::move(*recording);
  return out;
}

Answer<v1::ResumeRecordingResponse> RecordingApi::resume(const v1::ResumeRecordingRequest& in) {
  auto recording = mark(in.name(), false);
  if (!recording) return failure(std::move(recording).error());
  v1::ResumeRecordingResponse out;
  *out.mutable_recording() = std::move(*recording);
  return out;
}

Answer<v1::GetRecordingResponse> RecordingApi::get(const v1::GetRecordingRequest& in) {
  const auto name = read_name(in.name());
  if (!name) return failure(name.error());
  auto recording = get_recording(plane_, *name);
  if (!recording) return failure(std::move(recording).error());
  v1::GetRecordingResponse out;
  *out.mutable_recording() = std::move(*recording);
  return out;
}

Answer<v1::ListRecordingsResponse> RecordingApi::list(const v1::ListRecordingsRequest& in) {
  std::string session;
  const Field field("parent");
  if (in.parent().empty()) return failure(required(field, "A session, or `sessions/-` for all."));
  if (in.parent() != "sessions/-") {
    const auto id = parse_session_name(in.parent());
    if (!id) return failure(bad_name(field, id.error()));
    session = std::string(*id);
    if (!plane_.sessions().find(session) && plane_.recordings().list(session, 0, 1).empty()) {
      return failure(no_session(session));
    }
  }
  auto page = read_page(in.page_size(), in.page_token(), plane_.instance(), "recordings");
  if (!page) return failure(std::move(page).error());
  const auto listed = plane_.recordings().list(session, page->after, page->size + 1);
  v1::ListRecordingsResponse out;
  for (std::size_t i = 0; i < std::min(listed.size(), page->size); ++i) {
    *out.add_recordings() = listed[i].recording;
  }
  if (listed.size() > page->size) {
    out.set_next_page_token(
        page_token(plane_.instance(), "recordings", listed[page->size - 1].order));
  }
  return out;
}

}  // namespace causeway::control
