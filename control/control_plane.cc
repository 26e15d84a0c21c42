#include "control/control_plane.h"

#include <pthread.h>

#include <algorithm>
#include <numeric>

#include "control/names.h"
#include "control/proto_time.h"
#include "control/translate_connection.h"
#include "control/translate_report.h"
#include "relay/engine/session.h"
#include "relay/ice/route.h"
#include "relay/wire/telephone_event.h"

namespace causeway::control {

namespace {

constexpr Duration kHouseTick = std::chrono::milliseconds(250);
constexpr int kTicksPerLoad = 4;
/// How long one certificate is given to new associations.
constexpr Duration kIdentityLife = std::chrono::hours(24);

std::string make_instance() { return make_id().substr(0, 16); }

v1::Event timed(Duration unix_time) {
  v1::Event event;
  set(*event.mutable_time(), unix_time);
  return event;
}

}  // namespace

Result<std::unique_ptr<ControlPlane>, Error> ControlPlane::create(NodeConfig config,
                                                                  const Node::Seams& seams) {
  std::unique_ptr<ControlPlane> plane(new ControlPlane(config));
  ControlPlane* const self = plane.get();
  const auto on_recording = [self](const record::RecordingEvent& event) {
    // The recorder keeps one that failed until it is told that nothing more will come.
    if (event.kind == record::RecordingEventKind::Failed) self->node_->close_recording(event.id);
    self->recordings_.on_event(event, self->node_->wall().unix_time(event.at));
  };
  auto node = Node::create(
      std::move(config),
      {.on_event = [self](engine::Event event) { self->on_event(std::move(event)); },
       .on_recording = on_recording,
       .on_recorder_slow =
           [self](bool is_slow) { self->recordings_.on_recorder_slow(is_slow, self->now_unix()); }},
      seams);
  if (!node) return failure(std::move(node).error());
  plane->node_ = std::move(*node);
  plane->start_time_ = plane->now_unix();
  plane->renew_identity();
  plane->house_ = std::thread([self] { self->keep_house(); });
  if (plane->config().quality_interval > Duration::zero()) {
    plane->quality_ = std::thread([self] { self->report_quality(); });
  }
  return plane;
}

ControlPlane::ControlPlane(const NodeConfig& config)
    : instance_(make_instance()),
      events_(instance_, {.ring = config.event_ring, .backlog = config.event_backlog}),
      requests_({.memory = config.request_memory}),
      recordings_(
          config.recordings_folder,
          [this](const std::string& session, const auto& labels, v1::Event event) {
            publish_recording(session, labels, std::move(event));
          },
          [this](const std::string& session) { on_recording_ended(session); }),
      worker_legs_(config.workers) {
  for (const NetworkConfig& network : config.networks) network_names_.push_back(network.name);
}

ControlPlane::~ControlPlane() { stop(); }

void ControlPlane::stop() {
  {
    const Lock lock(house_mutex_);
    is_stopping_ = true;
    house_wake_.notify_all();
  }
  if (house_.joinable()) house_.join();
  if (quality_.joinable()) quality_.join();
  if (node_) node_->stop();
  events_.shut_down();
}

void ControlPlane::set_draining(bool is_draining) {
  is_draining_ = is_draining;
  const Lock lock(hook_mutex_);
  if (drain_hook_) drain_hook_(is_draining);
}

void ControlPlane::set_drain_hook(std::function<void(bool)> hook) {
  const Lock lock(hook_mutex_);
  drain_hook_ = std::move(hook);
}

BuildSettings ControlPlane::build_settings() const {
  return {.srtp_transform = config().srtp_transform,
          .answers_plain_binding = config().answers_plain_binding,
          .wall = node_->wall()};
}

std::string ControlPlane::route(WorkerId worker) const {
  return ice::route_of(config().name, worker);
}

std::shared_ptr<const dtls::Identity> ControlPlane::identity() const {
  const Lock lock(identity_mutex_);
  return identity_;
}

/// One that cannot be made is tried again at the next tick; the old one is as good as ever.
void ControlPlane::renew_identity() {
  if (now() < identity_ends_) return;
  auto made = dtls::Identity::create();
  if (!made) return;
  identity_ends_ = now() + kIdentityLife;
  const Lock lock(identity_mutex_);
  identity_ = std::move(*made);
}

std::vector<WorkerId> ControlPlane::workers_by_load() const {
  std::vector<WorkerId> workers(worker_legs_.size());
  for (std::size_t i = 0; i < workers.size(); ++i) {
    workers[i] = WorkerId(static_cast<std::uint16_t>(i));
  }
  std::ranges::stable_sort(workers, {},
                           [&](WorkerId worker) { return worker_legs_[worker.raw()].load(); });
  return workers;
}

void ControlPlane::count_legs(WorkerId worker, int change) {
  worker_legs_[worker.raw()] += change;
  leg_count_ += static_cast<std::uint32_t>(change);
}

void ControlPlane::count_sessions(int change) {
  session_count_ += static_cast<std::uint32_t>(change);
}

// -------------------------------------------------------------------------------------- events

void ControlPlane::publish(SessionState& session, v1::Event event) {
  event.set_session(session_name(session.id));
  *event.mutable_labels() = session.labels;
  if (!event.has_time()) set(*event.mutable_time(), now_unix());
  events_.publish(event);
}

void ControlPlane::publish_active_legs(SessionState& session) {
  for (LegState& leg : session.legs) {
    if (leg.was_said_active || !leg.is_ready()) continue;
    leg.was_said_active = true;
    v1::Event event;
    event.set_leg(child_name(session.id, ChildKind::Leg, leg.id()));
    event.mutable_leg_active();
    publish(session, std::move(event));
  }
}

void ControlPlane::enter(const SessionPtr& session) {
  const Lock lock(session->data);
  sessions_.add(session);
  v1::Event event;
  *event.mutable_session_created()->mutable_session() = show_session(*session, node_->wall());
  for (const std::string& id : session->recordings) {
    if (auto recording = recordings_.get(session->id, id)) {
      *event.mutable_session_created()->mutable_session()->add_recordings() = std::move(*recording);
    }
  }
  publish(*session, std::move(event));
  publish_active_legs(*session);
}

void ControlPlane::publish_recording(const std::string& session,
                                     const google::protobuf::Map<std::string, std::string>& labels,
                                     v1::Event event) {
  event.set_session(session_name(session));
  *event.mutable_labels() = labels;
  event.set_leg(event.recording_state().recording().leg());
  events_.publish(event);
}

void ControlPlane::on_leg_event(const engine::LegHandle& handle, Instant at, v1::Event event,
                                const std::function<void(LegState&)>& apply) {
  const SessionPtr session = sessions_.find(handle.session);
  if (!session) return;
  const Lock lock(session->data);
  LegState* const leg = session->leg(handle.leg);
  if (leg == nullptr) return;
  if (apply) apply(*leg);
  event.set_leg(child_name(session->id, ChildKind::Leg, leg->id()));
  set(*event.mutable_time(), node_->wall().unix_time(at));
  publish(*session, std::move(event));
  publish_active_legs(*session);
}

namespace {

void show(const engine::FirstPacket& in, v1::Event& out) {
  v1::FirstPacketEvent& event = *out.mutable_first_packet();
  set(*event.mutable_source(), in.from);
  event.set_ssrc(in.ssrc.raw());
  event.set_payload_type(in.payload_type.raw());
}
void show(const engine::AddressLearned& in, v1::Event& out) {
  v1::RtpAddress& address = *out.mutable_address_learned()->mutable_address();
  set(in.is_rtcp ? *address.mutable_rtcp() : *address.mutable_rtp(), in.address);
}
void show(const engine::MediaTimeout& in, v1::Event& out) {
  set(*out.mutable_media_timeout()->mutable_silence(), in.silent_for);
  out.mutable_media_timeout()->set_is_first_packet(!in.had_media);
}
void show(const engine::MediaResumed& in, v1::Event& out) {
  set(*out.mutable_media_resumed()->mutable_silence(), in.silent_for);
}
void show(const engine::SsrcChanged& in, v1::Event& out) {
  out.mutable_ssrc_changed()->set_old_ssrc(in.before.raw());
  out.mutable_ssrc_changed()->set_new_ssrc(in.after.raw());
}
void show(const engine::SrtpFailed& in, v1::Event& out) {
  out.mutable_srtp_auth_failures()->set_failures(in.failures);
  out.mutable_srtp_auth_failures()->set_verified(in.verified);
}
v1::IceState ice_state_of(ice::State state) {
  switch (state) {
    case ice::State::Checking:
      return v1::ICE_STATE_CHECKING;
    case ice::State::Connected:
      return v1::ICE_STATE_CONNECTED;
    case ice::State::Disconnected:
      return v1::ICE_STATE_DISCONNECTED;
    case ice::State::Failed:
      return v1::ICE_STATE_FAILED;
  }
  return v1::ICE_STATE_UNSPECIFIED;
}
void show(const engine::IceChanged& in, v1::Event& out) {
  out.mutable_ice_state_changed()->set_state(ice_state_of(in.state));
  if (in.remote) set(*out.mutable_ice_state_changed()->mutable_remote(), *in.remote);
}
void show(const engine::DtlsUp& in, v1::Event& out) {
  out.mutable_dtls_up()->set_suite(suite_of(in.suite));
  out.mutable_dtls_up()->set_setup(in.is_active ? v1::DTLS_SETUP_ACTIVE : v1::DTLS_SETUP_PASSIVE);
  out.mutable_dtls_up()->set_is_rtcp(in.is_rtcp);
}
void show(const engine::DtlsFailed& in, v1::Event& out) {
  out.mutable_dtls_failed()->set_detail(std::string(dtls::text_of(in.failure)));
  out.mutable_dtls_failed()->set_is_rtcp(in.is_rtcp);
}
void show(const engine::DtlsClosed& in, v1::Event& out) {
  out.mutable_dtls_closed()->set_is_rtcp(in.is_rtcp);
}
void show(const engine::KeyExpiring&, v1::Event& out) { out.mutable_key_expiring(); }
void show(const engine::DtmfReceived& in, v1::Event& out) {
  v1::DtmfEvent& event = *out.mutable_dtmf();
  if (const char digit = wire::dtmf_character(in.event); digit != 0) {
    event.set_digit(std::string(1, digit));
  }
  event.set_event_code(in.event);
  set(*event.mutable_duration(), in.duration);
}

// What an event changes in what control knows of the leg.
void apply(const engine::AddressLearned& in, LegState& leg) {
  (in.is_rtcp ? leg.learned_rtcp : leg.learned_rtp) = in.address;
}
void apply(const engine::IceChanged& in, LegState& leg) { leg.learned_rtp = in.remote; }
void apply(const engine::DtlsUp& in, LegState& leg) {
  if (in.is_rtcp) {
    leg.rtcp_suite = in.suite;
    return;
  }
  leg.asked.spec.receive_suite = leg.asked.spec.send_suite = in.suite;
  leg.asked.spec.are_suites_known = true;
  leg.has_receive_keys = leg.has_send_keys = true;
  leg.shown.mutable_security()->mutable_dtls()->set_suite(suite_of(in.suite));
}
void apply(const engine::MediaTimeout&, LegState& leg) { leg.is_silent = true; }
void apply(const engine::MediaResumed&, LegState& leg) { leg.is_silent = false; }
template <typename T>
void apply(const T&, LegState&) {}

}  // namespace

void ControlPlane::on_event(engine::Event event) {
  if (auto* closed = std::get_if<engine::SessionClosed>(&event.body)) {
    return on_session_closed(std::move(*closed), event.at);
  }
  if (const auto* lost = std::get_if<engine::EventsLost>(&event.body)) {
    v1::Event out = timed(node_->wall().unix_time(event.at));
    out.mutable_events_lost()->set_count(lost->count);
    return events_.publish(out);
  }
  if (const auto* overrun = std::get_if<engine::RecordingOverrun>(&event.body)) {
    return recordings_.on_overrun(record::RecordingId(overrun->recording), overrun->lost_packets,
                                  node_->wall().unix_time(event.at));
  }
  std::visit(
      [&](const auto& body) {
        if constexpr (requires { body.leg.session; }) {
          v1::Event out;
          show(body, out);
          on_leg_event(body.leg, event.at, std::move(out),
                       [&](LegState& leg) { apply(body, leg); });
        }
      },
      event.body);
  if (const auto* up = std::get_if<engine::DtlsUp>(&event.body)) {
    if (const SessionPtr session = sessions_.find(up->leg.session)) {
      const Lock lock(session->data);
      name_suites(*session, up->leg.leg);
    }
  }
}

void ControlPlane::name_suites(SessionState& session, std::uint16_t leg) {
  for (ConnectionState& connection : session.connections) {
    if (connection.from != leg && connection.to != leg) continue;
    const LegState* const from = session.leg(connection.from);
    const LegState* const to = session.leg(connection.to);
    if (from == nullptr || to == nullptr) continue;
    const auto plan = engine::plan(from->asked.spec, to->asked.spec, connection.stages,
                                   connection.follows_sound ? engine::NothingInCommon::Allowed
                                                            : engine::NothingInCommon::Refused);
    if (!plan || plan->text == connection.shown_plan.text()) continue;
    connection.shown_plan = show_plan(*plan, from->asked.spec, to->asked.spec);
    publish_plan(session, connection);
  }
}

void ControlPlane::publish_plan(SessionState& session, ConnectionState& connection) {
  connection.etag.change();
  v1::Event event;
  event.mutable_plan_changed()->set_connection(
      child_name(session.id, ChildKind::Connection, connection.id));
  *event.mutable_plan_changed()->mutable_plan() = connection.shown_plan;
  publish(session, std::move(event));
}

// -------------------------------------------------------------------------------- closing

void ControlPlane::on_session_closed(engine::SessionClosed closed, Instant at) {
  const SessionPtr session = sessions_.find(closed.handle);
  if (!session) return;  // one that was opened too late for its caller
  const Duration unix_time = node_->wall().unix_time(at);
  const v1::CloseReason reason = close_reason(closed.reason);
  {
    const Lock lock(session->data);
    v1::SessionReport report = show_session_report(*session, node_->wall(), unix_time);
    set(*report.mutable_close_time(), unix_time);
    report.set_close_reason(reason);
    auto& reports = session->closed_legs;
    for (LegState& leg : session->legs) {
      engine::LegReport counted;
      if (engine::Leg* const engine_leg = closed.session->leg(leg.number)) {
        closed.session->fill_report(*engine_leg, counted);
      }
      v1::LegReport shown = show_leg_report(*session, leg, counted, node_->wall());
      shown.set_state(v1::LEG_STATE_CLOSED);
      set(*shown.mutable_close_time(), unix_time);
      shown.set_close_reason(v1::CLOSE_REASON_SESSION_CLOSED);
      v1::Event event = timed(unix_time);
      event.set_leg(shown.leg());
      event.mutable_leg_closed()->set_reason(v1::CLOSE_REASON_SESSION_CLOSED);
      *event.mutable_leg_closed()->mutable_report() = shown;
      publish(*session, std::move(event));
      reports.emplace(leg.number, std::move(shown));
    }
    for (auto& [number, leg] : reports) *report.add_legs() = std::move(leg);
    reports.clear();
    count_legs(session->handle.worker, -static_cast<int>(session->legs.size()));
    count_sessions(-1);
    session->final_report = std::move(report);
    session->remains = std::move(closed.session);
  }
  // Its own, before the id is free for another session.
  auto running = recordings_.running(session->id);
  sessions_.remove(*session);
  for (const record::RecordingId recording : running) node_->close_recording(recording);
  {
    const Lock lock(closing_mutex_);
    closing_.push_back({session, std::move(running)});
  }
  on_recording_ended(session->id);
}

/// A closed session's last word waits for the last of its recordings.
void ControlPlane::on_recording_ended(const std::string& id) {
  const auto running = recordings_.running(id);
  const auto is_over = [&](const Closing& each) {
    return each.session->id == id &&
           std::ranges::find_first_of(each.recordings, running) == each.recordings.end();
  };
  for (;;) {
    SessionPtr session;
    {
      const Lock lock(closing_mutex_);
      const auto found = std::ranges::find_if(closing_, is_over);
      if (found == closing_.end()) return;
      session = std::move(found->session);
      closing_.erase(found);
    }
    const Lock lock(session->data);
    close_events(*session);
  }
}

void ControlPlane::close_events(SessionState& session) {
  v1::SessionReport& report = *session.final_report;
  for (const std::string& id : session.recordings) {
    if (auto recording = recordings_.get(session.id, id)) {
      *report.add_recordings() = std::move(*recording);
    }
  }
  v1::Event event = timed(now_unix());
  event.mutable_session_closed()->set_reason(report.close_reason());
  *event.mutable_session_closed()->mutable_report() = report;
  publish(session, std::move(event));
  session.is_told_closed = true;
  session.closed.notify_all();
}

// ---------------------------------------------------------------------------------- the house

bool ControlPlane::sleep(Duration span) {
  const Instant until = now() + span;
  const Lock lock(house_mutex_);
  while (!is_stopping_) {
    const Duration left = until - now();
    if (left <= Duration::zero()) return true;
    house_wake_.wait_for(house_mutex_, left);
  }
  return false;
}

void ControlPlane::keep_house() {
  ::pthread_setname_np(::pthread_self(), "cw-house");
  for (int tick = 0; sleep(kHouseTick); ++tick) {
    expire_leases();
    renew_identity();
    if (tick % kTicksPerLoad == 0) node_->measure_load();
  }
}

/// The engine closes sessions by itself; that one has lost its application is told here.
void ControlPlane::expire_leases() {
  const Instant now = this->now();
  for (const SessionPtr& session : sessions_.all()) {
    const Lock lock(session->data);
    if (session->is_orphaned || session->is_closed() || session->expires_at > now) continue;
    if (session->lease_expiry != v1::LEASE_EXPIRY_CLOSE_WHEN_SILENT) continue;
    session->is_orphaned = true;
    v1::Event event;
    event.mutable_session_orphaned();
    publish(*session, std::move(event));
  }
}

void ControlPlane::report_quality() {
  ::pthread_setname_np(::pthread_self(), "cw-quality");
  const Duration interval = config().quality_interval;
  // Counted, not read off the clock: a turn that is late leaves no slice out.
  for (std::uint64_t slice = 0; sleep(interval / 10); slice = (slice + 1) % 10) {
    for (const SessionPtr& session : sessions_.all()) {
      // Each session has its tenth of the interval, so that the load is even.
      if (session->order % 10 == slice) report_quality_of(*session);
    }
  }
}

void ControlPlane::report_quality_of(SessionState& session) {
  std::vector<std::uint16_t> legs;
  {
    const Lock lock(session.data);
    for (const LegState& leg : session.legs) {
      if (leg.is_ready()) legs.push_back(leg.number);
    }
  }
  for (const std::uint16_t number : legs) {
    auto command = std::make_unique<engine::ReadReport>();
    command->leg = {session.handle, number};
    const auto done = node_->call(session.handle.worker, std::move(command));
    if (!done || (*done)->status != engine::Status::Ok) return;
    const Lock lock(session.data);
    LegState* const leg = session.leg(number);
    if (leg == nullptr || session.is_closed()) return;
    v1::Event event;
    event.set_leg(child_name(session.id, ChildKind::Leg, leg->id()));
    *event.mutable_quality_report()->mutable_report() =
        show_leg_report(session, *leg, (*done)->report, node_->wall(), true);
    publish(session, std::move(event));
  }
}

}  // namespace causeway::control
