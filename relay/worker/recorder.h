#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "relay/base/byte_ring.h"
#include "relay/base/spsc_ring.h"
#include "relay/base/time.h"
#include "relay/io/clock.h"
#include "relay/io/counter.h"
#include "relay/io/file_disk.h"
#include "relay/io/wake_signal.h"
#include "relay/record/session.h"
#include "relay/record/spec.h"

namespace causeway::worker {

struct RecorderConfig {
  /// The workers' rings: of each, the recorder is the only consumer. They outlive the recorder.
  std::vector<ByteRing*> rings;
  /// Where recordings go. Never null.
  std::unique_ptr<io::Disk> disk;
  WallClock wall;
  record::RecordingSession::Options session;  ///< make_decoder may be null: codecs::make_decoder.
  /// What a recording may keep in memory while the disk refuses.
  std::size_t max_backlog_octets = 4U << 20U;
  /// How long a stopped recording waits for a disk that refuses before it is given up.
  Duration give_up_after = std::chrono::seconds(10);
  /// How often the rings are looked at while something is being recorded. Workers never wake the
  /// recorder: a system call a packet would cost them more than the copy.
  Duration look_every = std::chrono::milliseconds(20);
  std::size_t commands = 1'024;
  std::size_t events = 4'096;
  std::function<Instant()> now = io::now;
};

/// The recorder: one thread that drains the workers' rings, lets RecordingSessions order, decode
/// and align, and writes their files. A slow or full disk holds up this thread and at last its
/// rings, never a worker: what a ring has no room for is lost to the recording and counted by the
/// worker.
///
/// open(), add_codec() and close(): one thread at a time (control/ holds a lock). try_pop_event():
/// one thread. stats: any.
///
/// Order for a caller: open() first, then the engine's command that installs the tap: frames of a
/// recording that is not open are thrown away. The engine's Start, Pause, Resume and Stop markers
/// say when; close() ends a recording whose worker will never say Stop.
///
/// For every recording the metadata file is there before the first sound, and its end is told by
/// Stopped or Failed, exactly once, also when the recorder is destroyed. One that ends without ever
/// having had a Start leaves no file.
class Recorder {
 public:
  /// Starts the thread. `reader` is notified of events and outlives the recorder. Errors: Internal.
  [[nodiscard]] static Result<std::unique_ptr<Recorder>, Error> create(RecorderConfig config,
                                                                       io::WakeSignal& reader);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  /// Writes everything that is in the rings, ends every recording and waits for the thread. Its
  /// last events can no longer be read: call stop() before.
  ~Recorder();

  /// Makes the recording's files. The outcome is an event: Failed, or Started when its Start marker
  /// has come. Errors: InvalidArgument (RecordingSession::check), ResourceExhausted (too many
  /// commands at once).
  [[nodiscard]] Result<void, Error> open(record::RecordingSpec spec);
  /// Appends a line to a channel's codec table, before the tap sends packets of it.
  [[nodiscard]] Result<void, Error> add_codec(record::RecordingId id, std::uint8_t channel,
                                              record::RecordedCodec codec);
  /// Ends a recording now; without effect on one that has ended.
  [[nodiscard]] Result<void, Error> close(record::RecordingId id);

  /// The oldest event, or nothing.
  [[nodiscard]] std::optional<record::RecordingEvent> try_pop_event() { return events_.try_pop(); }

  /// As the destructor, but leaves the events to be read. Idempotent; the thread that owns the
  /// recorder.
  void stop();

  /// Frames of recordings that are not open.
  [[nodiscard]] std::uint64_t stray_frames() const { return stray_frames_.value(); }
  /// For how long the recorder has been at one turn of its work, which takes milliseconds: much
  /// more is a disk that does not answer. Any thread.
  [[nodiscard]] Duration busy_for(Instant now) const;
  /// Recordings that are open now.
  [[nodiscard]] std::uint64_t open_recordings() const {
    return open_recordings_.load(std::memory_order_relaxed);
  }

 private:
  struct AddCodec {
    record::RecordingId id;
    std::uint8_t channel = 0;
    record::RecordedCodec codec;
  };
  struct Close {
    record::RecordingId id;
  };
  using Command = std::variant<std::monostate, record::RecordingSpec, AddCodec, Close>;
  struct Recording;
  static constexpr std::int64_t kResting = INT64_MIN;

  Recorder(RecorderConfig config, std::unique_ptr<io::WakeSignal> signal, io::WakeSignal& reader);

  [[nodiscard]] Result<void, Error> post(Command command);

  // The thread's own, from here on.
  void run();
  void turn();
  void rest();
  bool take_commands();
  void take(record::RecordingSpec spec);
  Instant drain_rings(Instant now);
  void handle_frame(const record::Frame& frame);
  Recording* find(record::RecordingId id);
  void advance(Recording& recording, Instant mark, Instant now);
  void tell_changes(Recording& recording, Instant at);
  void tell_disk(Recording& recording);
  void tell_ring(Recording& recording, Instant now);
  void tell_growth(Recording& recording, Instant now);
  void write_out(Recording& recording, Instant now);
  bool is_over(Recording& recording, Instant now);
  void end(Recording& recording);
  void fail(Recording& recording, io::Errno error);
  void remove_files(const Recording& recording);
  bool write_metadata(Recording& recording, std::string_view state);
  void degrade(Recording& recording, record::DegradeReason reason, int system_error = 0);
  void tell(const Recording& recording, record::RecordingEventKind kind, Instant at,
            record::DegradeReason reason = record::DegradeReason::None, int system_error = 0);
  void flush_events();
  void finish_all();

  RecorderConfig config_;
  const std::unique_ptr<io::WakeSignal> signal_;
  io::WakeSignal& reader_;
  SpscRing<Command> commands_;
  SpscRing<record::RecordingEvent> events_;
  std::atomic<bool> is_stopping_{false};
  io::Counter stray_frames_;
  std::atomic<std::uint64_t> open_recordings_{0};
  std::atomic<std::int64_t> turn_began_ns_{kResting};  // of the relay's clock

  std::map<record::RecordingId, std::unique_ptr<Recording>> recordings_;
  std::deque<record::RecordingEvent> waiting_events_;  // while the ring of events is full
  std::vector<record::FileWrite> writes_;
  bool has_more_frames_ = false;
  std::thread thread_;  // the last: starts when everything else is there
};

}  // namespace causeway::worker
