#include "relay/media/transcoder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "codecs/comfort_noise.h"
#include "relay/base/check.h"
#include "relay/media/audio_flow.h"
#include "relay/media/event_tracker.h"
#include "relay/media/event_writer.h"
#include "relay/media/reorder_window.h"
#include "relay/media/sending.h"

namespace causeway::media {
namespace {

// DESIGN.md section 3: a step of the timestamps that the arrivals do not show.
constexpr Duration kMostJump = std::chrono::seconds(2);
// RFC 3550 A.1, MAX_DROPOUT: more sequence numbers at once are a restart.
constexpr int kMaxDropout = 3000;

enum class Kind : std::uint8_t { Unknown, Audio, Event, Noise };

// What a payload type of the sender's is.
struct Role {
  Kind kind = Kind::Unknown;
  std::uint8_t input = 0;  // of Audio
  RtpClockRate clock{8000};
};

Duration magnitude(Duration span) { return span < Duration(0) ? -span : span; }

std::int64_t scaled(std::int64_t ticks, RtpClockRate from, RtpClockRate to) {
  return ticks * to.raw() / from.raw();
}

}  // namespace

struct Transcoder::Parts {
  Parts(AudioFlow made, const Config& config);

  void handle_packet(const Sending& sending, wire::OpenRtp packet);
  void handle_timeout(const Sending& sending);
  void stand_by(const Sending& sending);
  [[nodiscard]] std::optional<Instant> next_timeout() const;
  void take_over(Parts& old);

  // Sequence: which packet's turn it is.
  void restart(const Sending& sending, const wire::OpenRtp& first);
  [[nodiscard]] bool is_discontinuity(Instant now, const wire::OpenRtp& packet, Role role) const;
  [[nodiscard]] bool counts_anew(Instant now, const wire::OpenRtp& packet);
  [[nodiscard]] bool is_sound(const wire::OpenRtp& packet, Role role) const;
  void arrange(const Sending& sending, wire::OpenRtp packet);
  void release(const Sending& sending);
  void release_in_turn(const Sending& sending);
  void deliver(const Sending& sending, const wire::OpenRtp& packet);

  // telephone-events.
  void handle_event(const Sending& sending, const wire::OpenRtp& packet, Role role);
  void begin_event(const Sending& sending, const TrackedEvent& event);
  void end_event(const Sending& sending, const TrackedEvent& event);
  /// What is left of an event's end goes before any sound.
  void repeat_end(const Sending& sending) {
    if (writer) writer->flush(sending);
  }
  [[nodiscard]] RtpTimestamp event_start(const Sending& sending, const TrackedEvent& event);
  [[nodiscard]] bool is_on_timeline(Instant now, RtpTimestamp timestamp, RtpClockRate clock) const;
  [[nodiscard]] bool is_writing() const { return writer && writer->is_active(); }
  void suppress() { flow.sender().set_suppressed(is_suppressed || is_writing()); }
  [[nodiscard]] RtpClockRate out_clock() const { return flow.sender().config().clock; }

