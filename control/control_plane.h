#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "control/errors.h"
#include "control/event_log.h"
#include "control/node.h"
#include "control/node_config.h"
#include "control/page.h"
#include "control/recordings.h"
#include "control/request_log.h"
#include "control/session_table.h"

namespace causeway::control {

/// Everything that the services share: the node's media plane, the table of sessions, the events,
/// the recordings, the requests that were answered. The services hold no state of their own.
///
/// It also is where what the engine says becomes state and events (on the pump), and where the
/// house is kept: leases that run out, loads, quality reports. Any thread.
class ControlPlane {
 public:
  /// Errors: those of Node::create.
  [[nodiscard]] static Result<std::unique_ptr<ControlPlane>, Error> create(
      NodeConfig config, const Node::Seams& seams = {});
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;
  ~ControlPlane();

  /// Ends everything: sessions are closed (NODE_SHUTDOWN) and told of, then the event streams end.
  /// Idempotent; one thread.
  void stop();

  /// Whether new sessions are taken; `hook` is told of each change (for the health service).
  [[nodiscard]] bool is_draining() const { return is_draining_; }
  void set_draining(bool is_draining);
  void set_drain_hook(std::function<void(bool is_draining)> hook);

  [[nodiscard]] Node& node() { return *node_; }
  [[nodiscard]] const NodeConfig& config() const { return node_->config(); }
  [[nodiscard]] SessionTable& sessions() { return sessions_; }
  [[nodiscard]] EventLog& events() { return events_; }
  [[nodiscard]] RequestLog& requests() { return requests_; }
  [[nodiscard]] Recordings& recordings() { return recordings_; }
  /// Eight octets in hexadecimal, new with each start: tokens of another life are known by it.
  [[nodiscard]] const std::string& instance() const { return instance_; }
  [[nodiscard]] const std::vector<std::string>& networks() const { return network_names_; }
  [[nodiscard]] BuildSettings build_settings() const;
  /// How the fragments of legs on this worker begin.
  [[nodiscard]] std::string route(WorkerId worker) const;
  /// The relay's certificate for new DTLS associations. It is renewed; whoever has one keeps it.
  [[nodiscard]] std::shared_ptr<const dtls::Identity> identity() const;
  [[nodiscard]] Instant now() const { return node_->now(); }
  [[nodiscard]] Duration now_unix() const { return node_->wall().unix_time(node_->now()); }
  [[nodiscard]] Duration start_time() const { return start_time_; }

  /// Workers, the least loaded first.
  [[nodiscard]] std::vector<WorkerId> workers_by_load() const;
  /// Legs and sessions that live now; admission counts them.
  [[nodiscard]] std::uint32_t session_count() const { return session_count_; }
  [[nodiscard]] std::uint32_t leg_count() const { return leg_count_; }
  void count_legs(WorkerId worker, int change);
  void count_sessions(int change);

  /// Publishes an event of a session, with its name and labels.
  void publish(SessionState& session, v1::Event event) CAUSEWAY_REQUIRES(session.data);
  /// A handshake has chosen the suites of a leg: the plans that name them say which.
  void name_suites(SessionState& session, std::uint16_t leg) CAUSEWAY_REQUIRES(session.data);
  /// Says that a connection is planned another way.
  void publish_plan(SessionState& session, ConnectionState& connection)
      CAUSEWAY_REQUIRES(session.data);
  /// Says leg_active once for each leg that has all it needs.
  void publish_active_legs(SessionState& session) CAUSEWAY_REQUIRES(session.data);

  /// Makes a session that was opened known, and tells of it. On the pump, before any of its events.
  void enter(const SessionPtr& session);

 private:
  explicit ControlPlane(const NodeConfig& config);

  // What the engine says.
  void on_event(engine::Event event);
  void on_leg_event(const engine::LegHandle& leg, Instant at, v1::Event event,
                    const std::function<void(LegState&)>& apply);
  void on_session_closed(engine::SessionClosed closed, Instant at);
  void on_recording_ended(const std::string& session);
  void close_events(SessionState& session) CAUSEWAY_REQUIRES(session.data);
  void publish_recording(const std::string& session,
                         const google::protobuf::Map<std::string, std::string>& labels,
                         v1::Event event);

  // The house.
  void keep_house();
  void expire_leases();
  void renew_identity();
  void report_quality();
  void report_quality_of(SessionState& session);
  bool sleep(Duration span);

  const std::string instance_;
  std::vector<std::string> network_names_;
  Duration start_time_{};
  SessionTable sessions_;
  EventLog events_;
  RequestLog requests_;
  Recordings recordings_;
  std::atomic<bool> is_draining_{false};
  std::atomic<std::uint32_t> session_count_{0};
  std::atomic<std::uint32_t> leg_count_{0};
  std::vector<std::atomic<int>> worker_legs_;

  Mutex hook_mutex_;
  std::function<void(bool)> drain_hook_ CAUSEWAY_GUARDED_BY(hook_mutex_);

  /// A session that is closed and whose recordings are not. Its id may be another session's by now,
  /// so what it waits for goes by number.
  struct Closing {
    SessionPtr session;
    std::vector<record::RecordingId> recordings;
  };
  Mutex closing_mutex_;
  std::vector<Closing> closing_ CAUSEWAY_GUARDED_BY(closing_mutex_);

  std::unique_ptr<Node> node_;

  mutable Mutex identity_mutex_;
  std::shared_ptr<const dtls::Identity> identity_ CAUSEWAY_GUARDED_BY(identity_mutex_);
  Instant identity_ends_{};  // the house's own

  Mutex house_mutex_;
  Condition house_wake_;
  bool is_stopping_ CAUSEWAY_GUARDED_BY(house_mutex_) = false;
  std::thread house_;
  std::thread quality_;
};

}  // namespace causeway::control
