#include "control/video_leg.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "control/jsep/profile.h"
#include "control/leg_change.h"
#include "control/names.h"
#include "control/sdp_leg.h"
#include "control/session_edit.h"

namespace causeway::control {

namespace {

using Ends = std::pair<std::uint16_t, std::uint16_t>;  // from, to

/// The connections that the video legs are to have.
std::vector<Ends> wanted_connections(SessionState& session) CAUSEWAY_REQUIRES(session.data) {
  std::vector<Ends> wanted;
  for (const ConnectionState& connection : session.connections) {
    if (connection.follows_sound) continue;
    const LegState& from = *session.leg(connection.from);
    const LegState& to = *session.leg(connection.to);
    if (!from.video_leg && !to.video_leg) continue;
    const LegState* const source = video_carrier(session, from);
    const LegState* const sink = video_carrier(session, to);
    if (source != nullptr && sink != nullptr) wanted.emplace_back(source->number, sink->number);
  }
  return wanted;
}

/// What of the connections of video is there, and should not be.
std::vector<Ends> connections_too_many(SessionState& session) {
  const Lock lock(session.data);
  const std::vector<Ends> wanted = wanted_connections(session);
  std::vector<Ends> many;
  for (const ConnectionState& connection : session.connections) {
    const Ends ends{connection.from, connection.to};
    if (connection.follows_sound && std::ranges::find(wanted, ends) == wanted.end()) {
      many.push_back(ends);
    }
  }
  return many;
}

std::vector<Ends> connections_missing(SessionState& session) {
  const Lock lock(session.data);
  std::vector<Ends> missing = wanted_connections(session);
  for (const ConnectionState& each : session.connections) {
    std::erase(missing, Ends{each.from, each.to});
  }
  return missing;
}

Answer<void> connect(ControlPlane& plane, SessionState& session, const Ends& ends) {
  const Field field("connection");
  std::optional<ConnectionState> connection;
  std::unique_ptr<engine::Connection> built;
  {
    const Lock lock(session.data);
    const LegState& from = *session.leg(ends.first);
    const LegState& to = *session.leg(ends.second);
    v1::Connection asked;
    asked.set_from_leg("legs/" + from.id());
    asked.set_to_leg("legs/" + to.id());
    auto drafted = draft_connection(session, asked, field, make_id(), plane.now_unix());
    if (!drafted) return failure(std::move(drafted).error());
    connection = std::move(*drafted);
    connection->follows_sound = true;
    const auto plan = plan_connection(*connection, from, to, field, "");
    if (!plan) return failure(plan.error());
    auto made = build_connection(*plan, ends.first, ends.second);
    if (!made) return failure(std::move(made).error());
    built = std::move(*made);
  }
  auto done = set_connection(plane, session, ends.first, ends.second, std::move(built));
  if (!done) return done;
  const Lock lock(session.data);
  session.connections.push_back(std::move(*connection));
  return {};
}

/// What a video leg begins with: the ways of the leg beside it.
v1::Leg video_leg_of(const LegState& leg, const jsep::Video& video) {
  v1::Leg made;
  const v1::Leg& beside = leg.shown;
  made.set_network(beside.network());
  if (beside.has_accept_from() && !beside.accept_from().exact().has_source()) {
    *made.mutable_accept_from() = beside.accept_from();
  }
  if (beside.security().has_sdes()) {
    const v1::SdesSecurity& sdes = beside.security().sdes();
    made.mutable_security()->mutable_sdes()->set_roc_policy(sdes.roc_policy());
    if (sdes.send().suite() != v1::SRTP_SUITE_UNSPECIFIED) {
      made.mutable_security()->mutable_sdes()->mutable_send()->set_suite(sdes.send().suite());
    }
  }
  if (beside.security().has_dtls()) made.mutable_security()->mutable_dtls();
  *made.mutable_labels() = beside.labels();
  if (beside.has_dscp()) made.set_dscp(beside.dscp());
  // A camera may stay off: where nobody asked for timeouts there are none.
  *made.mutable_first_packet_timeout() = beside.first_packet_timeout();
  *made.mutable_media_timeout() = beside.media_timeout();
  made.set_max_ssrcs(beside.max_ssrcs());
  made.set_direction(direction_of(jsep::lesser(video.direction, leg.wanted_direction)));
  set_videos({video}, made);
  return made;
}

std::string video_leg_id(SessionState& session, const std::string& id)
    CAUSEWAY_REQUIRES(session.data) {
  std::string wanted = id + "-video";
  return is_id(wanted) && session.leg(wanted) == nullptr ? wanted : make_id();
}

}  // namespace

const LegState* video_carrier(SessionState& session, const LegState& leg) {
  if (leg.video_leg) return session.leg(*leg.video_leg);
  const jsep::Profile* const profile = jsep::profile_named(leg.shown.profile());
  return profile == nullptr || profile->has_ice ? &leg : nullptr;
}

Answer<bool> add_video_leg(ControlPlane& plane, SessionState& session, const std::string& id,
                           const jsep::Video& video) {
  v1::Leg wanted;
  std::string name;
  {
    const Lock lock(session.data);
    const LegState* const leg = session.leg(id);
    if (leg == nullptr) return failure(no_leg(session.id, id));
    if (leg->video_leg) return false;
    wanted = video_leg_of(*leg, video);
    name = video_leg_id(session, id);
  }
  const auto number = next_leg_number(plane, session);
  if (!number) return failure(number.error());
  auto draft = draft_leg(plane, wanted, Field("leg"), name, *number, session.handle.worker);
  if (!draft) return failure(std::move(draft).error());
  draft->state.wanted_direction = jsep::Direction::SendRecv;
  if (auto done = add_leg(plane, session, *draft); !done) return failure(std::move(done).error());
  {
    const Lock lock(session.data);
    LegState* const leg = session.leg(id);
    if (leg != nullptr) leg->video_leg = *number;
  }
  if (auto done = align_video_connections(plane, session); !done) {
    (void)remove_video_leg(plane, session, id);
    return failure(std::move(done).error());
  }
  return true;
}

Answer<void> remove_video_leg(ControlPlane& plane, SessionState& session, const std::string& id) {
  std::optional<std::uint16_t> number;
  {
    const Lock lock(session.data);
    const LegState* const leg = session.leg(id);
    if (leg != nullptr) number = leg->video_leg;
  }
  if (!number) return {};
  if (auto removed = remove_leg(plane, session, *number); !removed) {
    return failure(std::move(removed).error());
  }
  return {};
}

Answer<void> direct_video_leg(ControlPlane& plane, SessionState& session, const std::string& id) {
  v1::UpdateLegRequest update;
  std::string video_id;
  {
    const Lock lock(session.data);
    const LegState* const leg = session.leg(id);
    const LegState* const video =
        leg != nullptr && leg->video_leg ? session.leg(*leg->video_leg) : nullptr;
    if (video == nullptr) return {};
    jsep::Direction direction = jsep::lesser(leg->wanted_direction, video->wanted_direction);
    const jsep::Agreed* const agreed = leg->negotiation.agreed.get();
    if (agreed != nullptr && !agreed->videos.empty()) {
      direction = jsep::lesser(direction, agreed->videos.front().direction);
    }
    if (video->shown.direction() == direction_of(direction)) return {};
    video_id = video->id();
    update.mutable_leg()->set_direction(direction_of(direction));
    update.mutable_update_mask()->add_paths("direction");
  }
  LegChange change(plane, session);
  change.be_agreement();
  if (auto done = change.prepare(video_id, update); !done) return done;
  return change.carry_out();
}

Answer<void> align_video_connections(ControlPlane& plane, SessionState& session) {
  for (const Ends& ends : connections_too_many(session)) {
    auto done = set_connection(plane, session, ends.first, ends.second, nullptr);
    if (!done) return done;
    const Lock lock(session.data);
    std::erase_if(session.connections, [&](const ConnectionState& each) {
      return each.from == ends.first && each.to == ends.second;
    });
  }
  for (const Ends& ends : connections_missing(session)) {
    if (auto done = connect(plane, session, ends); !done) return done;
  }
  return {};
}

}  // namespace causeway::control