  std::array<Role, 128> roles{};
  AudioFlow flow;
  ReorderWindow window;
  EventTracker tracker;
  std::optional<EventWriter> writer;
  bool has_written = false;  // an event
  RtpTimestamp sound_until;  // when the event began
  bool is_suppressed = false;
  std::optional<Ssrc> ssrc;
  std::optional<SeqNum> refused;  // the last packet, if it was too late or a duplicate
  Instant accepted_at{};          // when one was neither
  TranscoderCounters counters;
};

Transcoder::Parts::Parts(AudioFlow made, const Config& config) : flow(std::move(made)) {
  const auto assign = [this](PayloadType type, Role role) {
    CAUSEWAY_CHECK(type.raw() < roles.size() && roles[type.raw()].kind == Kind::Unknown,
                   "each payload type is one thing");
    CAUSEWAY_CHECK(role.clock.raw() > 0, "a clock that runs");
    roles[type.raw()] = role;
  };
  for (std::size_t i = 0; i < config.inputs.size(); ++i) {
    const Input& input = config.inputs[i];
    assign(input.payload_type, {Kind::Audio, static_cast<std::uint8_t>(i), input.clock});
  }
  for (const Signal& event : config.events) {
    assign(event.payload_type, {Kind::Event, 0, event.clock});
  }
  for (const Signal& noise : config.noises) {
    assign(noise.payload_type, {Kind::Noise, 0, noise.clock});
  }
  const Output& out = config.output;
  if (out.event_payload_type) {
    writer.emplace(EventWriter::Config{*out.event_payload_type, out.clock, out.ptime});
  }
}

void Transcoder::Parts::handle_packet(const Sending& sending, wire::OpenRtp packet) {
  const Role role = roles[packet.payload_type().raw()];
  if (role.kind == Kind::Unknown) {
    ++counters.unknown_payload_type;
    return;
  }
  if (!is_sound(packet, role)) {
    ++counters.bad_payload;
    return;
  }
  const bool is_anew = counts_anew(sending.now, packet);
  if (is_anew || is_discontinuity(sending.now, packet, role)) restart(sending, packet);
  window.relax(sending.now);
  if (role.kind == Kind::Event) {
    handle_event(sending, packet, role);
    return;
  }
  arrange(sending, std::move(packet));
}

// Whether its payload holds what it should. What is refused here leaves a gap, as if it were lost.
bool Transcoder::Parts::is_sound(const wire::OpenRtp& packet, Role role) const {
  switch (role.kind) {
    case Kind::Audio:
      return flow.inputs()[role.input].decoder->samples_in(packet.payload()).has_value();
    case Kind::Event:
      return wire::TelephoneEvent::parse(packet.payload()).has_value();
    case Kind::Noise:
      return codecs::NoiseModel::parse(packet.payload()).has_value();
    case Kind::Unknown:
      break;
  }
  return false;
}

bool Transcoder::Parts::is_discontinuity(Instant now, const wire::OpenRtp& packet,
                                         Role role) const {
  if (ssrc != packet.ssrc()) return true;
  const ReorderWindow::Place place = window.place_of(packet.seq());
  if (packet.seq().distance_from(window.next()) > kMaxDropout) return true;
  if (role.kind != Kind::Audio || !flow.is_running()) return false;
  if (place == ReorderWindow::Place::Duplicate) return false;
  if (role.clock != flow.arrivals().clock()) return place != ReorderWindow::Place::Late;
  const bool is_new_sound = packet.timestamp().distance_from(flow.filled_until()) >= 0;
  // A sender that counts anew from a lower number: its sound is new, its number is not.
  if (place == ReorderWindow::Place::Late) return is_new_sound;
  return magnitude(now - flow.arrivals().expected(packet.timestamp())) > kMostJump;
}

// A sender that restarted under its old SSRC, a little behind in sequence numbers and timestamps:
// each packet alone could be an old one, but two in sequence while nothing else comes are not. The
// rule of rtp::OutputStream, after RFC 3550 A.1.
bool Transcoder::Parts::counts_anew(Instant now, const wire::OpenRtp& packet) {
  using enum ReorderWindow::Place;
  const ReorderWindow::Place place = window.place_of(packet.seq());
  if (ssrc != packet.ssrc() || place == Next || place == Ahead) {
    refused.reset();
    accepted_at = now;
    return false;
  }
  const bool continues = refused && packet.seq() == refused->plus(1);
  refused = packet.seq();
  return continues && now - accepted_at >= rtp::OutputStream::kStragglerGuard;
}

void Transcoder::Parts::restart(const Sending& sending, const wire::OpenRtp& first) {
  if (ssrc) ++counters.discontinuities;
  stand_by(sending);
  ssrc = first.ssrc();
  refused.reset();
  accepted_at = sending.now;
  window.restart(first.seq());
  flow.restart(sending);
}

void Transcoder::Parts::stand_by(const Sending& sending) {
  if (!ssrc) return;
  while (window.has_held()) release(sending);
  if (const auto event = tracker.finish()) end_event(sending, *event);
  repeat_end(sending);
  flow.stop(sending);
  ssrc.reset();
}

void Transcoder::Parts::arrange(const Sending& sending, wire::OpenRtp packet) {
  using enum ReorderWindow::Place;
  const Role role = roles[packet.payload_type().raw()];
  const ReorderWindow::Place place = window.place_of(packet.seq());
  if (place == Duplicate) {
    ++counters.duplicate;
    return;
  }
  if (role.kind == Kind::Audio && flow.is_running() && role.clock == flow.arrivals().clock()) {
    flow.observe(packet.timestamp(), sending.now);
  }
  if (place == Late) {
    ++counters.late;
    window.take_late(packet.seq(), sending.now, flow.most_wait());
    return;
  }
  if (place == Ahead) {
    if (window.hold(packet, sending.now)) return;
    while (window.has_held()) release(sending);
  } else if (window.has_held()) {
    ++counters.reordered;
  }
  deliver(sending, packet);
  release_in_turn(sending);
}

// Gives up what is missing before the first packet held.
void Transcoder::Parts::release(const Sending& sending) {
  if (const auto packet = window.pop_first()) deliver(sending, *packet);
  release_in_turn(sending);
}

void Transcoder::Parts::release_in_turn(const Sending& sending) {
  while (const auto packet = window.pop_next(sending.now)) deliver(sending, *packet);
}

void Transcoder::Parts::deliver(const Sending& sending, const wire::OpenRtp& packet) {
  const Role role = roles[packet.payload_type().raw()];
  const int lost = window.take(packet.seq(), sending.now);
  counters.lost += static_cast<std::uint64_t>(lost);
  repeat_end(sending);
  flow.sender().flush(sending);
  if (role.kind == Kind::Audio) {
    const auto played = flow.play(sending, packet, role.input, lost);
    if (!played.is_late) return;
    ++counters.late;
    window.widen(played.lateness, flow.most_wait());
  } else if (const auto model = codecs::NoiseModel::parse(packet.payload());
             model && role.kind == Kind::Noise) {
    ++counters.noise_packets;
    const bool is_same_clock = flow.is_running() && role.clock == flow.arrivals().clock();
    flow.play_noise(sending, is_same_clock ? std::optional(packet.timestamp()) : std::nullopt,
                    *model, lost);
  } else {
    ++counters.unknown_payload_type;  // It was known before a re-plan.
  }
}

// Events are taken as they come, not in turn: their timestamps say which event they belong to.
void Transcoder::Parts::handle_event(const Sending& sending, const wire::OpenRtp& packet,
                                     Role role) {
  using enum ReorderWindow::Place;
  ReorderWindow::Place place = window.place_of(packet.seq());
  if (place == Duplicate) {
    ++counters.duplicate;
    return;
  }
  ++counters.event_packets;
  while (place == Ahead && window.has_held()) {
    release(sending);
    place = window.place_of(packet.seq());
  }
  if (place == Late) {
    window.take_late(packet.seq(), sending.now, Duration(0));
  } else {
    counters.lost += static_cast<std::uint64_t>(window.take(packet.seq(), sending.now));
  }
  if (flow.sender().next_timeout()) {  // Sound that is being paced lies before this event.
    repeat_end(sending);
    flow.sender().flush(sending);
  }
  const auto step = tracker.handle(
      sending.now, {packet.ssrc(), packet.timestamp(), role.clock, packet.has_marker(),
                    *wire::TelephoneEvent::parse(packet.payload())});
  if (step.unfinished) end_event(sending, *step.unfinished);
  if (step.has_begun) begin_event(sending, step.event);
  if (step.has_ended && step.is_news) {
    end_event(sending, step.event);
  } else if (step.is_news && is_writing()) {
    writer->update(sending, scaled(step.event.ticks, role.clock, out_clock()));
  }
  release_in_turn(sending);
}

void Transcoder::Parts::begin_event(const Sending& sending, const TrackedEvent& event) {
  if (!writer) {
    ++counters.events_unheard;
    flow.expect_silence();
    return;
  }
  ++counters.events;
  writer->flush(sending);
  flow.break_off(sending);
  const RtpTimestamp start = event_start(sending, event);
  has_written = true;
  sound_until = flow.filled_until();
  writer->begin(start, event.event, event.volume);
  suppress();
}

// Where the event lies on the output's timeline: as far from the sound before it as in the input,
// if one clock measures both; by its arrival otherwise. Never before what was sent.
RtpTimestamp Transcoder::Parts::event_start(const Sending& sending, const TrackedEvent& event) {
  rtp::OutputStream& stream = sending.out.stream;
  if (!flow.is_running() && has_written) stream.resume(sending.now, out_clock());
  std::int64_t ticks = 0;
  if (is_on_timeline(sending.now, event.start, event.clock)) {
    ticks = scaled(event.start.distance_from(flow.filled_until()), event.clock, out_clock());
  } else if (flow.is_running()) {
    const Duration since = sending.now - flow.arrivals().expected(flow.filled_until());
    ticks = duration_to_ticks(std::min(since, kMostJump), out_clock());
  }
  const RtpTimestamp start = stream.next_timestamp().plus(std::max<std::int64_t>(ticks, 0));
  const bool is_behind = has_written && start.distance_from(writer->end_timestamp()) < 0;
  return is_behind ? writer->end_timestamp() : start;
}

bool Transcoder::Parts::is_on_timeline(Instant now, RtpTimestamp timestamp,
                                       RtpClockRate clock) const {
  return flow.is_running() && clock == flow.arrivals().clock() &&
         magnitude(now - flow.arrivals().expected(timestamp)) <= kMostJump;
}

void Transcoder::Parts::end_event(const Sending& sending, const TrackedEvent& event) {
  const bool was_writing = is_writing();
  if (was_writing) writer->end(sending, scaled(event.ticks, event.clock, out_clock()));
  // Sound that came beside the event has moved the timeline itself.
  const bool had_sound = was_writing && flow.filled_until() != sound_until;
  if (flow.is_running() && !had_sound) {
    const RtpTimestamp end = event.start.plus(event.ticks);
    flow.expect_silence();
    if (is_on_timeline(sending.now, end, event.clock)) flow.pass_over(sending, end);
  }
  suppress();
}

void Transcoder::Parts::handle_timeout(const Sending& sending) {
  if (flow.sender().next_timeout().value_or(Instant::max()) <= sending.now) {
    repeat_end(sending);
    flow.sender().handle_timeout(sending);
  }
  if (writer) writer->handle_timeout(sending);
  if (const auto event = tracker.handle_timeout(sending.now)) end_event(sending, *event);
  while (window.has_held() && *window.give_up_at() <= sending.now) release(sending);
  if (is_writing()) return;
  const auto is_due = [&] {
    const auto due = flow.deadline(window.length());
    return due && *due <= sending.now;
  };
  // What was held may end before now as well.
  while (window.has_held() && is_due()) release(sending);
  if (!is_due()) return;
  repeat_end(sending);
  flow.handle_deadline(sending, window.length());
}

std::optional<Instant> Transcoder::Parts::next_timeout() const {
  std::optional<Instant> next;
  const auto consider = [&next](std::optional<Instant> timeout) {
    if (timeout && (!next || *timeout < *next)) next = timeout;
  };
  consider(flow.sender().next_timeout());
  if (writer) consider(writer->next_timeout());
  consider(tracker.next_timeout());
  consider(window.give_up_at());
  if (!is_writing()) consider(flow.deadline(window.length()));
  return next;
}

void Transcoder::Parts::take_over(Parts& old) {
  flow.take_over(old.flow);
  std::swap(window, old.window);
  tracker = old.tracker;
  if (writer && old.writer) {
    writer->take_over(*old.writer);
    has_written = old.has_written && writer->config().clock == old.writer->config().clock;
  }
  sound_until = old.sound_until;
  is_suppressed = old.is_suppressed;
  ssrc = old.ssrc;
  refused = old.refused;
  accepted_at = old.accepted_at;
  counters = old.counters;
  suppress();
}

Transcoder::Transcoder(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Transcoder::~Transcoder() = default;

Result<std::unique_ptr<Transcoder>, Error> Transcoder::create(const Config& config) {
  const Output& out = config.output;
  const AudioFlow::Config flow_config{{out.payload_type, out.codec, out.clock, out.ptime},
                                      out.noise_payload_type,
                                      out.has_dtx || out.noise_payload_type.has_value()};
  std::vector<AudioFlow::InputConfig> inputs;
  for (const Input& input : config.inputs) {
    inputs.push_back({input.payload_type, input.codec, input.clock});
  }
  auto flow = AudioFlow::create(flow_config, inputs);
  if (!flow) return failure(std::move(flow.error()));
  auto parts = std::make_unique<Parts>(std::move(*flow), config);
  return std::unique_ptr<Transcoder>(new Transcoder(std::move(parts)));
}

void Transcoder::handle_packet(Instant now, wire::OpenRtp packet, Emit& out) {
  parts_->handle_packet({now, out, parts_->counters}, std::move(packet));
}

void Transcoder::handle_timeout(Instant now, Emit& out) {
  parts_->handle_timeout({now, out, parts_->counters});
}

void Transcoder::stand_by(Instant now, Emit& out) {
  parts_->stand_by({now, out, parts_->counters});
}

std::optional<Instant> Transcoder::next_timeout() const { return parts_->next_timeout(); }

void Transcoder::take_over(Transcoder& old) { parts_->take_over(*old.parts_); }

void Transcoder::release_packets() { parts_->window.release_packets(); }

void Transcoder::set_suppressed(bool is_suppressed) {
  parts_->is_suppressed = is_suppressed;
  parts_->suppress();
}

void Transcoder::set_expected_loss(std::uint8_t percent) {
  parts_->flow.sender().set_expected_loss(percent);
}

const TranscoderCounters& Transcoder::counters() const { return parts_->counters; }

Transcoder::Levels Transcoder::levels() const {
  const AudioFlow& flow = parts_->flow;
  if (!flow.is_running()) return {};
  return {flow.level().levels(), flow.sender().level().levels()};
}

Duration Transcoder::reorder_window() const { return parts_->window.length(); }

std::optional<Transcoder::Origin> Transcoder::origin() const {
  const AudioFlow& flow = parts_->flow;
  if (!parts_->ssrc || !flow.is_running()) return std::nullopt;
  return Origin{*parts_->ssrc, flow.filled_until(), flow.arrivals().clock(), flow.standing_delay()};
}

Duration Transcoder::standing_delay() const { return parts_->flow.standing_delay(); }

}  // namespace causeway::media
