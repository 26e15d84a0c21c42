#include "control/recordings.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "control/names.h"
#include "control/proto_time.h"
#include "control/translate_codec.h"
#include "relay/base/text.h"
#include "relay/engine/planner.h"

namespace causeway::control {

namespace {

using engine::RecordTap;

constexpr std::size_t kMaxChannels = 2;

std::string extension_of(record::Container container) {
  return container == record::Container::OggOpus ? ".opus" : ".wav";
}

v1::RecordingPoint show_point(RecordTap::Point point) {
  return point == RecordTap::Point::AsSent ? v1::RECORDING_POINT_AS_SENT
                                           : v1::RECORDING_POINT_AS_RECEIVED;
}

bool has_opus(const std::vector<engine::CodecSpec>& codecs) {
  return std::ranges::any_of(codecs, [](const engine::CodecSpec& codec) {
    return equal_ignoring_case(codec.encoding_name, "opus");
  });
}

}  // namespace

Answer<RecordingRequest> translate_recording(const v1::Recording& recording, const Field& field) {
  RecordingRequest request;
  switch (recording.point()) {
    case v1::RECORDING_POINT_UNSPECIFIED:
    case v1::RECORDING_POINT_AS_RECEIVED:
      break;
    case v1::RECORDING_POINT_AS_SENT:
      request.point = RecordTap::Point::AsSent;
      break;
    default:
      return failure(invalid(Field{"point", &field}, "This is no side to record."));
  }
  switch (recording.format()) {
    case v1::RECORDING_FORMAT_UNSPECIFIED:
    case v1::RECORDING_FORMAT_WAV_PCM:
      break;
    case v1::RECORDING_FORMAT_OGG_OPUS:
      request.container = record::Container::OggOpus;
      break;
    default:
      return failure(invalid(Field{"format", &field}, "This is no format of a recording."));
  }
  switch (recording.pause_mode()) {
    case v1::RECORDING_PAUSE_MODE_UNSPECIFIED:
    case v1::RECORDING_PAUSE_MODE_SILENCE:
      break;
    case v1::RECORDING_PAUSE_MODE_CUT:
      request.pause_mode = record::PauseMode::Cut;
      break;
    default:
      return failure(invalid(Field{"pause_mode", &field}, "This is no mode of pausing."));
  }
  return request;
}

Answer<void> set_channels(RecordingRequest& request, std::vector<const LegState*> legs,
                          const Field& field) {
  if (legs.empty()) {
    return failure(field_error("LEG_NOT_FOUND", field, "There is no leg to record."));
  }
  if (legs.size() > kMaxChannels) return failure(absent_feature("Recording of more than two legs"));
  if (request.container == record::Container::OggOpus &&
      (legs.size() != 1 || !has_opus(legs.front()->asked.spec.codecs))) {
    return failure(field_error("CODEC_UNSUPPORTED", Field{"format", &field},
                               "OGG_OPUS is for a single leg that has opus."));
  }
  for (const LegState* leg : legs) {
    if (!leg->carries_sound()) {
      return failure(field_error("CODEC_UNSUPPORTED", field, "The leg has no sound to record."));
    }
    request.channels.push_back({leg->number, leg->id(), leg->asked.spec.codecs});
  }
  return {};
}

std::vector<const LegState*> legs_with_sound(SessionState& session) {
  std::vector<const LegState*> legs;
  for (const LegState& leg : session.legs) {
    if (leg.carries_sound()) legs.push_back(&leg);
  }
  return legs;
}

std::vector<record::RecordedCodec> recorded_codecs(const std::vector<engine::CodecSpec>& codecs) {
  std::vector<record::RecordedCodec> recorded;
  for (const engine::CodecSpec& codec : codecs.empty() ? static_codecs() : codecs) {
    const bool is_sound = codec.kind != engine::MediaKind::Video &&
                          codec.kind != engine::MediaKind::Retransmission &&
                          codec.kind != engine::MediaKind::Other;
    if (!is_sound) continue;
    // A leg that names no codecs hardly ever sends CD audio, and the file's rate would follow it.
    if (codecs.empty() && codec.encoding_name == "L16") continue;
    record::RecordedCodec line;
    line.type = codec.payload_type;
    line.clock = codec.clock;
    line.name = codec.encoding_name + "/" + std::to_string(codec.clock.raw());
    if (codec.channels > 1) line.name += "/" + std::to_string(codec.channels);
    if (codec.kind == engine::MediaKind::TelephoneEvent) {
      line.kind = record::PayloadKind::TelephoneEvent;
    } else if (codec.kind == engine::MediaKind::ComfortNoise) {
      line.kind = record::PayloadKind::ComfortNoise;
    } else if (const auto known = engine::codec_of(codec)) {
      line.codec = *known;
    } else {
      line.kind = record::PayloadKind::Opaque;
    }
    recorded.push_back(line);
    if (codec.sent_as) recorded.emplace_back(std::move(line)).type = *codec.sent_as;
  }
  return recorded;
}

Answer<record::RecordingSpec> Recordings::add(
    const std::string& session, const google::protobuf::Map<std::string, std::string>& labels,
    const RecordingRequest& request, Duration now_unix) {
  auto entry = std::make_unique<Entry>();
  entry->session = session;
  entry->labels = labels;
  entry->request = request;

  record::RecordingSpec spec;
  spec.name = child_name(session, ChildKind::Recording, request.id);
  spec.path = session + "/" + request.id + extension_of(request.container);
  spec.container = request.container;
  spec.pause_mode = request.pause_mode;
  v1::Recording& shown = entry->shown;
  shown.set_name(spec.name);
  shown.set_state(v1::RECORDING_STATE_RECORDING);
  for (const auto& channel : request.channels) {
    const std::string leg = child_name(session, ChildKind::Leg, channel.leg_id);
    spec.channels.push_back({leg, recorded_codecs(channel.codecs)});
    v1::RecordingChannel& out = *shown.add_channels();
    out.set_leg(leg);
    out.set_point(show_point(request.point));
  }
  spec.rate = record::recording_rate(spec.channels);
  if (!request.is_whole_session && request.channels.size() == 1) {
    shown.set_leg(shown.channels(0).leg());
  }
  shown.set_point(show_point(request.point));
  shown.set_format(request.container == record::Container::OggOpus ? v1::RECORDING_FORMAT_OGG_OPUS
                                                                   : v1::RECORDING_FORMAT_WAV_PCM);
  shown.set_pause_mode(request.pause_mode == record::PauseMode::Cut
                           ? v1::RECORDING_PAUSE_MODE_CUT
                           : v1::RECORDING_PAUSE_MODE_SILENCE);
  shown.set_uri("file://" + folder_ + "/" + spec.path);
  shown.set_sample_rate(request.container == record::Container::OggOpus ? 48'000 : spec.rate.raw());
  set(*shown.mutable_create_time(), now_unix);

  const Lock lock(mutex_);
  const auto [place, is_new] = by_name_.try_emplace(Key(session, request.id), entry.get());
  if (!is_new) return failure(id_taken(Field("recording_id"), spec.name));
  spec.id = record::RecordingId(next_number_++);
  entry->number = spec.id;
  entry->order = spec.id.raw();
  by_number_[spec.id.raw()] = entry.get();
  by_order_[entry->order] = std::move(entry);
  ++running_;
  return spec;
}

void Recordings::discard(const std::string& session, const std::string& id) {
  const Lock lock(mutex_);
  Entry* entry = find(session, id);
  if (entry == nullptr) return;
  if (!entry->has_ended) --running_;
  by_name_.erase(Key(session, id));
  by_number_.erase(entry->number.raw());
  by_order_.erase(entry->order);
}

Recordings::Entry* Recordings::find(const std::string& session, const std::string& id) {
  const auto found = by_name_.find(Key(session, id));
  return found == by_name_.end() ? nullptr : found->second;
}
const Recordings::Entry* Recordings::find(const std::string& session, const std::string& id) const {
  const auto found = by_name_.find(Key(session, id));
  return found == by_name_.end() ? nullptr : found->second;
}
Recordings::Entry* Recordings::find(record::RecordingId number) {
  const auto found = by_number_.find(number.raw());
  return found == by_number_.end() ? nullptr : found->second;
}

v1::Recording Recordings::show(const Entry& entry) {
  v1::Recording out = entry.shown;
  out.set_etag(entry.etag.text());
  return out;
}

bool Recordings::is_taken(const std::string& session, const std::string& id) const {
  const Lock lock(mutex_);
  return find(session, id) != nullptr;
}

std::optional<v1::Recording> Recordings::get(const std::string& session,
                                             const std::string& id) const {
  const Lock lock(mutex_);
  const Entry* entry = find(session, id);
  return entry == nullptr ? std::nullopt : std::optional(show(*entry));
}

std::vector<Recordings::Listed> Recordings::list(const std::string& session, std::uint64_t after,
                                                 std::size_t limit) const {
  const Lock lock(mutex_);
  std::vector<Listed> listed;
  for (auto at = by_order_.upper_bound(after); at != by_order_.end() && listed.size() < limit;
       ++at) {
    const Entry& entry = *at->second;
    if (session.empty() || entry.session == session) listed.push_back({at->first, show(entry)});
  }
  return listed;
}

std::optional<record::RecordingId> Recordings::number(const std::string& session,
                                                      const std::string& id) const {
  const Lock lock(mutex_);
  const Entry* entry = find(session, id);
  return entry == nullptr ? std::nullopt : std::optional(entry->number);
}

std::vector<record::RecordingId> Recordings::running(const std::string& session) const {
  const Lock lock(mutex_);
  std::vector<record::RecordingId> numbers;
  for (auto at = by_name_.lower_bound(Key(session, "")); at != by_name_.end(); ++at) {
    if (at->first.first != session) break;
    if (!at->second->has_ended) numbers.push_back(at->second->number);
  }
  return numbers;
}

bool Recordings::is_running(const std::string& session, const std::string& id) const {
  const Lock lock(mutex_);
  const Entry* entry = find(session, id);
  return entry != nullptr && !entry->has_ended;
}

std::size_t Recordings::running_count() const {
  const Lock lock(mutex_);
  return running_;
}

std::vector<std::uint16_t> Recordings::legs_of(const std::string& session,
                                               const std::string& id) const {
  const Lock lock(mutex_);
  std::vector<std::uint16_t> legs;
  if (const Entry* entry = find(session, id)) {
    for (const auto& channel : entry->request.channels) legs.push_back(channel.leg);
  }
  return legs;
}

std::optional<std::uint8_t> Recordings::channel_of(const std::string& session,
                                                   const std::string& id, std::uint16_t leg) const {
  const Lock lock(mutex_);
  const Entry* entry = find(session, id);
  if (entry == nullptr || entry->has_ended) return std::nullopt;
  const auto& channels = entry->request.channels;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (channels[i].leg == leg) return static_cast<std::uint8_t>(i);
  }
  return std::nullopt;
}

Answer<void> Recordings::set_paused(const std::string& session, const std::string& id,
                                    bool is_paused) {
  const Lock lock(mutex_);
  Entry* entry = find(session, id);
  if (entry == nullptr) return failure(no_recording(session, id));
  if (entry->has_ended) {
    return failure(api_error("RECORDING_STATE", "The recording has ended."));
  }
  const auto state = is_paused ? v1::RECORDING_STATE_PAUSED : v1::RECORDING_STATE_RECORDING;
  if (entry->shown.state() != state) entry->etag.change();
  entry->shown.set_state(state);
  return {};
}

// -------------------------------------------------------------------- what the recorder says

void Recordings::end(Entry& entry, v1::RecordingState state, Duration at_unix) {
  if (entry.has_ended) return;
  entry.has_ended = true;
  --running_;
  entry.shown.set_state(state);
  set(*entry.shown.mutable_end_time(), at_unix);
  entry.etag.change();
}

Recordings::Told Recordings::told(const Entry& entry, v1::RecordingTransition transition,
                                  Duration at_unix) {
  Told out{entry.session, entry.labels, {}};
  set(*out.event.mutable_time(), at_unix);
  out.event.mutable_recording_state()->set_transition(transition);
  *out.event.mutable_recording_state()->mutable_recording() = show(entry);
  return out;
}

/// Nothing where there is nothing to tell.
std::optional<v1::RecordingTransition> Recordings::apply(const record::RecordingEvent& event,
                                                         Entry& entry, Duration at_unix) {
  using Kind = record::RecordingEventKind;
  v1::Recording& shown = entry.shown;
  shown.set_size_octets(event.octets);
  if (event.duration != Duration::zero()) set(*shown.mutable_duration(), event.duration);
  shown.set_lost_packets(std::max(shown.lost_packets(), event.lost_packets));
  shown.set_late_packets(event.late_packets);
  shown.set_lost_octets(event.dropped_octets);
  const bool is_ring = event.reason == record::DegradeReason::RingFull;
  switch (event.kind) {
    case Kind::Started:
      entry.has_started = true;
      set(*shown.mutable_start_time(), at_unix);
      return v1::RECORDING_TRANSITION_STARTED;
    case Kind::Grown:
      return std::nullopt;
    case Kind::Paused:
      return v1::RECORDING_TRANSITION_PAUSED;
    case Kind::Resumed:
      return v1::RECORDING_TRANSITION_RESUMED;
    case Kind::Degraded:
      shown.set_degraded_reason(std::string(record::name_of(event.reason)));
      // The worker has said so already.
      if (is_ring && std::exchange(entry.is_ring_full, true)) return std::nullopt;
      return v1::RECORDING_TRANSITION_DEGRADED;
    case Kind::Recovered:
      if (is_ring) entry.is_ring_full = false;
      return v1::RECORDING_TRANSITION_RECOVERED;
    case Kind::Stopped:
      end(entry, v1::RECORDING_STATE_STOPPED, at_unix);
      return v1::RECORDING_TRANSITION_STOPPED;
    case Kind::Failed:
      shown.set_degraded_reason(std::string(record::name_of(event.reason)));
      entry.system_error = event.system_error;
      end(entry, v1::RECORDING_STATE_FAILED, at_unix);
      return v1::RECORDING_TRANSITION_FAILED;
  }
  return std::nullopt;
}

void Recordings::on_event(const record::RecordingEvent& event, Duration at_unix) {
  Told out;
  bool has_ended = false;
  {
    const Lock lock(mutex_);
    Entry* entry = find(event.id);
    if (entry == nullptr) return;
    const auto transition = apply(event, *entry, at_unix);
    changed_.notify_all();
    if (!transition) return;
    out = told(*entry, *transition, at_unix);
    has_ended = entry->has_ended;
    if (has_ended) forget_old();
  }
  publish_(out.session, out.labels, std::move(out.event));
  if (has_ended) ended_(out.session);
}

void Recordings::on_overrun(record::RecordingId recording, std::uint64_t lost_packets,
                            Duration at_unix) {
  Told out;
  {
    const Lock lock(mutex_);
    Entry* entry = find(recording);
    if (entry == nullptr || entry->has_ended) return;
    v1::Recording& shown = entry->shown;
    shown.set_lost_packets(std::max(shown.lost_packets(), lost_packets));
    shown.set_degraded_reason(std::string(record::name_of(record::DegradeReason::RingFull)));
    if (std::exchange(entry->is_ring_full, true)) return;
    out = told(*entry, v1::RECORDING_TRANSITION_DEGRADED, at_unix);
  }
  publish_(out.session, out.labels, std::move(out.event));
}

void Recordings::on_recorder_slow(bool is_slow, Duration at_unix) {
  std::vector<Told> all;
  {
    const Lock lock(mutex_);
    for (auto& [order, entry] : by_order_) {
      if (entry->has_ended || entry->is_recorder_slow == is_slow) continue;
      entry->is_recorder_slow = is_slow;
      if (is_slow) {
        entry->shown.set_degraded_reason(
            std::string(record::name_of(record::DegradeReason::RecorderSlow)));
      }
      all.push_back(told(
          *entry, is_slow ? v1::RECORDING_TRANSITION_DEGRADED : v1::RECORDING_TRANSITION_RECOVERED,
          at_unix));
    }
  }
  for (Told& out : all) publish_(out.session, out.labels, std::move(out.event));
}

void Recordings::forget_old() {
  std::size_t ended = by_order_.size() - running_;
  for (auto at = by_order_.begin(); at != by_order_.end() && ended > kMaxEnded;) {
    const Entry& entry = *at->second;
    if (!entry.has_ended) {
      ++at;
      continue;
    }
    by_name_.erase(Key(entry.session, entry.request.id));
    by_number_.erase(entry.number.raw());
    at = by_order_.erase(at);
    --ended;
  }
}

Answer<void> Recordings::wait_started(const std::string& session, const std::string& id,
                                      Duration timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const Lock lock(mutex_);
  for (;;) {
    const Entry* entry = find(session, id);
    if (entry != nullptr && entry->has_started) return {};
    if (entry == nullptr || entry->has_ended) {
      std::string what = "The recording's file could not be made";
      if (entry != nullptr && entry->system_error != 0) {
        what += ": " + std::generic_category().message(entry->system_error);
      }
      return failure(api_error("RECORDER_UNAVAILABLE", what + "."));
    }
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= Duration::zero()) return {};  // late, but nothing is known to be wrong
    changed_.wait_for(mutex_, left);
  }
}

void Recordings::wait_ended(const std::vector<record::RecordingId>& recordings, Duration timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const Lock lock(mutex_);
  for (const record::RecordingId number : recordings) {
    for (;;) {
      const Entry* entry = find(number);
      if (entry == nullptr || entry->has_ended) break;
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left <= Duration::zero()) return;
      changed_.wait_for(mutex_, left);
    }
  }
}

}  // namespace causeway::control
