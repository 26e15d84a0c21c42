#include "control/recording_control.h"

#include <algorithm>

#include "control/lookup.h"
#include "control/session_draft.h"

namespace causeway::control {

namespace {

constexpr Duration kRecorderDeadline = std::chrono::seconds(1);

/// How many recordings that run a leg is in.
std::size_t recordings_of(ControlPlane& plane, SessionState& session, std::uint16_t leg)
    CAUSEWAY_REQUIRES(session.data) {
  return static_cast<std::size_t>(std::ranges::count_if(session.recordings, [&](const auto& id) {
    return plane.recordings().channel_of(session.id, id, leg).has_value();
  }));
}

std::unique_ptr<engine::ControlRecording> command_for(const SessionState& session,
                                                      record::RecordingId number,
                                                      record::FrameKind marker) {
  auto command = std::make_unique<engine::ControlRecording>();
  command->session = session.handle;
  command->recording = number;
  command->marker = marker;
  return command;
}

Answer<record::RecordingId> number_of(ControlPlane& plane, const SessionState& session,
                                      const std::string& recording) {
  if (const auto number = plane.recordings().number(session.id, recording)) return *number;
  return failure(no_recording(session.id, recording));
}

}  // namespace

void show_plans_again(ControlPlane& plane, SessionState& session) {
  for (ConnectionState& connection : session.connections) {
    const LegState* from = session.leg(connection.from);
    const LegState* to = session.leg(connection.to);
    if (from == nullptr || to == nullptr) continue;
    const std::string before = connection.shown_plan.text();
    // It was planned before with the same legs, and record stages assert nothing.
    if (!plan_connection(connection, *from, *to, Field("connection"), "")) continue;
    if (connection.shown_plan.text() == before) continue;
    connection.etag.change();
    v1::Event event;
    event.mutable_plan_changed()->set_connection(
        child_name(session.id, ChildKind::Connection, connection.id));
    *event.mutable_plan_changed()->mutable_plan() = connection.shown_plan;
    plane.publish(session, std::move(event));
  }
}

Answer<void> start_recording(ControlPlane& plane, SessionState& session,
                             const RecordingRequest& request) {
  google::protobuf::Map<std::string, std::string> labels;
  {
    const Lock lock(session.data);
    labels = session.labels;
    for (const auto& channel : request.channels) {
      if (recordings_of(plane, session, channel.leg) >= engine::kMaxTaps) {
        return failure(api_error("QUOTA", "A leg is in at most 4 recordings."));
      }
    }
  }
  auto spec = plane.recordings().add(session.id, labels, request, plane.now_unix());
  if (!spec) return failure(std::move(spec).error());
  const record::RecordingId number = spec->id;
  const auto take_back = [&] {
    plane.node().close_recording(number);
    plane.recordings().discard(session.id, request.id);
  };
  if (auto opened = plane.node().open_recording(std::move(*spec)); !opened) {
    plane.recordings().discard(session.id, request.id);
    return opened;
  }
  auto command = command_for(session, number, record::FrameKind::Start);
  for (std::size_t i = 0; i < request.channels.size(); ++i) {
    command->taps.push_back(
        {request.channels[i].leg, {number, static_cast<std::uint8_t>(i), request.point}});
  }
  if (auto done = carry_out(plane, session, std::move(command)); !done) {
    (void)plane.node().call(session.handle.worker,
                            command_for(session, number, record::FrameKind::Stop));
    take_back();
    return failure(std::move(done).error());
  }
  if (auto begun = plane.recordings().wait_started(session.id, request.id, kRecorderDeadline);
      !begun) {
    (void)plane.node().call(session.handle.worker,
                            command_for(session, number, record::FrameKind::Stop));
    take_back();
    return begun;
  }
  const Lock lock(session.data);
  session.recordings.push_back(request.id);
  insert_record_stages(session, request);
  show_plans_again(plane, session);
  return {};
}

Answer<void> stop_recording(ControlPlane& plane, SessionState& session,
                            const std::string& recording) {
  const auto number = number_of(plane, session, recording);
  if (!number) return failure(number.error());
  auto done = carry_out(plane, session, command_for(session, *number, record::FrameKind::Stop));
  if (!done) {
    // Without its session nobody else would end it.
    plane.node().close_recording(*number);
    if (done.error().reason != "SESSION_NOT_FOUND") return failure(std::move(done).error());
  }
  plane.recordings().wait_ended({*number}, Node::kCallDeadline);
  const Lock lock(session.data);
  for (ConnectionState& connection : session.connections) {
    remove_record_stage(connection, recording);
  }
  show_plans_again(plane, session);
  return {};
}

Answer<void> mark_recording(ControlPlane& plane, SessionState& session,
                            const std::string& recording, bool is_paused) {
  const auto number = number_of(plane, session, recording);
  if (!number) return failure(number.error());
  const auto before = plane.recordings().get(session.id, recording);
  if (auto done = plane.recordings().set_paused(session.id, recording, is_paused); !done) {
    return done;
  }
  const auto wanted = is_paused ? v1::RECORDING_STATE_PAUSED : v1::RECORDING_STATE_RECORDING;
  if (before && before->state() == wanted) return {};
  auto done =
      carry_out(plane, session,
                command_for(session, *number,
                            is_paused ? record::FrameKind::Pause : record::FrameKind::Resume));
  if (!done) {
    (void)plane.recordings().set_paused(session.id, recording, !is_paused);
    return failure(std::move(done).error());
  }
  return {};
}

}  // namespace causeway::control
