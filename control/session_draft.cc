#include "control/session_draft.h"

#include <algorithm>

#include "control/lookup.h"
#include "control/names.h"
#include "control/proto_time.h"
#include "control/sdp_leg.h"
#include "control/translate_connection.h"

namespace causeway::control {

namespace {

constexpr std::size_t kMaxRecordingsOfLeg = engine::kMaxTaps;
constexpr Duration kMinLease = std::chrono::seconds(1);
constexpr Duration kMaxLease = std::chrono::hours(1);

}  // namespace

Answer<void> check_network(const ControlPlane& plane, const LegRequest& leg, const Field& field) {
  const NetworkConfig& network = plane.config().networks[leg.network];
  if (leg.spec.has_shared_port && !network.shared_port) {
    const Field transport{"transport", &field};
    return failure(invalid(Field{"kind", &transport},
                           "The network `" + network.name +
                               "` has no shared port: none is configured (`shared_port`)."));
  }
  const bool is_v4 = network.bind.is_v4();
  const auto check = [&](const std::optional<SocketAddress>& address,
                         std::string_view name) -> Answer<void> {
    if (!address || address->ip.is_v4() == is_v4) return {};
    const Field remote{"remote", &field};
    const Field part{name, &remote};
    return failure(invalid(Field{"ip", &part},
                           is_v4 ? "The leg's network is IPv4." : "The leg's network is IPv6."));
  };
  if (auto done = check(leg.spec.remote_rtp, "rtp"); !done) return done;
  return check(leg.spec.remote_rtcp, "rtcp");
}

v1::Leg public_leg(const v1::Leg& leg, const KeyRequest& keys) {
  v1::Leg shown = leg;
  wipe_keys(shown);
  shown.clear_name();
  shown.clear_etag();
  shown.clear_create_time();
  shown.clear_state();
  shown.clear_local();
  shown.clear_learned();
  shown.clear_media();
  show_security(keys, shown);
  return shown;
}

namespace {

/// The leg that a connection names.
Answer<LegState*> find_end(SessionState& session, const std::string& name, const Field& field)
    CAUSEWAY_REQUIRES(session.data) {
  if (name.empty()) return failure(required(field, "A connection goes from a leg to a leg."));
  const auto id = parse_reference(name, ChildKind::Leg, session.id);
  if (!id) return failure(bad_name(field, id.error()));
  LegState* const leg = session.leg(*id);
  if (leg == nullptr) {
    ApiError error = no_leg(session.id, *id);
    error.field = field.text();
    return failure(std::move(error));
  }
  return leg;
}

/// The id in the short or full name of a part of a session that is being created.
Answer<std::string> id_in_name(const std::string& name, ChildKind kind, std::string_view session,
                               const Field& field) {
  if (name.empty()) return make_id();
  const auto id = parse_reference(name, kind, session);
  if (!id) return failure(bad_name(Field{"name", &field}, id.error()));
  return std::string(*id);
}

}  // namespace

Answer<Duration> read_lease(bool has_lease, const google::protobuf::Duration& lease,
                            const Field& field, Duration otherwise) {
  if (!has_lease) return otherwise;
  return read_duration(lease, field, kMinLease, kMaxLease);
}

Answer<v1::LeaseExpiry> read_lease_expiry(v1::LeaseExpiry expiry, const Field& field) {
  switch (expiry) {
    case v1::LEASE_EXPIRY_UNSPECIFIED:
    case v1::LEASE_EXPIRY_CLOSE_WHEN_SILENT:
      return v1::LEASE_EXPIRY_CLOSE_WHEN_SILENT;
    case v1::LEASE_EXPIRY_CLOSE:
      return v1::LEASE_EXPIRY_CLOSE;
    default:
      return failure(invalid(field, "This is no way for a lease to end."));
  }
}

namespace {

Answer<DraftLeg> draft_whole_leg(ControlPlane& plane, v1::Leg& leg, const Field& field,
                                 std::string id, std::uint16_t number, WorkerId worker) {
  if (auto filled = apply_profile(leg, field); !filled) return failure(std::move(filled).error());
  auto asked = translate_leg(leg, field, plane.networks(), id);
  if (!asked) return failure(std::move(asked).error());
  if (auto checked = check_network(plane, *asked, field); !checked) {
    return failure(std::move(checked).error());
  }
  auto keys =
      translate_security(leg.security(), Field{"security", &field}, SendKey::Make, asked->spec);
  if (!keys) return failure(std::move(keys).error());
  auto setup = draft_setup(leg, field, nullptr, plane.identity(), plane.route(worker));
  if (!setup) return failure(std::move(setup).error());
  DraftLeg draft;
  draft.state.number = number;
  draft.state.shown = public_leg(leg, *keys);
  show_setup(*setup, draft.state.shown);
  draft.state.setup = std::move(*setup);
  draft.state.shown.set_network(plane.networks()[asked->network]);
  draft.state.asked = std::move(*asked);
  draft.state.has_receive_keys = keys->receive.has_value();
  draft.state.has_send_keys = keys->send.has_value();
  draft.state.create_time = plane.now_unix();
  draft.state.audio = outgoing_audio(draft.state.asked.spec, nullptr);
  draft.state.wanted_direction = direction_of(leg.direction());
  if (keys->send) draft.state.send_crypto = crypto_of(*keys->send);
  draft.keys = std::move(*keys);
  return draft;
}

}  // namespace

Answer<DraftLeg> draft_leg(ControlPlane& plane, const v1::Leg& in, const Field& field,
                           std::string id, std::uint16_t number, WorkerId worker) {
  v1::Leg leg = in;
  auto draft = draft_whole_leg(plane, leg, field, std::move(id), number, worker);
  wipe_keys(leg);
  return draft;
}

void follow_plan(LegState& leg, const ConnectionState* connection) {
  leg.audio = connection == nullptr ? outgoing_audio(leg.asked.spec, nullptr) : connection->audio;
}

Answer<ConnectionState> draft_connection(SessionState& session, const v1::Connection& connection,
                                         const Field& field, std::string id, Duration now_unix) {
  const auto from = find_end(session, connection.from_leg(), Field{"from_leg", &field});
  if (!from) return failure(from.error());
  const auto to = find_end(session, connection.to_leg(), Field{"to_leg", &field});
  if (!to) return failure(to.error());
  if (*from == *to) {
    return failure(invalid(Field{"to_leg", &field}, "A leg is not connected to itself."));
  }
  const bool is_connected =
      std::ranges::any_of(session.connections, [&](const ConnectionState& each) {
        return each.from == (*from)->number && each.to == (*to)->number;
      });
  const bool is_mix = (*from)->carries_sound() && session.sound_to((*to)->number) != nullptr;
  if (is_connected || is_mix) {
    return failure(absent_feature("Two connections of sound to one leg (a mix)"));
  }
  auto stages = translate_stages(connection, field, session.id);
  if (!stages) return failure(std::move(stages).error());
  ConnectionState state;
  state.id = std::move(id);
  state.order = session.next_connection_order++;
  state.from = (*from)->number;
  state.to = (*to)->number;
  state.asked.set_from_leg(child_name(session.id, ChildKind::Leg, (*from)->id()));
  state.asked.set_to_leg(child_name(session.id, ChildKind::Leg, (*to)->id()));
  *state.asked.mutable_stages() = connection.stages();
  name_recordings_in_full(state, session.id);
  state.stages = std::move(*stages);
  state.create_time = now_unix;
  return state;
}

void name_recordings_in_full(ConnectionState& connection, const std::string& session) {
  for (v1::Stage& stage : *connection.asked.mutable_stages()) {
    if (!stage.has_record()) continue;
    const auto id = parse_reference(stage.record().recording(), ChildKind::Recording, session);
    if (!id) continue;
    std::string name = child_name(session, ChildKind::Recording, *id);
    stage.mutable_record()->set_recording(std::move(name));
  }
}

Answer<engine::PathPlan> plan_connection(ConnectionState& connection, const LegState& from,
                                         const LegState& to, const Field& field,
                                         const std::string& to_leg_field) {
  auto plan = engine::plan(from.asked.spec, to.asked.spec, connection.stages,
                           connection.follows_sound ? engine::NothingInCommon::Allowed
                                                    : engine::NothingInCommon::Refused);
  if (!plan) {
    return failure(plan_error(plan.error(), from.asked.spec, to.asked.spec, connection.stages,
                              field, to_leg_field));
  }
  connection.shown_plan = show_plan(*plan, from.asked.spec, to.asked.spec);
  connection.audio = outgoing_audio(to.asked.spec, &*plan);
  return std::move(*plan);
}

// ----------------------------------------------------------------------------------- recordings

void insert_record_stage(ConnectionState& connection, const std::string& session,
                         const std::string& recording) {
  if (std::ranges::find(connection.stages, recording, &engine::StageSpec::recording) !=
      connection.stages.end()) {
    return;
  }
  engine::StageSpec stage;
  stage.kind = engine::StageSpec::Kind::Record;
  stage.recording = recording;
  connection.stages.push_back(std::move(stage));
  connection.asked.add_stages()->mutable_record()->set_recording(
      child_name(session, ChildKind::Recording, recording));
}

void remove_record_stage(ConnectionState& connection, const std::string& recording) {
  for (std::size_t i = connection.stages.size(); i-- > 0;) {
    const engine::StageSpec& stage = connection.stages[i];
    if (stage.kind != engine::StageSpec::Kind::Record || stage.recording != recording) continue;
    connection.stages.erase(connection.stages.begin() + static_cast<std::ptrdiff_t>(i));
    connection.asked.mutable_stages()->DeleteSubrange(static_cast<int>(i), 1);
  }
}

void insert_record_stages(SessionState& session, const RecordingRequest& recording) {
  for (ConnectionState& connection : session.connections) {
    if (connection.follows_sound) continue;
    const std::uint16_t end =
        recording.point == engine::RecordTap::Point::AsSent ? connection.to : connection.from;
    const bool is_of =
        std::ranges::find(recording.channels, end, &RecordingRequest::Channel::leg) !=
        recording.channels.end();
    if (is_of) insert_record_stage(connection, session.id, recording.id);
  }
}

Answer<std::vector<RecordingRequest>> recordings_of_stages(
    SessionState& session, const std::vector<ConnectionState>& connections,
    const std::function<bool(const std::string&)>& is_known) {
  std::vector<RecordingRequest> requests;
  std::vector<std::string> ids;
  for (const ConnectionState& connection : connections) {
    for (const engine::StageSpec& stage : connection.stages) {
      if (stage.kind != engine::StageSpec::Kind::Record || is_known(stage.recording)) continue;
      if (std::ranges::find(ids, stage.recording) == ids.end()) ids.push_back(stage.recording);
    }
  }
  for (const std::string& id : ids) {
    std::vector<const LegState*> legs;
    for (const LegState& leg : session.legs) {
      const bool is_named = std::ranges::any_of(connections, [&](const ConnectionState& each) {
        return each.from == leg.number &&
               std::ranges::find(each.stages, id, &engine::StageSpec::recording) !=
                   each.stages.end();
      });
      if (is_named) legs.push_back(&leg);
    }
    RecordingRequest request;
    request.id = id;
    if (auto done = set_channels(request, std::move(legs), Field("stages")); !done) {
      return failure(std::move(done).error());
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

// -------------------------------------------------------------------------------- whole sessions

namespace {

/// Builds a draft part by part; each part stands on those before it.
struct Drafter {
  ControlPlane& plane;
  const v1::Session& in;
  const Field& field;
  SessionDraft& draft;
  SessionState& session;

  Answer<void> draft_basics() CAUSEWAY_REQUIRES(session.data) {
    if (auto checked = check_labels(in.labels(), Field{"labels", &field}); !checked) return checked;
    session.labels = in.labels();
    const auto lease = read_lease(in.has_lease(), in.lease(), Field{"lease", &field},
                                  plane.config().default_lease);
    if (!lease) return failure(lease.error());
    session.lease = *lease;
    const auto expiry = read_lease_expiry(in.lease_expiry(), Field{"lease_expiry", &field});
    if (!expiry) return failure(expiry.error());
    session.lease_expiry = *expiry;
    session.create_time = plane.now_unix();
    return {};
  }

  Answer<void> draft_legs() CAUSEWAY_REQUIRES(session.data) {
    if (static_cast<std::size_t>(in.legs_size()) > engine::kMaxLegs) {
      return failure(field_error("QUOTA", Field{"legs", &field}, "A session has at most 16 legs."));
    }
    for (int i = 0; i < in.legs_size(); ++i) {
      const Field at{"legs", &field, i};
      auto id = id_in_name(in.legs(i).name(), ChildKind::Leg, session.id, at);
      if (!id) return failure(std::move(id).error());
      if (session.leg(*id) != nullptr) {
        return failure(id_taken(Field{"name", &at}, child_name(session.id, ChildKind::Leg, *id)));
      }
      // Which worker has room for it is found out when the session is opened.
      auto leg =
          draft_leg(plane, in.legs(i), at, std::move(*id), session.next_leg_number++, WorkerId(0));
      if (!leg) return failure(std::move(leg).error());
      session.legs.push_back(std::move(leg->state));
      draft.keys.push_back(std::move(leg->keys));
    }
    return {};
  }

  Answer<void> draft_connections() CAUSEWAY_REQUIRES(session.data) {
    if (static_cast<std::size_t>(in.connections_size()) > engine::kMaxConnections) {
      return failure(field_error("QUOTA", Field{"connections", &field},
                                 "A session has at most 16 connections."));
    }
    for (int i = 0; i < in.connections_size(); ++i) {
      const Field at{"connections", &field, i};
      auto id = id_in_name(in.connections(i).name(), ChildKind::Connection, session.id, at);
      if (!id) return failure(std::move(id).error());
      if (session.connection(*id) != nullptr) {
        return failure(
            id_taken(Field{"name", &at}, child_name(session.id, ChildKind::Connection, *id)));
      }
      auto connection =
          draft_connection(session, in.connections(i), at, std::move(*id), session.create_time);
      if (!connection) return failure(std::move(connection).error());
      session.connections.push_back(std::move(*connection));
    }
    return {};
  }

  Answer<RecordingRequest> draft_recording(const v1::Recording& recording, const Field& at)
      CAUSEWAY_REQUIRES(session.data) {
    auto id = id_in_name(recording.name(), ChildKind::Recording, session.id, at);
    if (!id) return failure(std::move(id).error());
    auto request = translate_recording(recording, at);
    if (!request) return request;
    request->id = std::move(*id);
    std::vector<const LegState*> legs;
    if (recording.leg().empty()) {
      request->is_whole_session = true;
      legs = legs_with_sound(session);
    } else {
      const auto leg = find_end(session, recording.leg(), Field{"leg", &at});
      if (!leg) return failure(leg.error());
      legs.push_back(*leg);
    }
    if (auto done = set_channels(*request, std::move(legs), at); !done) {
      return failure(std::move(done).error());
    }
    return request;
  }

  Answer<void> draft_recordings() CAUSEWAY_REQUIRES(session.data) {
    const auto is_defined = [&](const std::string& id) {
      return std::ranges::find(draft.recordings, id, &RecordingRequest::id) !=
             draft.recordings.end();
    };
    for (int i = 0; i < in.recordings_size(); ++i) {
      const Field at{"recordings", &field, i};
      auto request = draft_recording(in.recordings(i), at);
      if (!request) return failure(std::move(request).error());
      if (is_defined(request->id)) {
        return failure(id_taken(Field{"name", &at},
                                child_name(session.id, ChildKind::Recording, request->id)));
      }
      draft.recordings.push_back(std::move(*request));
    }
    if (auto checked = check_stages(); !checked) return checked;
    auto implied = recordings_of_stages(session, session.connections, is_defined);
    if (!implied) return failure(std::move(implied).error());
    for (RecordingRequest& request : *implied) draft.recordings.push_back(std::move(request));
    for (const RecordingRequest& request : draft.recordings) {
      insert_record_stages(session, request);
      session.recordings.push_back(request.id);
    }
    return check_taps();
  }

  /// A stage that names a defined recording is on a leg that it is of.
  Answer<void> check_stages() CAUSEWAY_REQUIRES(session.data) {
    for (std::size_t i = 0; i < session.connections.size(); ++i) {
      const ConnectionState& connection = session.connections[i];
      for (std::size_t j = 0; j < connection.stages.size(); ++j) {
        const auto found = std::ranges::find(draft.recordings, connection.stages[j].recording,
                                             &RecordingRequest::id);
        if (found == draft.recordings.end()) continue;
        const std::uint16_t end =
            found->point == engine::RecordTap::Point::AsSent ? connection.to : connection.from;
        if (std::ranges::find(found->channels, end, &RecordingRequest::Channel::leg) ==
            found->channels.end()) {
          const Field at{"connections", &field, static_cast<int>(i)};
          return failure(invalid(Field{"stages", &at, static_cast<int>(j)},
                                 "The recording is not of this leg."));
        }
      }
    }
    return {};
  }

  Answer<void> check_taps() CAUSEWAY_REQUIRES(session.data) {
    for (const LegState& leg : session.legs) {
      const auto count = std::ranges::count_if(draft.recordings, [&](const auto& request) {
        return std::ranges::find(request.channels, leg.number, &RecordingRequest::Channel::leg) !=
               request.channels.end();
      });
      if (static_cast<std::size_t>(count) > kMaxRecordingsOfLeg) {
        return failure(
            field_error("QUOTA", Field{"recordings", &field}, "A leg is in at most 4 recordings."));
      }
    }
    if (draft.recordings.size() > kMaxRecordingsOfLeg) {
      return failure(field_error("QUOTA", Field{"recordings", &field},
                                 "A session begins with at most 4 recordings."));
    }
    return {};
  }

  Answer<void> plan_all() CAUSEWAY_REQUIRES(session.data) {
    for (std::size_t i = 0; i < session.connections.size(); ++i) {
      ConnectionState& connection = session.connections[i];
      const Field at{"connections", &field, static_cast<int>(i)};
      const LegState& from = *session.leg(connection.from);
      const LegState& to = *session.leg(connection.to);
      // Legs are numbered by their place here.
      const std::string to_field = Field{"legs", &field, to.number}.text();
      auto plan = plan_connection(connection, from, to, at, to_field);
      if (!plan) return failure(std::move(plan).error());
      draft.plans.push_back(std::move(*plan));
    }
    for (LegState& leg : session.legs) follow_plan(leg, session.sound_to(leg.number));
    return {};
  }
};

}  // namespace

Answer<SessionDraft> draft_session(ControlPlane& plane, const v1::Session& in, std::string id,
                                   const Field& field) {
  SessionDraft draft;
  draft.session = std::make_shared<SessionState>(std::move(id));
  SessionState& session = *draft.session;
  Drafter drafter{plane, in, field, draft, session};
  const Lock lock(drafter.session.data);
  if (auto done = drafter.draft_basics(); !done) return failure(std::move(done).error());
  if (auto done = drafter.draft_legs(); !done) return failure(std::move(done).error());
  if (auto done = drafter.draft_connections(); !done) return failure(std::move(done).error());
  if (auto done = drafter.draft_recordings(); !done) return failure(std::move(done).error());
  if (auto done = drafter.plan_all(); !done) return failure(std::move(done).error());
  return draft;
}

Answer<std::unique_ptr<engine::Session>> build_session(
    ControlPlane& plane, const SessionDraft& draft, const std::vector<record::RecordingId>& numbers,
    WorkerId worker) {
  SessionState& state = *draft.session;
  const Lock lock(state.data);
  for (LegState& leg : state.legs) {
    reroute(leg.setup, plane.route(worker));
    show_setup(leg.setup, leg.shown);
  }
  const BuildSettings settings = plane.build_settings();
  const auto expiry = state.lease_expiry == v1::LEASE_EXPIRY_CLOSE
                          ? engine::LeaseExpiry::Close
                          : engine::LeaseExpiry::CloseWhenSilent;
  auto session = std::make_unique<engine::Session>(state.lease, expiry);
  for (std::size_t i = 0; i < state.legs.size(); ++i) {
    const LegState& leg = state.legs[i];
    auto built = build_leg(leg.asked, draft.keys[i], leg.setup, leg.number, leg.audio, settings);
    if (!built) return failure(std::move(built).error());
    for (std::size_t r = 0; r < numbers.size(); ++r) {
      const RecordingRequest& recording = draft.recordings[r];
      for (std::size_t c = 0; c < recording.channels.size(); ++c) {
        if (recording.channels[c].leg != leg.number) continue;
        const engine::RecordTap tap{numbers[r], static_cast<std::uint8_t>(c), recording.point};
        if (!(*built)->add_tap(tap)) {
          return failure(api_error("QUOTA", "A leg is in at most 4 recordings."));
        }
      }
    }
    session->add_leg(std::move(*built));
  }
  for (std::size_t i = 0; i < state.connections.size(); ++i) {
    const ConnectionState& connection = state.connections[i];
    auto built = build_connection(draft.plans[i], connection.from, connection.to);
    if (!built) return failure(std::move(built).error());
    session->add_connection(std::move(*built));
  }
  for (const record::RecordingId number : numbers) session->add_recording(number);
  return session;
}

}  // namespace causeway::control
