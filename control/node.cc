#include "control/node.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "control/build.h"
#include "control/names.h"
#include "relay/ice/route.h"
#include "relay/io/clock.h"
#include "relay/io/file_disk.h"

namespace causeway::control {

namespace {

/// How long stop() waits for workers that do not stop.
constexpr Duration kStopDeadline = std::chrono::seconds(5);
/// How long the pump sleeps where nothing wakes it, and where a recorder is to be watched.
constexpr Duration kIdle = std::chrono::seconds(1);
constexpr Duration kWatch = std::chrono::milliseconds(200);
/// SSRCs of an endpoint whose keys come from a handshake.
constexpr std::uint8_t kMaxSsrcs = 8;

/// What of a range is this worker's: even shares, each beginning with an even port.
engine::NetworkConfig share_of(const NetworkConfig& network, std::size_t worker,
                               std::size_t workers) {
  const std::uint32_t first = network.first_port.raw() + (network.first_port.raw() & 1U);
  const std::uint32_t ports =
      network.last_port.raw() < first ? 0 : network.last_port.raw() - first + 1U;
  const auto share = static_cast<std::uint32_t>(ports / workers) & ~1U;
  const std::uint32_t mine = first + share * static_cast<std::uint32_t>(worker);
  return {.bind = network.bind,
          .advertised = network.advertised.is_none() ? network.bind : network.advertised,
          .first_port = UdpPort(static_cast<std::uint16_t>(mine)),
          .last_port = UdpPort(static_cast<std::uint16_t>(mine + share - 1)),
          .dscp = network.dscp,
          .shared_port = shared_port_of(network, worker)};
}

}  // namespace

/// A command on its way: who waits for it, and what becomes of it.
struct Node::Pending {
  Mutex mutex;
  Condition is_done;
  std::optional<engine::Command> done CAUSEWAY_GUARDED_BY(mutex);
  bool is_abandoned CAUSEWAY_GUARDED_BY(mutex) = false;
  std::function<void(engine::Command&)> on_done;
};

Result<std::unique_ptr<Node>, Error> Node::create(NodeConfig config, Listener listener,
                                                  const Seams& seams) {
  auto signal = io::WakeSignal::create();
  if (!signal) {
    return failure(Error{ErrorCode::Internal, "EVENTFD", "", "There is no eventfd for the pump."});
  }
  std::unique_ptr<Node> node(new Node(std::move(config), std::move(listener), std::move(*signal)));
  if (auto started = node->start(seams); !started) return failure(std::move(started).error());
  return node;
}

Node::Node(NodeConfig config, Listener listener, std::unique_ptr<io::WakeSignal> signal)
    : config_(std::move(config)),
      listener_(std::move(listener)),
      wall_(io::read_wall_clock()),
      signal_(std::move(signal)),
      loads_(config_.workers),
      load_meters_(config_.workers) {}

Node::~Node() { stop(); }

Instant Node::now() const { return io::now(); }

worker::WorkerConfig Node::worker_config(std::size_t index, record::RingWriter* ring) const {
  worker::WorkerConfig config;
  config.engine.worker = WorkerId(static_cast<std::uint16_t>(index));
  config.engine.route = ice::route_of(config_.name, config.engine.worker);
  for (const NetworkConfig& network : config_.networks) {
    config.engine.networks.push_back(share_of(network, index, config_.workers));
  }
  config.engine.wall = wall_;
  fill_random(config.engine.random_key.data(), sizeof config.engine.random_key);
  config.engine.max_sessions = config_.max_sessions_per_worker;
  config.engine.port_quarantine = config_.port_quarantine;
  if (!config_.cpus.empty()) config.cpu = config_.cpus[index % config_.cpus.size()];
  config.pool_packets = config_.pool_packets;
  config.mailbox_commands = config_.mailbox_commands;
  config.shared_port_buffer = static_cast<int>(config_.shared_port_buffer);
  config.records = ring;
  config.dtls = dtls_.get();
  return config;
}

/// On a thread of the pool's: the SRTP contexts are made here, so that the worker only swaps them
/// in.
void Node::hand_over(const engine::DtlsComponent& component, std::uint32_t association,
                     dtls::Report&& report) {
  auto command = std::make_unique<engine::DtlsReport>();
  command->leg = component.leg;
  command->is_rtcp = component.is_rtcp;
  command->association = association;
  if (report.outcome == dtls::Outcome::Up) {
    // The report keeps them: a snapshot of the leg is to have them.
    const auto keys_of = [&](const SecretKey& key, const SecretKey& salt) {
      KeySet set;
      set.keys.suite = report.suite;
      wire::SrtpMasterKey& master = set.keys.keys.emplace_back();
      master.key = key.clone();
      master.salt = salt.clone();
      return set;
    };
    const BuildSettings settings{.srtp_transform = config_.srtp_transform, .wall = wall_};
    auto receiver = build_receiver(keys_of(report.receive_key, report.receive_salt),
                                   srtp::RocPolicy::Auto, kMaxSsrcs, settings);
    auto sender =
        build_sender(keys_of(report.send_key, report.send_salt), srtp::RocPolicy::Auto, settings);
    if (receiver && sender) {
      command->keys.receiver = std::move(*receiver);
      command->keys.sender = std::move(*sender);
    } else {
      report.outcome = dtls::Outcome::Failed;
      report.failure = dtls::Failure::NoProfile;
    }
  }
  command->report = std::move(report);
  engine::Command posted(std::move(command));
  // Refused only by a worker that is being stopped.
  (void)workers_[component.leg.session.worker.raw()]->post(posted);
}

Result<void, Error> Node::start(const Seams& seams) {
  auto pool = worker::DtlsPool::create(
      {.workers = config_.workers, .threads = config_.dtls_threads},
      [this](const engine::DtlsComponent& component, std::uint32_t association,
             dtls::Report&& report) { hand_over(component, association, std::move(report)); });
  if (!pool) return failure(std::move(pool).error());
  dtls_ = std::move(*pool);
  const bool can_record = !config_.recordings_folder.empty();
  for (std::size_t i = 0; i < config_.workers; ++i) {
    record::RingWriter* ring = nullptr;
    if (can_record) {
      rings_.push_back(std::make_unique<ByteRing>(config_.recorder_ring_octets));
      writers_.push_back(std::make_unique<record::RingWriter>(*rings_.back()));
      ring = writers_.back().get();
    }
    auto made = seams.make_backend
                    ? worker::Worker::create(worker_config(i, ring), seams.make_backend, *signal_)
                    : worker::Worker::create(worker_config(i, ring), *signal_);
    if (!made) return failure(std::move(made).error());
    workers_.push_back(std::move(*made));
  }
  if (can_record) {
    auto disk = io::DirectoryDisk::open(config_.recordings_folder);
    if (!disk) {
      return failure(Error{ErrorCode::Unavailable, "RECORDER_UNAVAILABLE", "recordings.folder",
                           "The folder for recordings cannot be opened."});
    }
    worker::RecorderConfig recorder;
    for (const auto& ring : rings_) recorder.rings.push_back(ring.get());
    recorder.disk = std::move(*disk);
    recorder.wall = wall_;
    auto made = worker::Recorder::create(std::move(recorder), *signal_);
    if (!made) return failure(std::move(made).error());
    recorder_ = std::move(*made);
  }
  pump_ = std::thread([this] { pump(); });
  return {};
}

void Node::stop() {
  if (!pump_.joinable()) return;
  is_stopping_ = true;
  for (const auto& worker : workers_) worker->request_stop();
  const Instant deadline = io::now() + kStopDeadline;
  const auto is_stopped = [](const auto& worker) { return worker->is_stopped(); };
  while (!std::ranges::all_of(workers_, is_stopped) && io::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (dtls_) dtls_->stop();
  if (recorder_) recorder_->stop();
  {
    const Lock lock(mutex_);
    next_token_ = 0;  // tells the pump that nothing more will come
  }
  signal_->notify();
  pump_.join();
}

// ------------------------------------------------------------------------------------ commands

Answer<engine::Command> Node::post_and_wait(WorkerId worker, engine::Command command,
                                            std::function<void(engine::Command&)> on_done) {
  auto pending = std::make_shared<Pending>();
  pending->on_done = std::move(on_done);
  std::uint64_t token = 0;
  {
    const Lock lock(mutex_);
    if (next_token_ == 0)
      return failure(api_error("NODE_DRAINING", "The node is being shut down."));
    token = next_token_++;
    pending_.emplace(token, pending);
  }
  std::visit([&](auto& body) { body->token = token; }, command);
  if (!workers_[worker.raw()]->post(command)) {
    const Lock lock(mutex_);
    pending_.erase(token);
    if (is_stopping_) return failure(api_error("NODE_DRAINING", "The node is being shut down."));
    return failure(api_error("OVERLOAD", "The worker's mailbox is full."));
  }
  const Instant deadline = io::now() + kCallDeadline;
  const Lock lock(pending->mutex);
  while (!pending->done) {
    const Duration left = deadline - io::now();
    if (left <= Duration::zero()) {
      pending->is_abandoned = true;
      return failure(api_error("WORKER_UNRESPONSIVE", "The worker did not answer in time."));
    }
    pending->is_done.wait_for(pending->mutex, left);
  }
  return std::move(*pending->done);
}

void Node::settle(WorkerId worker, engine::Command command) {
  const std::uint64_t token = std::visit([](const auto& body) { return body->token; }, command);
  std::shared_ptr<Pending> pending;
  {
    const Lock lock(mutex_);
    const auto found = pending_.find(token);
    if (found == pending_.end()) return;  // one that undo() sent
    pending = std::move(found->second);
    pending_.erase(found);
  }
  {
    const Lock lock(pending->mutex);
    if (!pending->is_abandoned) {
      if (pending->on_done) pending->on_done(command);
      pending->done = std::move(command);
      pending->is_done.notify_all();
      return;
    }
  }
  undo(worker, command);
}

/// Nobody knows of what an abandoned command has opened, so it is closed again; both commands for
/// it travel in the reserved lane.
void Node::undo(WorkerId worker, engine::Command& command) {
  engine::Command reverse;
  if (auto* open = std::get_if<std::unique_ptr<engine::OpenSession>>(&command)) {
    if ((*open)->status != engine::Status::Ok) return;
    auto close = std::make_unique<engine::CloseSession>();
    close->session = (*open)->handle;
    reverse = std::move(close);
  } else if (auto* add = std::get_if<std::unique_ptr<engine::AddLeg>>(&command)) {
    if ((*add)->status != engine::Status::Ok) return;
    auto remove = std::make_unique<engine::RemoveLeg>();
    remove->leg = (*add)->addresses.leg;
    reverse = std::move(remove);
  } else {
    return;
  }
  (void)workers_[worker.raw()]->post(reverse);
}

// ---------------------------------------------------------------------------------------- pump

void Node::pump() {
  ::pthread_setname_np(::pthread_self(), "cw-pump");
  for (;;) {
    bool is_last = false;
    {
      const Lock lock(mutex_);
      is_last = next_token_ == 0;
    }
    while (pump_once()) {
    }
    if (is_last) return;
    const Duration nap = watch_recorder();
    signal_->may_sleep();
    if (pump_once()) {
      signal_->is_awake();
      continue;
    }
    signal_->wait(nap);
  }
}

/// A recorder that hangs cannot say so itself. Returns when it is to be looked at again.
Duration Node::watch_recorder() {
  if (!recorder_) return kIdle;
  {
    const Lock lock(recorder_mutex_);
    close_what_fits();
  }
  const Duration busy = recorder_->busy_for(now());
  const bool is_slow = busy >= kRecorderPatience;
  const bool was_slow = std::exchange(is_recorder_slow_, is_slow);
  // Again and again while it lasts: recordings may have begun meanwhile.
  if ((is_slow || was_slow) && listener_.on_recorder_slow) listener_.on_recorder_slow(is_slow);
  return busy == Duration::zero() && recorder_->open_recordings() == 0 ? kIdle : kWatch;
}

/// Takes what there is, a batch of each in turn so that none keeps the others waiting.
bool Node::pump_once() {
  constexpr int kBatch = 256;
  bool has_taken = false;
  for (const auto& worker : workers_) {
    for (int i = 0; i < kBatch; ++i) {
      auto report = worker->outlet().try_pop();
      if (!report) break;
      has_taken = true;
      if (auto* event = std::get_if<engine::Event>(&*report)) {
        if (listener_.on_event) listener_.on_event(std::move(*event));
      } else {
        settle(worker->id(), std::move(std::get<engine::Command>(*report)));
      }
    }
  }
  for (int i = 0; recorder_ && i < kBatch; ++i) {
    const auto event = recorder_->try_pop_event();
    if (!event) break;
    has_taken = true;
    if (listener_.on_recording) listener_.on_recording(*event);
  }
  return has_taken;
}

// ----------------------------------------------------------------------------------- recordings

Answer<void> Node::open_recording(record::RecordingSpec spec) {
  if (!recorder_) {
    return failure(api_error("RECORDER_UNAVAILABLE", "This node has no folder for recordings."));
  }
  const Lock lock(recorder_mutex_);
  if (auto opened = recorder_->open(std::move(spec)); !opened) {
    return failure(from_relay(opened.error()));
  }
  return {};
}

void Node::add_recorded_codec(record::RecordingId id, std::uint8_t channel,
                              record::RecordedCodec codec) {
  if (!recorder_) return;
  const Lock lock(recorder_mutex_);
  // A recorder that has no room for a command is far behind; the codec's packets are then silence,
  // and the recording says so.
  (void)recorder_->add_codec(id, channel, std::move(codec));
}

void Node::close_recording(record::RecordingId id) {
  if (!recorder_) return;
  const Lock lock(recorder_mutex_);
  unclosed_.push_back(id);
  close_what_fits();
}

/// A recorder that hangs has no room for more commands at some time; the pump must not wait for it.
void Node::close_what_fits() {
  while (!unclosed_.empty() && recorder_->close(unclosed_.front())) unclosed_.pop_front();
}

void Node::measure_load() {
  const Lock lock(load_mutex_);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    loads_[i] = load_meters_[i].measure(io::now(), "cw-worker-" + std::to_string(i));
  }
}

}  // namespace causeway::control
