#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "causeway/v1/event_service.pb.h"
#include "causeway/v1/recording.pb.h"
#include "control/errors.h"
#include "control/mutex.h"
#include "control/session_state.h"
#include "relay/engine/tap.h"
#include "relay/record/spec.h"

namespace causeway::control {

/// What a request asks to record, settled: the numbers of its legs, not yet that of the recording.
struct RecordingRequest {
  std::string id;
  struct Channel {
    std::uint16_t leg = 0;
    std::string leg_id;
    std::vector<engine::CodecSpec> codecs;
  };
  std::vector<Channel> channels;
  engine::RecordTap::Point point = engine::RecordTap::Point::AsReceived;
  record::Container container = record::Container::WavPcm;
  record::PauseMode pause_mode = record::PauseMode::Silence;
  bool is_whole_session = false;
};

/// The settings of a recording: everything but its legs. Errors: FIELD_INVALID.
[[nodiscard]] Answer<RecordingRequest> translate_recording(const v1::Recording& recording,
                                                           const Field& field);
/// Gives it its channels. Errors: STAGE_ABSENT (more than two), CODEC_UNSUPPORTED (OGG_OPUS of
/// anything but one leg with opus), LEG_NOT_FOUND (none).
[[nodiscard]] Answer<void> set_channels(RecordingRequest& request,
                                        std::vector<const LegState*> legs, const Field& field);
/// What a recording of the whole session is of.
[[nodiscard]] std::vector<const LegState*> legs_with_sound(SessionState& session)
    CAUSEWAY_REQUIRES(session.data);
/// How the recorder understands a leg's codecs.
[[nodiscard]] std::vector<record::RecordedCodec> recorded_codecs(
    const std::vector<engine::CodecSpec>& codecs);

/// Every recording of the node, those that have ended included (the last 10,000), and what the
/// recorder says of them. Any thread.
class Recordings {
 public:
  static constexpr std::size_t kMaxEnded = 10'000;

  /// Publishes an event of a session: its id, and labels for a session that is gone.
  using Publish = std::function<void(const std::string& session,
                                     const google::protobuf::Map<std::string, std::string>& labels,
                                     v1::Event event)>;
  /// Told when a recording of a session has ended.
  using Ended = std::function<void(const std::string& session)>;

  Recordings(std::string folder, Publish publish, Ended ended)
      : folder_(std::move(folder)), publish_(std::move(publish)), ended_(std::move(ended)) {}

  /// Enters a recording, before it is opened; what the recorder needs of it. Errors: ID_TAKEN.
  [[nodiscard]] Answer<record::RecordingSpec> add(
      const std::string& session, const google::protobuf::Map<std::string, std::string>& labels,
      const RecordingRequest& request, Duration now_unix);
  /// Takes back one that was never started.
  void discard(const std::string& session, const std::string& id);

  [[nodiscard]] bool is_taken(const std::string& session, const std::string& id) const;
  /// Nothing where there is none.
  [[nodiscard]] std::optional<v1::Recording> get(const std::string& session,
                                                 const std::string& id) const;
  struct Listed {
    std::uint64_t order = 0;
    v1::Recording recording;
  };
  /// In the order of creation, those after `order`; empty session: of all.
  [[nodiscard]] std::vector<Listed> list(const std::string& session, std::uint64_t after,
                                         std::size_t limit) const;
  [[nodiscard]] std::optional<record::RecordingId> number(const std::string& session,
                                                          const std::string& id) const;
  /// Numbers of those of a session that have not ended.
  [[nodiscard]] std::vector<record::RecordingId> running(const std::string& session) const;
  [[nodiscard]] bool is_running(const std::string& session, const std::string& id) const;
  [[nodiscard]] std::size_t running_count() const;
  /// The taps that a recording has on its legs.
  [[nodiscard]] std::vector<std::uint16_t> legs_of(const std::string& session,
                                                   const std::string& id) const;
  [[nodiscard]] std::optional<std::uint8_t> channel_of(const std::string& session,
                                                       const std::string& id,
                                                       std::uint16_t leg) const;

  /// What a caller has done, at once; the recorder's word follows with the event. Errors:
  /// RECORDING_NOT_FOUND, RECORDING_STATE (it has ended).
  [[nodiscard]] Answer<void> set_paused(const std::string& session, const std::string& id,
                                        bool is_paused);

  /// What the recorder says, and the time of day of `event.at`; on the pump.
  void on_event(const record::RecordingEvent& event, Duration at_unix);
  /// A worker had no room in its ring; on the pump.
  void on_overrun(record::RecordingId recording, std::uint64_t lost_packets, Duration at_unix);
  /// The recorder hangs, in a disk most likely, or does so no more; on the pump.
  void on_recorder_slow(bool is_slow, Duration at_unix);

  /// Waits until the recorder has begun to write, at most `timeout`. Errors: RECORDER_UNAVAILABLE
  /// (it has failed).
  [[nodiscard]] Answer<void> wait_started(const std::string& session, const std::string& id,
                                          Duration timeout);
  /// Waits until all these have ended, at most `timeout`.
  void wait_ended(const std::vector<record::RecordingId>& recordings, Duration timeout);

 private:
  struct Entry {
    std::uint64_t order = 0;
    record::RecordingId number;
    std::string session;
    google::protobuf::Map<std::string, std::string> labels;
    RecordingRequest request;
    v1::Recording shown;
    Etag etag;
    bool has_started = false;
    bool is_ring_full = false;
    bool is_recorder_slow = false;
    int system_error = 0;  ///< Why it has failed.
    bool has_ended = false;
  };
  using Key = std::pair<std::string, std::string>;

  [[nodiscard]] Entry* find(const std::string& session, const std::string& id)
      CAUSEWAY_REQUIRES(mutex_);
  [[nodiscard]] const Entry* find(const std::string& session, const std::string& id) const
      CAUSEWAY_REQUIRES(mutex_);
  [[nodiscard]] Entry* find(record::RecordingId number) CAUSEWAY_REQUIRES(mutex_);
  [[nodiscard]] std::optional<v1::RecordingTransition> apply(const record::RecordingEvent& event,
                                                             Entry& entry, Duration at_unix)
      CAUSEWAY_REQUIRES(mutex_);
  void end(Entry& entry, v1::RecordingState state, Duration at_unix) CAUSEWAY_REQUIRES(mutex_);
  /// An event that is to be published without the lock.
  struct Told {
    std::string session;
    google::protobuf::Map<std::string, std::string> labels;
    v1::Event event;
  };
  [[nodiscard]] static Told told(const Entry& entry, v1::RecordingTransition transition,
                                 Duration at_unix);
  [[nodiscard]] static v1::Recording show(const Entry& entry);
  void forget_old() CAUSEWAY_REQUIRES(mutex_);

  const std::string folder_;
  const Publish publish_;
  const Ended ended_;

  mutable Mutex mutex_;
  Condition changed_;
  std::uint32_t next_number_ CAUSEWAY_GUARDED_BY(mutex_) = 1;
  std::map<std::uint64_t, std::unique_ptr<Entry>> by_order_ CAUSEWAY_GUARDED_BY(mutex_);
  std::map<Key, Entry*> by_name_ CAUSEWAY_GUARDED_BY(mutex_);
  std::unordered_map<std::uint32_t, Entry*> by_number_ CAUSEWAY_GUARDED_BY(mutex_);
  std::size_t running_ CAUSEWAY_GUARDED_BY(mutex_) = 0;
};

}  // namespace causeway::control
