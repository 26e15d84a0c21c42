#include <algorithm>

#include "control/lookup.h"
#include "control/proto_time.h"
#include "control/relay_api.h"
#include "control/session_draft.h"
#include "control/translate_report.h"
#include "control/update_mask.h"

namespace causeway::control {

namespace {

/// How long CreateSession waits for the recorder's word that files could be made.
constexpr Duration kRecorderDeadline = std::chrono::seconds(1);

/// A page ends early rather than be larger than gRPC's clients take by default (4 MiB).
constexpr std::size_t kMaxPageOctets = 2U << 20U;

Answer<void> admit(ControlPlane& plane, std::size_t legs) {
  const NodeConfig& config = plane.config();
  if (plane.is_draining()) {
    return failure(api_error("NODE_DRAINING", "The node takes no new sessions."));
  }
  if (config.max_sessions != 0 && plane.session_count() >= config.max_sessions) {
    return failure(api_error("QUOTA", "The node has as many sessions as it takes."));
  }
  if (config.max_legs != 0 && plane.leg_count() + legs > config.max_legs) {
    return failure(api_error("QUOTA", "The node has as many legs as it takes."));
  }
  if (config.max_load > 0) {
    float load = 1;
    for (std::size_t i = 0; i < plane.node().workers(); ++i) {
      load = std::min(load, plane.node().load(i));
    }
    if (load > config.max_load) {
      return failure(api_error("OVERLOAD", "The node has no time for more calls."));
    }
  }
  return {};
}

/// Recordings that are entered and opened, and taken back unless the session comes to be.
class OpenedRecordings {
 public:
  OpenedRecordings(ControlPlane& plane, const SessionDraft& draft) : plane_(plane), draft_(draft) {}
  OpenedRecordings(const OpenedRecordings&) = delete;
  OpenedRecordings& operator=(const OpenedRecordings&) = delete;
  ~OpenedRecordings() {
    if (is_kept_) return;
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      plane_.node().close_recording(numbers_[i]);
      plane_.recordings().discard(draft_.session->id, draft_.recordings[i].id);
    }
  }

  [[nodiscard]] Answer<void> open() {
    google::protobuf::Map<std::string, std::string> labels;
    {
      const Lock lock(draft_.session->data);
      labels = draft_.session->labels;
    }
    for (const RecordingRequest& request : draft_.recordings) {
      auto spec = plane_.recordings().add(draft_.session->id, labels, request, plane_.now_unix());
      if (!spec) return failure(std::move(spec).error());
      numbers_.push_back(spec->id);
      if (auto opened = plane_.node().open_recording(std::move(*spec)); !opened) return opened;
    }
    return {};
  }
  void keep() { is_kept_ = true; }
  [[nodiscard]] const std::vector<record::RecordingId>& numbers() const { return numbers_; }

 private:
  ControlPlane& plane_;
  const SessionDraft& draft_;
  std::vector<record::RecordingId> numbers_;
  bool is_kept_ = false;
};

/// On the pump: the session is open, and known before anything else is said of it.
void note_opened(ControlPlane& plane, const SessionPtr& session, engine::OpenSession& done) {
  if (done.status != engine::Status::Ok) return;
  session->handle = done.handle;
  {
    const Lock lock(session->data);
    session->expires_at = plane.now() + session->lease;
    for (const engine::LegAddresses& addresses : done.addresses) {
      LegState* const leg = session->leg(addresses.leg.leg);
      leg->local_rtp = addresses.rtp;
      leg->local_rtcp = addresses.rtcp;
    }
    plane.count_sessions(1);
    plane.count_legs(session->handle.worker, static_cast<int>(session->legs.size()));
  }
  plane.enter(session);
}

/// Opens the session on the first worker that has room for it; it is built for each that is tried,
/// whose name its ICE bears.
Answer<void> open_session(ControlPlane& plane, const SessionDraft& draft,
                          const std::vector<record::RecordingId>& recordings) {
  const SessionPtr& session = draft.session;
  Answer<void> outcome = failure(internal_error("no worker"));
  for (const WorkerId worker : plane.workers_by_load()) {
    auto built = build_session(plane, draft, recordings, worker);
    if (!built) return failure(std::move(built).error());
    auto command = std::make_unique<engine::OpenSession>();
    command->session = std::move(*built);
    auto done = plane.node().call<engine::OpenSession>(
        worker, std::move(command),
        [&](engine::OpenSession& each) { note_opened(plane, session, each); });
    if (!done) return failure(std::move(done).error());
    const engine::Status status = (*done)->status;
    outcome = check_status(status, session->id);
    const bool may_fit_elsewhere = status == engine::Status::PortsExhausted ||
                                   status == engine::Status::SocketRefused ||
                                   status == engine::Status::TooManySessions;
    if (!may_fit_elsewhere) return outcome;
  }
  return outcome;
}

/// Closes a session and waits for its last word. Errors: those of Node::call.
Answer<void> close_session(ControlPlane& plane, const SessionPtr& session) {
  for (const record::RecordingId recording : plane.recordings().running(session->id)) {
    auto stop = std::make_unique<engine::ControlRecording>();
    stop->session = session->handle;
    stop->recording = recording;
    stop->marker = record::FrameKind::Stop;
    (void)plane.node().call(session->handle.worker, std::move(stop));
  }
  auto close = std::make_unique<engine::CloseSession>();
  close->session = session->handle;
  auto done = plane.node().call(session->handle.worker, std::move(close));
  if (!done) return failure(std::move(done).error());
  std::unique_ptr<engine::Session> remains;
  const Lock lock(session->data);
  const Instant deadline = plane.now() + Node::kCallDeadline;
  while (!session->is_told_closed && plane.now() < deadline) {
    session->closed.wait_for(session->data, deadline - plane.now());
  }
  remains = std::move(session->remains);
  return {};
}

bool has_labels(const google::protobuf::Map<std::string, std::string>& labels,
                const google::protobuf::Map<std::string, std::string>& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& label) {
    const auto found = labels.find(label.first);
    return found != labels.end() && found->second == label.second;
  });
}

