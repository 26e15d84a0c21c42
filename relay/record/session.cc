#include "relay/record/session.h"

#include <algorithm>
#include <utility>

#include "relay/base/check.h"
#include "relay/record/samples.h"
#include "relay/wire/rtp.h"

namespace causeway::record {
namespace {

using std::chrono::milliseconds;

/// The file grows in steps of this, so that little of it is open at a time.
constexpr Duration kStep = milliseconds(100);
/// Sound is decoded this much ahead of what is written: more than any resampler holds back.
constexpr Duration kLead = milliseconds(10);
/// Room for a step, the lead, the longest packet, and its stretching.
constexpr Duration kWindow = milliseconds(500);

Error invalid(std::string field, std::string detail) {
  return Error{ErrorCode::InvalidArgument, "RECORDING_INVALID", std::move(field),
               std::move(detail)};
}

/// The payload of an opened packet, without padding. Errors: as parse_rtp_header.
Result<Bytes, DropReason> payload_of(Bytes packet) {
  const Result<wire::RtpLayout, DropReason> layout = wire::parse_rtp_header(packet);
  if (!layout) return failure(layout.error());
  Bytes payload = packet.subspan(layout->header_octets);
  if ((load_u8(packet.data()) & 0x20U) != 0) {
    const std::size_t padding = payload.empty() ? 0 : load_u8(&payload.back());
    if (padding == 0 || padding > payload.size()) return failure(DropReason::BadHeader);
    payload = payload.first(payload.size() - padding);
  }
  return payload;
}

void add_to(ChannelCounts& sum, const ChannelCounts& more) {
  sum.streams.received += more.streams.received;
  sum.streams.duplicate += more.streams.duplicate;
  sum.streams.late += more.streams.late;
  sum.streams.missing += more.streams.missing;
  sum.ssrcs += more.ssrcs;
  sum.undecodable += more.undecodable;
  sum.telephone_events += more.telephone_events;
  sum.comfort_noise += more.comfort_noise;
  sum.ring_lost += more.ring_lost;
  sum.ring_lost_octets += more.ring_lost_octets;
}

}  // namespace

/// One SSRC of a channel.
struct RecordingSession::Stream {
  Ssrc ssrc;
  PacketOrder order;
  Voice voice;

