#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "control/errors.h"
#include "control/load_meter.h"
#include "control/mutex.h"
#include "control/node_config.h"
#include "relay/engine/command.h"
#include "relay/engine/event.h"
#include "relay/io/wake_signal.h"
#include "relay/record/spec.h"
#include "relay/worker/dtls_pool.h"
#include "relay/worker/recorder.h"
#include "relay/worker/worker.h"

namespace causeway::control {

/// The media plane as the control plane sees it: the workers, the recorder, and the one thread that
/// reads what they say (the pump).
///
///     gRPC thread --call()--> mailbox -> worker -> outlet --pump--> wakes the caller
///                                                           \--> on_event, on_recording ...
///
/// A call waits at most for its deadline, so the control plane answers while a worker is stuck.
/// Every method but stop(): any thread. The listener and the `settled` of a call run on the pump,
/// in the order of each worker, and never wait for another call.
class Node {
 public:
  struct Listener {
    std::function<void(engine::Event)> on_event;
    std::function<void(const record::RecordingEvent&)> on_recording;
    /// The recorder has been at one thing for kRecorderPatience, said for as long as it lasts; and
    /// when it goes on again.
    std::function<void(bool is_slow)> on_recorder_slow;
  };
  /// What runs on the pump when a command is done, before anything that its worker says later.
  template <typename T>
  using Settled = std::function<void(T&)>;

  /// What tests put in the place of the real thing. Empty: the real thing.
  struct Seams {
    worker::BackendFactory make_backend;
  };

  static constexpr Duration kCallDeadline = std::chrono::seconds(2);
  static constexpr Duration kRecorderPatience = std::chrono::milliseconds(500);

  /// Starts the workers and, where the configuration has a folder for recordings, the recorder.
  /// Errors: those of Worker::create and the folder's.
  [[nodiscard]] static Result<std::unique_ptr<Node>, Error> create(NodeConfig config,
                                                                   Listener listener,
                                                                   const Seams& seams = {});
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  /// Closes every session (SessionClosed, NodeShutdown), ends every recording, and returns when all
  /// that was said has been read. Idempotent.
  void stop();

  /// Sends a command and waits for it. Errors: OVERLOAD (the mailbox is full), NODE_DRAINING (the
  /// node is being stopped), WORKER_UNRESPONSIVE (no answer in time: it may still take effect; what
  /// a late one opens is closed again). The command's own status is the caller's to read.
  template <typename T>
  [[nodiscard]] Answer<std::unique_ptr<T>> call(WorkerId worker, std::unique_ptr<T> command,
                                                Settled<T> settled = {}) {
    std::function<void(engine::Command&)> on_done;
    if (settled) {
      on_done = [settled = std::move(settled)](engine::Command& done) {
        settled(*std::get<std::unique_ptr<T>>(done));
      };
    }
    auto done = post_and_wait(worker, engine::Command(std::move(command)), std::move(on_done));
    if (!done) return failure(std::move(done).error());
    return std::move(std::get<std::unique_ptr<T>>(*done));
  }

  [[nodiscard]] std::size_t workers() const { return workers_.size(); }
  [[nodiscard]] worker::WorkerStats worker_stats(std::size_t worker) const {
    return workers_[worker]->stats();
  }
  [[nodiscard]] const io::IoStats& io_stats(std::size_t worker) const {
    return workers_[worker]->io_stats();
  }
  /// The share of the last second in which a worker's thread ran, 0 to 1.
  [[nodiscard]] float load(std::size_t worker) const { return loads_[worker].load(); }
  /// Reads the clocks of the workers' threads; called once a second by whoever keeps house.
  void measure_load();

  [[nodiscard]] bool has_recorder() const { return recorder_ != nullptr; }
  /// Errors: RECORDER_UNAVAILABLE, OVERLOAD, FIELD_INVALID.
  [[nodiscard]] Answer<void> open_recording(record::RecordingSpec spec);
  void add_recorded_codec(record::RecordingId id, std::uint8_t channel,
                          record::RecordedCodec codec);
  /// Ends a recording whose worker will not say so.
  void close_recording(record::RecordingId id);

  [[nodiscard]] const NodeConfig& config() const { return config_; }
  [[nodiscard]] Instant now() const;
  [[nodiscard]] const WallClock& wall() const { return wall_; }

 private:
  struct Pending;

  Node(NodeConfig config, Listener listener, std::unique_ptr<io::WakeSignal> signal);
  [[nodiscard]] Result<void, Error> start(const Seams& seams);
  [[nodiscard]] worker::WorkerConfig worker_config(std::size_t index,
                                                   record::RingWriter* ring) const;

  [[nodiscard]] Answer<engine::Command> post_and_wait(
      WorkerId worker, engine::Command command, std::function<void(engine::Command&)> on_done);
  void pump();
  [[nodiscard]] Duration watch_recorder();
  void close_what_fits() CAUSEWAY_REQUIRES(recorder_mutex_);
  bool pump_once();
  void hand_over(const engine::DtlsComponent& component, std::uint32_t association,
                 dtls::Report&& report);
  void settle(WorkerId worker, engine::Command command);
  void undo(WorkerId worker, engine::Command& command);

  const NodeConfig config_;
  const Listener listener_;
  const WallClock wall_;
  std::unique_ptr<io::WakeSignal> signal_;

  // In the order in which they are made; destroyed the other way round.
  std::vector<std::unique_ptr<ByteRing>> rings_;
  std::vector<std::unique_ptr<record::RingWriter>> writers_;
  std::unique_ptr<worker::Recorder> recorder_;
  Mutex recorder_mutex_;
  // Recordings that the recorder is still to be told to close.
  std::deque<record::RecordingId> unclosed_ CAUSEWAY_GUARDED_BY(recorder_mutex_);
  std::unique_ptr<worker::DtlsPool> dtls_;
  std::vector<std::unique_ptr<worker::Worker>> workers_;
  std::vector<std::atomic<float>> loads_;
  Mutex load_mutex_;
  std::vector<LoadMeter> load_meters_ CAUSEWAY_GUARDED_BY(load_mutex_);

  Mutex mutex_;
  std::uint64_t next_token_ CAUSEWAY_GUARDED_BY(mutex_) = 1;
  std::unordered_map<std::uint64_t, std::shared_ptr<Pending>> pending_ CAUSEWAY_GUARDED_BY(mutex_);

  bool is_recorder_slow_ = false;  // the pump's own
  std::atomic<bool> is_stopping_{false};
  std::thread pump_;
};

}  // namespace causeway::control