/// The recordings of a session join what it shows.
void show_recordings(ControlPlane& plane, const SessionState& session,
                     const std::vector<std::string>& ids, v1::Session& out) {
  for (const std::string& id : ids) {
    if (auto recording = plane.recordings().get(session.id, id)) {
      *out.add_recordings() = std::move(*recording);
    }
  }
}

v1::Session show_whole(ControlPlane& plane, SessionState& session) {
  const Lock lock(session.data);
  v1::Session out = show_session(session, plane.node().wall());
  show_recordings(plane, session, session.recordings, out);
  return out;
}

/// Sends the engine a new lease, and remembers it. `expiry`: UNSPECIFIED leaves it as it is.
Answer<void> renew(ControlPlane& plane, SessionState& session, Duration lease,
                   v1::LeaseExpiry expiry = v1::LEASE_EXPIRY_UNSPECIFIED) {
  auto command = std::make_unique<engine::RenewLease>();
  command->session = session.handle;
  command->lease = lease;
  if (expiry != v1::LEASE_EXPIRY_UNSPECIFIED) {
    command->expiry = expiry == v1::LEASE_EXPIRY_CLOSE ? engine::LeaseExpiry::Close
                                                       : engine::LeaseExpiry::CloseWhenSilent;
  }
  auto done = carry_out(plane, session, std::move(command));
  if (!done) return failure(std::move(done).error());
  const Lock lock(session.data);
  session.lease = lease;
  if (expiry != v1::LEASE_EXPIRY_UNSPECIFIED) session.lease_expiry = expiry;
  session.expires_at = plane.now() + lease;
  session.is_orphaned = false;
  return {};
}

}  // namespace

Answer<v1::CreateSessionResponse> RelayApi::create_session(const v1::CreateSessionRequest& in) {
  const Field id_field("session_id");
  auto id = choose_id(in.session_id(), id_field);
  if (!id) return failure(std::move(id).error());
  if (auto admitted = admit(plane_, static_cast<std::size_t>(in.session().legs_size()));
      !admitted) {
    return failure(std::move(admitted).error());
  }
  auto draft = draft_session(plane_, in.session(), *id, Field("session"));
  if (!draft) return failure(std::move(draft).error());
  const auto reservation = plane_.sessions().reserve(draft->session);
  if (!reservation) return failure(id_taken(id_field, session_name(*id)));

  OpenedRecordings recordings(plane_, *draft);
  if (auto opened = recordings.open(); !opened) return failure(std::move(opened).error());
  const SessionPtr& session = draft->session;
  std::vector<LegSetupState> setups;
  {
    const Lock lock(session->data);
    for (const LegState& leg : session->legs) setups.push_back(leg.setup);
  }
  const Lock operation(session->operation);
  if (auto opened = open_session(plane_, *draft, recordings.numbers()); !opened) {
    return failure(std::move(opened).error());
  }
  for (const RecordingRequest& recording : draft->recordings) {
    auto begun = plane_.recordings().wait_started(*id, recording.id, kRecorderDeadline);
    if (begun) continue;
    (void)close_session(plane_, session);
    return failure(std::move(begun).error());
  }
  recordings.keep();
  v1::CreateSessionResponse out;
  *out.mutable_session() = show_whole(plane_, *session);
  for (std::size_t i = 0; i < draft->keys.size(); ++i) {
    v1::Leg& leg = *out.mutable_session()->mutable_legs(static_cast<int>(i));
    show_made_send_key(draft->keys[i], leg);
    show_made_password(setups[i], leg);
  }
  return out;
}

Answer<v1::GetSessionResponse> RelayApi::get_session(const v1::GetSessionRequest& in) {
  const auto session = find_session(plane_, in.name(), Field("name"));
  if (!session) return failure(session.error());
  v1::GetSessionResponse out;
  *out.mutable_session() = show_whole(plane_, **session);
  return out;
}

