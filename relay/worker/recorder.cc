#include "relay/worker/recorder.h"

#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "codecs/codec.h"
#include "relay/base/check.h"
#include "relay/io/file_writer.h"
#include "relay/record/frame.h"
#include "relay/record/metadata.h"

namespace causeway::worker {
namespace {

using record::DegradeReason;
using record::RecordingEventKind;

/// So that one busy ring does not keep the others' frames, and the files, waiting. Less than a
/// recording holds at once (PacketOrder), should all of them be of one.
constexpr std::size_t kFramesPerTurn = 1'024;
/// How often a disk that refused is asked again.
constexpr Duration kRetryEvery = std::chrono::milliseconds(250);
/// How often it is told how much of a recording there is.
constexpr Duration kTellGrowthEvery = std::chrono::seconds(1);

DegradeReason reason_of(int system_error) {
  return system_error == ENOSPC || system_error == EDQUOT ? DegradeReason::DiskFull
                                                          : DegradeReason::DiskError;
}

}  // namespace

/// A recording and its file.
struct Recorder::Recording {
  Recording(record::RecordingSpec spec, const record::RecordingSession::Options& options)
      : session(std::move(spec), options) {}

  record::RecordingSession session;
  std::optional<io::FileWriter> file;  // none: it failed, and its frames are thrown away
  record::RecordingSession::State told_state = record::RecordingSession::State::Waiting;
  std::vector<DegradeReason> degraded;  // for the metadata: each reason once
  bool is_disk_in_trouble = false;
  DegradeReason disk_reason = DegradeReason::None;
  std::optional<Instant> closing_at;      // close() was called
  std::optional<Instant> ring_loss_told;  // in trouble; the last loss that it has shown
  Instant growth_told;
  std::uint64_t octets_told = 0;
  bool is_unknown_codec_told = false;
  bool is_failed = false;
  Instant last_retry;
  std::optional<Instant> done_at;
};

// --- the control plane's side ------------------------------------------------------------------

Result<std::unique_ptr<Recorder>, Error> Recorder::create(RecorderConfig config,
                                                          io::WakeSignal& reader) {
  CAUSEWAY_CHECK(config.disk != nullptr, "a recorder has a disk");
  auto signal = io::WakeSignal::create();
  if (!signal) {
    return failure(Error{ErrorCode::Internal, "RECORDER", "", "There is no eventfd for it."});
  }
  if (config.session.make_decoder == nullptr) config.session.make_decoder = codecs::make_decoder;
  return std::unique_ptr<Recorder>(new Recorder(std::move(config), std::move(*signal), reader));
}

Recorder::Recorder(RecorderConfig config, std::unique_ptr<io::WakeSignal> signal,
                   io::WakeSignal& reader)
    : config_(std::move(config)),
      signal_(std::move(signal)),
      reader_(reader),
      commands_(config_.commands),
      events_(config_.events),
      thread_([this] { run(); }) {}

Recorder::~Recorder() { stop(); }

void Recorder::stop() {
  if (!thread_.joinable()) return;
  is_stopping_.store(true, std::memory_order_release);
  signal_->notify();
  thread_.join();
}

Result<void, Error> Recorder::open(record::RecordingSpec spec) {
  if (auto checked = record::RecordingSession::check(spec); !checked) return checked;
  return post(Command(std::move(spec)));
}

Result<void, Error> Recorder::add_codec(record::RecordingId id, std::uint8_t channel,
                                        record::RecordedCodec codec) {
  return post(Command(AddCodec{id, channel, std::move(codec)}));
}

Result<void, Error> Recorder::close(record::RecordingId id) { return post(Command(Close{id})); }

Result<void, Error> Recorder::post(Command command) {
  if (!commands_.try_push(command)) {
    return failure(Error{ErrorCode::ResourceExhausted, "OVERLOAD", "",
                         "The recorder does not keep up with its commands."});
  }
  signal_->notify();
  return {};
}

Duration Recorder::busy_for(Instant now) const {
  const std::int64_t began = turn_began_ns_.load(std::memory_order_relaxed);
  return began == kResting ? Duration::zero() : now - Instant(Duration(began));
}

// --- the thread --------------------------------------------------------------------------------

void Recorder::run() {
  ::pthread_setname_np(::pthread_self(), "cw-recorder");
  while (!is_stopping_.load(std::memory_order_acquire)) {
    turn();
    rest();
  }
  finish_all();
}

void Recorder::turn() {
  // Before the rings: whatever arrived until now is in one of them, or will be well within the
  // horizon.
  const Instant now = config_.now();
  turn_began_ns_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  take_commands();
  const Instant mark = drain_rings(now);
  for (auto next = recordings_.begin(); next != recordings_.end();) {
    Recording& recording = *next->second;
    advance(recording, mark, now);
    next = is_over(recording, now) ? recordings_.erase(next) : std::next(next);
  }
  open_recordings_.store(recordings_.size(), std::memory_order_relaxed);
  flush_events();
}

void Recorder::rest() {
  turn_began_ns_.store(kResting, std::memory_order_relaxed);
  if (has_more_frames_) return;
  signal_->may_sleep();
  const bool has_reason_to_look = !recordings_.empty() || !waiting_events_.empty();
  if (take_commands() || is_stopping_.load(std::memory_order_acquire)) {
    signal_->is_awake();
    return;
  }
  signal_->wait(has_reason_to_look ? std::optional(config_.look_every) : std::nullopt);
}

bool Recorder::take_commands() {
  bool has_taken = false;
  while (std::optional<Command> command = commands_.try_pop()) {
    has_taken = true;
    if (auto* spec = std::get_if<record::RecordingSpec>(&*command)) {
      take(std::move(*spec));
    } else if (auto* add = std::get_if<AddCodec>(&*command)) {
      if (Recording* const recording = find(add->id)) {
        recording->session.add_codec(add->channel, std::move(add->codec));
      }
    } else if (const auto* close = std::get_if<Close>(&*command)) {
      if (Recording* const recording = find(close->id)) recording->closing_at = config_.now();
    }
  }
  return has_taken;
}

void Recorder::take(record::RecordingSpec spec) {
  const record::RecordingId id = spec.id;
  record::RecordingSession::Options options = config_.session;
  options.ogg_serial = id.raw();
  auto& place = recordings_[id];
  CAUSEWAY_CHECK(place == nullptr, "a recording's id is never used twice");
  place = std::make_unique<Recording>(std::move(spec), options);
  Recording& recording = *place;
  const record::RecordingSpec& kept = recording.session.spec();

  // The metadata first: a recording without its description is worth little.
  const std::string text =
      record::metadata_json(recording.session, config_.wall, record::MetadataState{});
  const std::string path = record::metadata_path(kept.path);
  auto metadata = config_.disk->create(path);
  if (!metadata) return fail(recording, metadata.error());
  if (const auto written = (*metadata)->write_at(0, as_octets(text)); !written) {
    degrade(recording, reason_of(written.error().raw()), written.error().raw());
  }
  auto file = config_.disk->create(kept.path);
  if (!file) {
    (void)config_.disk->remove(path);  // it describes nothing
    return fail(recording, file.error());
  }
  recording.file.emplace(std::move(*file), config_.max_backlog_octets);
  recording.session.begin(writes_);
  recording.octets_told = recording.session.file_octets();
  write_out(recording, config_.now());
}

void Recorder::fail(Recording& recording, io::Errno error) {
  recording.is_failed = true;
  tell(recording, RecordingEventKind::Failed, config_.now(), DegradeReason::CannotOpen,
       error.raw());
}

/// Hands the rings' frames to their recordings. Returns the moment before which no frame can come
/// any more (but for what the workers are about to write).
Instant Recorder::drain_rings(Instant now) {
  Instant mark = now;
  has_more_frames_ = false;
  for (ByteRing* const ring : config_.rings) {
    Instant last = now;
    std::size_t count = 0;
    for (Bytes octets = ring->front(); !octets.empty(); octets = ring->front()) {
      const std::optional<record::Frame> frame = record::read_frame(octets);
      if (frame) {
        last = frame->header.at;
        handle_frame(*frame);
      }
      ring->pop();
      if (++count == kFramesPerTurn) {
        // There may be more, so this ring's time is that of what it has shown.
        mark = std::min(mark, last);
        has_more_frames_ = true;
        break;
      }
    }
  }
  return mark;
}

void Recorder::handle_frame(const record::Frame& frame) {
  if (frame.header.kind == record::FrameKind::ClockMark) return;
  // What was called before the frame was written (open, add_codec) is in the queue by now.
  take_commands();
  Recording* const recording = find(frame.header.recording);
  if (recording == nullptr) {
    stray_frames_.add();
    return;
  }
  if (recording->is_failed) {
    if (frame.header.kind == record::FrameKind::Stop) recording->closing_at = frame.header.at;
    return;
  }
  recording->session.handle_frame(frame);
  if (frame.header.kind == record::FrameKind::Lost) {
    const bool is_going_on = recording->ring_loss_told.has_value();
    recording->ring_loss_told = config_.now();
    if (!is_going_on) degrade(*recording, DegradeReason::RingFull);
  }
  // Not left to the next advance(): a pause may begin and end within one turn.
  tell_changes(*recording, frame.header.at);
}

Recorder::Recording* Recorder::find(record::RecordingId id) {
  const auto found = recordings_.find(id);
  return found == recordings_.end() ? nullptr : found->second.get();
}

void Recorder::advance(Recording& recording, Instant mark, Instant now) {
  if (recording.is_failed) return;
  // Not before everything has been seen that was in a ring by then.
  if (recording.closing_at && mark >= *recording.closing_at) {
    recording.session.finish(mark, writes_);
  } else {
    recording.session.advance(mark, writes_);
  }
  write_out(recording, now);
  if (recording.session.has_undecodable() && !recording.is_unknown_codec_told) {
    recording.is_unknown_codec_told = true;
    degrade(recording, DegradeReason::UnknownCodec);
  }
  tell_ring(recording, now);
  tell_growth(recording, now);
  if (recording.session.state() == record::RecordingSession::State::Done && !recording.done_at) {
    recording.done_at = now;
  }
}

void Recorder::write_out(Recording& recording, Instant now) {
  io::FileWriter& file = *recording.file;
  if (file.has_backlog() && now - recording.last_retry >= kRetryEvery) {
    recording.last_retry = now;
    file.retry();
  }
  for (record::FileWrite& write : writes_) file.write(write.offset, std::move(write.octets));
  writes_.clear();
  tell_disk(recording);
}

void Recorder::tell_changes(Recording& recording, Instant at) {
  using State = record::RecordingSession::State;
  const State state = recording.session.state();
  const State told = std::exchange(recording.told_state, state);
  if (state == told) return;
  if (told == State::Waiting && state == State::Recording) {
    tell(recording, RecordingEventKind::Started, *recording.session.started_at());
  } else if (state == State::Paused) {
    tell(recording, RecordingEventKind::Paused, at);
  } else if (told == State::Paused && state == State::Recording) {
    tell(recording, RecordingEventKind::Resumed, at);
  }
}

void Recorder::tell_disk(Recording& recording) {
  const std::optional<io::Errno> trouble = recording.file->trouble();
  if (trouble && !recording.is_disk_in_trouble) {
    recording.is_disk_in_trouble = true;
    recording.disk_reason = reason_of(trouble->raw());
    recording.last_retry = config_.now();
    degrade(recording, recording.disk_reason, trouble->raw());
  } else if (!trouble && recording.is_disk_in_trouble) {
    recording.is_disk_in_trouble = false;
    // Told again should it happen again; the metadata keeps that it happened.
    tell(recording, RecordingEventKind::Recovered, config_.now(), recording.disk_reason);
  }
}

void Recorder::tell_ring(Recording& recording, Instant now) {
  if (!recording.ring_loss_told || now - *recording.ring_loss_told < record::kRingCalm) return;
  recording.ring_loss_told.reset();
  tell(recording, RecordingEventKind::Recovered, now, DegradeReason::RingFull);
}

void Recorder::tell_growth(Recording& recording, Instant now) {
  const std::uint64_t octets = recording.session.file_octets();
  if (octets == recording.octets_told || now - recording.growth_told < kTellGrowthEvery) return;
  // Nobody needs it late: what waits for its reader is what must not be lost.
  if (!waiting_events_.empty()) return;
  recording.octets_told = octets;
  recording.growth_told = now;
  tell(recording, RecordingEventKind::Grown, now);
}

void Recorder::degrade(Recording& recording, DegradeReason reason, int system_error) {
  auto& known = recording.degraded;
  if (std::find(known.begin(), known.end(), reason) == known.end()) known.push_back(reason);
  tell(recording, RecordingEventKind::Degraded, config_.now(), reason, system_error);
}

bool Recorder::is_over(Recording& recording, Instant now) {
  if (recording.is_failed) return recording.closing_at.has_value();
  if (!recording.done_at) return false;
  if (recording.file->has_backlog() && now - *recording.done_at < config_.give_up_after) {
    return false;
  }
  end(recording);
  return true;
}

void Recorder::end(Recording& recording) {
  const bool has_begun = recording.session.started_at().has_value();
  if (has_begun) {
    write_metadata(recording, "stopped");
  } else {
    remove_files(recording);
  }
  tell(recording, RecordingEventKind::Stopped,
       has_begun ? recording.session.ends_at() : config_.now());
}

/// Nobody will ask for a recording that never began, and its name is to be free for the next try.
void Recorder::remove_files(const Recording& recording) {
  const std::string& path = recording.session.spec().path;
  (void)config_.disk->remove(path);
  (void)config_.disk->remove(record::metadata_path(path));
}

bool Recorder::write_metadata(Recording& recording, std::string_view state) {
  record::MetadataState told;
  told.state = state;
  told.degraded = recording.degraded;
  if (recording.file) {
    told.dropped_octets = recording.file->dropped_octets() + recording.file->backlog_octets();
  }
  const std::string text = record::metadata_json(recording.session, config_.wall, told);
  const std::string path = record::metadata_path(recording.session.spec().path);
  const auto done = config_.disk->replace(path, as_octets(text));
  if (!done) degrade(recording, reason_of(done.error().raw()), done.error().raw());
  return done.has_value();
}

void Recorder::tell(const Recording& recording, RecordingEventKind kind, Instant at,
                    DegradeReason reason, int system_error) {
  record::RecordingEvent event;
  event.id = recording.session.spec().id;
  event.kind = kind;
  event.reason = reason;
  event.at = at;
  event.system_error = system_error;
  event.octets = recording.file ? recording.session.file_octets() : 0;
  event.duration = recording.session.duration();
  const record::ChannelCounts counts = recording.session.total_counts();
  event.lost_packets = counts.ring_lost;
  event.late_packets = counts.streams.late;
  event.dropped_octets = recording.file ? recording.file->dropped_octets() : 0;
  waiting_events_.push_back(event);
  flush_events();
}

void Recorder::flush_events() {
  bool has_told = false;
  while (!waiting_events_.empty() && events_.try_push(waiting_events_.front())) {
    waiting_events_.pop_front();
    has_told = true;
  }
  if (has_told) reader_.notify();
}

void Recorder::finish_all() {
  const Instant now = config_.now();
  take_commands();
  do {
    const Instant mark = drain_rings(now);
    for (auto& [id, recording] : recordings_) advance(*recording, mark, now);
  } while (has_more_frames_);
  for (auto& [id, recording] : recordings_) {
    if (recording->is_failed) continue;
    recording->session.finish(now, writes_);
    recording->file->retry();
    write_out(*recording, now);
    end(*recording);
  }
  recordings_.clear();
  open_recordings_.store(0, std::memory_order_relaxed);
  flush_events();
}

}  // namespace causeway::worker