  [[nodiscard]] StreamCounts counts() const {
    StreamCounts counts = order.counts();
    counts.late += voice.missed_packets();
    return counts;
  }
};

struct RecordingSession::Channel {
  std::vector<RecordedCodec> codecs;  // grows; voices hold references to the vector itself
  std::vector<std::unique_ptr<Stream>> streams;
  ChannelCounts counts;  // without those of the streams that are still here
};

RecordingSession::RecordingSession(RecordingSpec spec, const Options& options)
    : spec_(std::move(spec)), options_(options) {
  CAUSEWAY_CHECK(check(spec_).has_value(), "a recording's spec is checked before it is used");
  for (const ChannelSpec& channel : spec_.channels) {
    channels_.push_back(std::make_unique<Channel>());
    channels_.back()->codecs = channel.codecs;
  }
  if (spec_.container == Container::WavPcm) {
    timeline_.emplace(channels_.size(), static_cast<std::size_t>(samples_in(kWindow, spec_.rate)));
    wav_.emplace(spec_.rate, static_cast<std::uint16_t>(channels_.size()),
                 options_.max_riff_octets);
  } else {
    std::uint8_t channels = 1;
    for (const RecordedCodec& codec : spec_.channels[0].codecs) {
      if (codec.kind == PayloadKind::Audio) channels = std::max(channels, codec.codec.channels);
    }
    opus_.emplace(options_.ogg_serial, channels, "causeway");
  }
}

RecordingSession::~RecordingSession() = default;

Result<void, Error> RecordingSession::check(const RecordingSpec& spec) {
  const bool is_wav = spec.container == Container::WavPcm;
  const std::size_t channels = spec.channels.size();
  if (channels < 1 || channels > (is_wav ? 2U : 1U)) {
    return failure(invalid("channels", is_wav ? "A WAV recording has one or two channels."
                                              : "An Ogg Opus recording has one channel."));
  }
  const std::uint32_t rate = spec.rate.raw();
  if (is_wav && rate != 8000 && rate != 16'000 && rate != 48'000) {
    return failure(invalid("rate", "A WAV recording has 8000, 16000 or 48000 samples a second."));
  }
  for (const ChannelSpec& channel : spec.channels) {
    if (channel.codecs.size() >= kCodecByPayloadType) {
      return failure(invalid("channels.codecs", "A channel has at most 254 payload types."));
    }
    for (const RecordedCodec& codec : channel.codecs) {
      if (codec.clock.raw() == 0) {
        return failure(invalid("channels.codecs.clock", "A codec's RTP clock is not 0."));
      }
    }
  }
  return {};
}

void RecordingSession::add_codec(std::uint8_t channel, RecordedCodec codec) {
  if (channel >= channels_.size() || codec.clock.raw() == 0) return;
  if (channels_[channel]->codecs.size() + 1 >= kCodecByPayloadType) return;
  channels_[channel]->codecs.push_back(std::move(codec));
}

void RecordingSession::begin(std::vector<FileWrite>& out) {
  if (wav_) wav_->flush(out);
  if (opus_) opus_->begin(out);
}

// --- frames in ---------------------------------------------------------------------------------

void RecordingSession::handle_frame(const Frame& frame) {
  if (state_ == State::Done) return;
  if (frame.header.kind == FrameKind::Rtp) {
    handle_packet(frame);
  } else {
    handle_marker(frame.header);
  }
}

void RecordingSession::handle_marker(const FrameHeader& header) {
  switch (header.kind) {
    case FrameKind::Start:
      if (start_) return;
      start_ = header.at;
      if (state_ == State::Waiting) state_ = State::Recording;
      return;
    case FrameKind::Pause:
      if (state_ != State::Recording) return;
      // From a second worker, a pause that is over already is no new one.
      if (!pauses_.empty() && header.at < pauses_.back().until) return;
      pauses_.push_back({header.at});
      state_ = State::Paused;
      return;
    case FrameKind::Resume:
      if (state_ != State::Paused) return;
      pauses_.back().until = std::max(header.at, pauses_.back().from);
      state_ = State::Recording;
      return;
    case FrameKind::Stop:
      if (!stop_) stop_ = header.at;
      return;
    case FrameKind::Lost:
      if (header.channel < channels_.size()) {
        channels_[header.channel]->counts.ring_lost += header.frames;
        channels_[header.channel]->counts.ring_lost_octets += header.octets;
      }
      return;
    case FrameKind::ClockMark:
    case FrameKind::Rtp:
      return;
  }
}

void RecordingSession::handle_packet(const Frame& frame) {
  const FrameHeader& header = frame.header;
  if (header.channel >= channels_.size() || !start_) return;
  if (stop_ && header.at >= *stop_) return;
  if (is_paused_at(header.at)) return;
  Channel& channel = *channels_[header.channel];
  const Result<Bytes, DropReason> payload = payload_of(frame.packet);
  if (!payload) {
    ++channel.counts.undecodable;
    return;
  }
  const std::byte* const fixed = frame.packet.data();
  const PayloadType type(static_cast<std::uint8_t>(load_u8(fixed + 1) & 0x7fU));
  const SeqNum seq(load_be16(fixed + 2));
  PacketOrder::Arrived arrived;
  const RecordedCodec* const codec = codec_of(channel, header.codec_slot, type, arrived.codec_slot);
  if (codec != nullptr && codec->kind == PayloadKind::NotSound) return;
  Stream& stream = stream_for(channel, header.channel, Ssrc(load_be32(fixed + 8)));
  if (codec == nullptr || codec->kind != PayloadKind::Audio || payload->empty()) {
    stream.order.note_other(seq);
    if (codec != nullptr && codec->kind == PayloadKind::TelephoneEvent) {
      ++channel.counts.telephone_events;
    } else if (codec != nullptr && codec->kind == PayloadKind::ComfortNoise) {
      ++channel.counts.comfort_noise;
    } else if (!payload->empty()) {
      ++channel.counts.undecodable;
    }
    return;
  }
  arrived.seq = seq;
  arrived.timestamp = RtpTimestamp(load_be32(fixed + 4));
  arrived.clock = codec->clock;
  arrived.arrival = header.at;
  arrived.payload = *payload;
  stream.order.push(arrived, *start_ + written_);
}

const RecordedCodec* RecordingSession::codec_of(const Channel& channel, std::uint8_t slot,
                                                PayloadType type, std::uint8_t& slot_out) const {
  if (slot != kCodecByPayloadType) {
    slot_out = slot;
    return slot < channel.codecs.size() ? &channel.codecs[slot] : nullptr;
  }
  // The newest line of the table wins: a payload type may be given another meaning.
  for (std::size_t i = channel.codecs.size(); i-- > 0;) {
    if (channel.codecs[i].type != type) continue;
    slot_out = static_cast<std::uint8_t>(i);
    return &channel.codecs[i];
  }
  return nullptr;
}

RecordingSession::Stream& RecordingSession::stream_for(Channel& channel, std::size_t index,
                                                       Ssrc ssrc) {
  for (const auto& stream : channel.streams) {
    if (stream->ssrc == ssrc) return *stream;
  }
  if (channel.streams.size() >= options_.max_ssrcs_per_channel) {
    // The one that has been silent longest makes room; its counts stay.
    const auto oldest = std::min_element(channel.streams.begin(), channel.streams.end(),
                                         [](const auto& a, const auto& b) {
                                           return a->order.last_arrival() < b->order.last_arrival();
                                         });
    ChannelCounts left;
    left.streams = (*oldest)->counts();
    left.ssrcs = 1;
    add_to(channel.counts, left);
    channel.streams.erase(oldest);
  }
  channel.streams.push_back(std::unique_ptr<Stream>(new Stream{
      ssrc, PacketOrder(), Voice(channel.codecs, index, spec_.rate, options_.make_decoder)}));
  return *channel.streams.back();
}

bool RecordingSession::is_paused_at(Instant at) const {
  return std::any_of(pauses_.begin(), pauses_.end(),
                     [at](const Pause& pause) { return at >= pause.from && at < pause.until; });
}

// --- file out ----------------------------------------------------------------------------------

void RecordingSession::advance(Instant now, std::vector<FileWrite>& out) {
  if (state_ == State::Done) return;
  if (stop_ && (!start_ || now - options_.horizon >= *stop_)) return finish(now, out);
  if (!start_) return;
  write_until(now - options_.horizon - *start_, out);
  if (written_ - flushed_ >= options_.flush_every) flush(false, out);
}

void RecordingSession::finish(Instant now, std::vector<FileWrite>& out) {
  if (state_ == State::Done) return;
  if (start_) write_until(std::min(now, stop_.value_or(now)) - *start_, out);
  flush(true, out);
  state_ = State::Done;
}

void RecordingSession::write_until(Duration end, std::vector<FileWrite>& out) {
  while (written_ < end) {
    const Duration step = std::min(end, written_ + kStep);
    play_until(step);
    close_step(step);
    written_ = step;
    if (written_ - flushed_ >= options_.flush_every) flush(false, out);
  }
}

/// Puts everything in its place that begins before `end`.
void RecordingSession::play_until(Duration end) {
  if (opus_) {
    keep_until(*start_ + end + kLead);
  } else {
    decode_until(end + kLead);
  }
}

void RecordingSession::decode_until(Duration end) {
  for (const auto& channel : channels_) {
    for (const auto& stream : channel->streams) {
      for (;;) {
        std::optional<Instant> sound_end;
        if (const auto voice_end = stream->voice.sound_end()) sound_end = *start_ + *voice_end;
        const auto due = stream->order.pop(*start_ + end, sound_end);
        if (!due) break;
        const bool is_good = stream->voice.play(due->packet, due->at - *start_, *timeline_);
        if (!is_good) ++channel->counts.undecodable;
      }
      stream->voice.rest(samples_in(end, spec_.rate), *timeline_);
    }
  }
}

/// One track has one order: the packets of all sources by their time, as one may speak where
/// another pauses.
void RecordingSession::keep_until(Instant end) {
  Channel& channel = *channels_[0];
  std::vector<PacketOrder::Due> all;
  for (const auto& stream : channel.streams) {
    while (auto due = stream->order.pop(end, std::nullopt)) all.push_back(std::move(*due));
  }
  std::ranges::stable_sort(all, {}, &PacketOrder::Due::at);
  for (const PacketOrder::Due& due : all) {
    const bool is_good = opus_->add(due.packet, due.at - *start_ - cut_until(due.at));
    if (!is_good) ++channel.counts.undecodable;
  }
}

/// How much of the time before `at` is left out, were `at` the end of the next step.
Duration RecordingSession::cut_until(Instant at) const {
  Duration cut = cut_;
  if (spec_.pause_mode != PauseMode::Cut) return cut;
  for (const Pause& pause : pauses_) {
    const Instant from = std::max(pause.from, *start_ + written_);
    const Instant until = std::min(pause.until, at);
    if (until > from) cut += until - from;
  }
  return cut;
}

/// Nothing more comes before `end`: moves it from the open window into the file's buffers, pauses
/// silenced or left out.
void RecordingSession::close_step(Duration end) {
  Duration at = written_;
  while (at < end) {
    while (!pauses_.empty() && pauses_.front().until - *start_ <= at)
      pauses_.erase(pauses_.begin());
    Duration part_end = end;
    bool is_paused = false;
    if (!pauses_.empty()) {
      const Pause& pause = pauses_.front();
      is_paused = pause.from - *start_ <= at;
      const Instant edge = is_paused ? pause.until : pause.from;
      if (edge - *start_ < end) part_end = edge - *start_;
    }
    const bool is_cut = is_paused && spec_.pause_mode == PauseMode::Cut;
    if (timeline_) {
      const std::int64_t until = samples_in(part_end, spec_.rate);
      if (is_cut) {
        timeline_->discard(until);
      } else {
        timeline_->take(until, is_paused, taken_);
      }
    }
    if (is_cut) cut_ += part_end - at;
    at = part_end;
  }
  if (wav_ && !taken_.empty()) {
    wav_->append(taken_);
    taken_.clear();
  }
  if (opus_) opus_->fill_until(end - cut_);
}

void RecordingSession::flush(bool is_last, std::vector<FileWrite>& out) {
  if (wav_ && wav_->has_unflushed()) wav_->flush(out);
  if (opus_ && (is_last || opus_->has_unflushed())) opus_->flush(out, is_last);
  flushed_ = written_;
}

// --- what it came to ---------------------------------------------------------------------------

std::uint64_t RecordingSession::file_octets() const {
  return wav_ ? wav_->file_octets() : opus_->file_octets();
}

bool RecordingSession::has_undecodable() const {
  return std::any_of(channels_.begin(), channels_.end(),
                     [](const auto& channel) { return channel->counts.undecodable != 0; });
}

ChannelCounts RecordingSession::counts(std::size_t channel) const {
  ChannelCounts sum = channels_[channel]->counts;
  for (const auto& stream : channels_[channel]->streams) {
    ChannelCounts of_stream;
    of_stream.streams = stream->counts();
    of_stream.ssrcs = 1;
    add_to(sum, of_stream);
  }
  return sum;
}

ChannelCounts RecordingSession::total_counts() const {
  ChannelCounts sum;
  for (std::size_t i = 0; i < channels_.size(); ++i) add_to(sum, counts(i));
  return sum;
}

}  // namespace causeway::record