Answer<v1::ListSessionsResponse> RelayApi::list_sessions(const v1::ListSessionsRequest& in) {
  auto page = read_page(in.page_size(), in.page_token(), plane_.instance(), "sessions");
  if (!page) return failure(std::move(page).error());
  if (!v1::SessionView_IsValid(in.view())) {
    return failure(invalid(Field("view"), "This is no view of sessions."));
  }
  v1::ListSessionsResponse out;
  std::uint64_t last = page->after;
  std::size_t octets = 0;
  for (;;) {
    const auto sessions = plane_.sessions().after(last, 256);
    for (const SessionPtr& session : sessions) {
      if (static_cast<std::size_t>(out.sessions_size()) == page->size || octets > kMaxPageOctets) {
        out.set_next_page_token(page_token(plane_.instance(), "sessions", last));
        return out;
      }
      last = session->order;
      {
        const Lock lock(session->data);
        if (!has_labels(session->labels, in.labels())) continue;
        if (in.view() != v1::SESSION_VIEW_FULL) {
          *out.add_sessions() = show_session_basics(*session, plane_.node().wall());
        }
      }
      if (in.view() == v1::SESSION_VIEW_FULL) *out.add_sessions() = show_whole(plane_, *session);
      octets += out.sessions().rbegin()->ByteSizeLong();
    }
    if (sessions.size() < 256) return out;
  }
}

Answer<v1::UpdateSessionResponse> RelayApi::update_session(const v1::UpdateSessionRequest& in) {
  static constexpr std::array<std::string_view, 3> kChangeable = {"labels", "lease",
                                                                  "lease_expiry"};
  const Field field("session");
  const auto found = find_session(plane_, in.session().name(), Field{"name", &field});
  if (!found) return failure(found.error());
  SessionState& session = **found;
  const auto mask =
      read_update_mask(in.update_mask(), in.has_update_mask(), in.session(), kChangeable);
  if (!mask) return failure(mask.error());
  if (touches(*mask, "labels")) {
    if (auto checked = check_labels(in.session().labels(), Field{"labels", &field}); !checked) {
      return failure(std::move(checked).error());
    }
  }
  const Lock operation(session.operation);
  // What the mask leaves out is not looked at.
  const bool has_new_lease = touches(*mask, "lease");
  const bool has_new_expiry = touches(*mask, "lease_expiry");
  const auto lease = read_lease(has_new_lease && in.session().has_lease(), in.session().lease(),
                                Field{"lease", &field}, plane_.config().default_lease);
  if (!lease) return failure(lease.error());
  const auto expiry =
      read_lease_expiry(has_new_expiry ? in.session().lease_expiry() : v1::LEASE_EXPIRY_UNSPECIFIED,
                        Field{"lease_expiry", &field});
  if (!expiry) return failure(expiry.error());
  Duration before{};
  {
    const Lock lock(session.data);
    before = session.lease;
    if (auto checked = check_etag(in.session().etag(), session.etag); !checked) {
      return failure(std::move(checked).error());
    }
  }
  // The engine knows a lease and its end as one; either change starts it again.
  if (has_new_lease || has_new_expiry) {
    auto done = renew(plane_, session, has_new_lease ? *lease : before,
                      has_new_expiry ? *expiry : v1::LEASE_EXPIRY_UNSPECIFIED);
    if (!done) return failure(std::move(done).error());
  }
  {
    const Lock lock(session.data);
    if (touches(*mask, "labels")) session.labels = in.session().labels();
    session.etag.change();
  }
  v1::UpdateSessionResponse out;
  *out.mutable_session() = show_whole(plane_, session);
  return out;
}

Answer<v1::RenewSessionResponse> RelayApi::renew_session(const v1::RenewSessionRequest& in) {
  const auto found = find_session(plane_, in.name(), Field("name"));
  if (!found) return failure(found.error());
  SessionState& session = **found;
  const Lock operation(session.operation);
  Duration before{};
  {
    const Lock lock(session.data);
    before = session.lease;
  }
  const auto lease = read_lease(in.has_lease(), in.lease(), Field("lease"), before);
  if (!lease) return failure(lease.error());
  if (auto done = renew(plane_, session, *lease); !done) return failure(std::move(done).error());
  v1::RenewSessionResponse out;
  const Lock lock(session.data);
  *out.mutable_session() = show_session_basics(session, plane_.node().wall());
  return out;
}

Answer<v1::DeleteSessionResponse> RelayApi::delete_session(const v1::DeleteSessionRequest& in) {
  const auto found = find_session(plane_, in.name(), Field("name"));
  if (!found) return failure(found.error());
  const SessionPtr& session = *found;
  const Lock operation(session->operation);
  {
    const Lock lock(session->data);
    if (session->is_closed()) return failure(no_session(session->id));
    if (auto checked = check_etag(in.etag(), session->etag); !checked) {
      return failure(std::move(checked).error());
    }
  }
  if (auto done = close_session(plane_, session); !done) return failure(std::move(done).error());
  const Lock lock(session->data);
  if (!session->is_closed()) return failure(no_session(session->id));
  v1::DeleteSessionResponse out;
  *out.mutable_report() = *session->final_report;
  return out;
}

}  // namespace causeway::control
