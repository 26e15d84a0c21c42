#include "relay/media/frame_sender.h"

#include <algorithm>
#include <array>
#include <utility>

#include "relay/base/check.h"

namespace causeway::media {
namespace {

Error bad_ptime(std::string detail) {
  return Error{ErrorCode::InvalidArgument, "PTIME_UNSUPPORTED", "ptime", std::move(detail)};
}

std::size_t frame_values(const FrameSender::Config& config) {
  const auto samples = config.ptime.count() * config.codec.rate.raw() / 1'000'000'000;
  return static_cast<std::size_t>(samples) * config.codec.channels;
}

std::size_t capacity_values(const FrameSender::Config& config) {
  return std::size_t{config.codec.rate.raw()} * config.codec.channels *
         static_cast<std::size_t>(FrameSender::kCapacity.count()) / 1'000'000'000;
}

}  // namespace

Result<FrameSender, Error> FrameSender::create(const Config& config) {
  if (config.ptime < std::chrono::milliseconds(5) ||
      config.ptime > std::chrono::milliseconds(120) ||
      config.ptime.count() * config.codec.rate.raw() % 1'000'000'000 != 0 ||
      config.ptime.count() * config.clock.raw() % 1'000'000'000 != 0) {
    return failure(bad_ptime("5 to 120 ms, a whole number of samples"));
  }
  auto encoder = codecs::make_encoder(config.codec);
  if (!encoder) return failure(std::move(encoder.error()));
  // The encoder knows which lengths it takes: let it refuse silence rather than speech. A fresh one
  // does the work.
  FrameSender trial(config, std::move(*encoder));
  trial.framer_.push_silence(trial.framer_.frame_values());
  std::array<std::byte, FrameSender::kMaxPayload> room;
  if (!trial.encoder_->encode(trial.framer_.front(), room)) {
    return failure(bad_ptime("the codec has no such frame, or it does not fit a packet"));
  }
  auto fresh = codecs::make_encoder(config.codec);
  if (!fresh) return failure(std::move(fresh.error()));
  return FrameSender(config, std::move(*fresh));
}

FrameSender::FrameSender(const Config& config, std::unique_ptr<codecs::Encoder> encoder)
    : config_(config),
      encoder_(std::move(encoder)),
      framer_(frame_values(config), capacity_values(config)),
      frame_ticks_(static_cast<std::uint32_t>(duration_to_ticks(config.ptime, config.clock))) {}

void FrameSender::push(const Sending& sending, codecs::Pcm pcm) {
  make_room(sending, pcm.size());
  framer_.push(pcm);
}

void FrameSender::push_silence(const Sending& sending, std::size_t samples_per_channel) {
  const std::size_t values = samples_per_channel * config_.codec.channels;
  make_room(sending, values);
  framer_.push_silence(values);
}

void FrameSender::make_room(const Sending& sending, std::size_t values) {
  if (framer_.room() < values) flush(sending);
}

void FrameSender::send_one(const Sending& sending) {
  if (pace_at_ || !framer_.has_frame()) return;
  send_frame(sending);
  if (framer_.has_frame()) pace_at_ = sending.now + config_.ptime;
}

void FrameSender::flush(const Sending& sending) {
  pace_at_.reset();
  while (framer_.has_frame()) send_frame(sending);
}

Duration FrameSender::flush_padded(const Sending& sending) {
  flush(sending);
  if (framer_.size() == 0) return Duration(0);
  const std::size_t missing = framer_.frame_values() - framer_.size();
  framer_.push_silence(missing);
  send_frame(sending);
  return time_of(missing);
}

void FrameSender::skip(const Sending& sending, Duration time) {
  CAUSEWAY_CHECK(framer_.size() == 0, "sound is queued before the time that is skipped");
  sending.out.stream.skip(static_cast<std::uint32_t>(duration_to_ticks(time, config_.clock)));
}

void FrameSender::catch_up(const Sending& sending) {
  rtp::OutputStream& stream = sending.out.stream;
  if (!stream.has_sent()) return;
  const std::int32_t behind = stream.last_timestamp().distance_from(stream.next_timestamp());
  if (behind > 0) stream.skip(static_cast<std::uint32_t>(behind));
}

void FrameSender::resume(const Sending& sending) {
  framer_.clear();
  pace_at_.reset();
  has_new_clock_ = false;
  sending.out.stream.resume(sending.now, config_.clock);
}

void FrameSender::send_frame(const Sending& sending) {
  if (has_new_clock_) {
    has_new_clock_ = false;
    sending.out.stream.resume(sending.now, config_.clock);
  }
  if (is_suppressed_) {
    framer_.pop_frame();
    sending.out.stream.skip(frame_ticks_);
    is_talkspurt_ = true;
    return;
  }
  catch_up(sending);
  level_.add(framer_.front(), config_.codec.rate, config_.codec.channels);
  std::array<std::byte, kMaxPayload> room;
  const auto octets = encoder_->encode(framer_.front(), room);
  framer_.pop_frame();
  is_in_dtx_ = octets.value_or(0) == 0;
  if (is_in_dtx_) {
    ++sending.counters.dtx_frames;
    sending.out.stream.skip(frame_ticks_);
    is_talkspurt_ = true;
    return;
  }
  const Outgoing packet{config_.payload_type, is_talkspurt_, Bytes(room).first(*octets)};
  if (!send_next(sending, packet, frame_ticks_)) return;
  is_talkspurt_ = false;
  ++sending.counters.encoded;
}

void FrameSender::handle_timeout(const Sending& sending) {
  const std::uint64_t sent_before = sending.counters.encoded;
  while (pace_at_ && *pace_at_ <= sending.now) {
    send_frame(sending);
    // From when it was due, so that a late timer does not stretch the sound.
    const Instant next = *pace_at_ + config_.ptime;
    pace_at_.reset();
    if (framer_.has_frame()) pace_at_ = next;
  }
  sending.counters.paced += sending.counters.encoded - sent_before;
}

Duration FrameSender::remainder() const { return time_of(framer_.size()); }

Duration FrameSender::lookahead() const {
  return time_of(encoder_->lookahead() * config_.codec.channels);
}

Duration FrameSender::time_of(std::size_t values) const {
  return Duration(static_cast<std::int64_t>(values / config_.codec.channels) * 1'000'000'000 /
                  config_.codec.rate.raw());
}

std::size_t FrameSender::samples_in(Duration time) const {
  return static_cast<std::size_t>(time.count() * config_.codec.rate.raw() / 1'000'000'000);
}

void FrameSender::take_over(FrameSender& old) {
  if (old.encoder_->reconfigure(config_.codec)) encoder_.swap(old.encoder_);
  if (old.expected_loss_) set_expected_loss(*old.expected_loss_);
  adopt_queue(old);
  level_ = old.level_;
  pace_at_ = framer_.has_frame() ? old.pace_at_ : std::nullopt;
  is_talkspurt_ = old.is_talkspurt_;
  is_suppressed_ = old.is_suppressed_;
  is_in_dtx_ = old.is_in_dtx_;
  has_new_clock_ = old.has_new_clock_ || old.config_.clock != config_.clock;
}

// The queue is at most a few frames: where the format changes, the nearest sample before does.
void FrameSender::adopt_queue(const FrameSender& old) {
  framer_.clear();
  const codecs::Pcm queue = old.framer_.all();
  if (old.config_.codec.rate == config_.codec.rate &&
      old.config_.codec.channels == config_.codec.channels) {
    framer_.push(queue);
    return;
  }
  const std::size_t from_channels = old.config_.codec.channels;
  const std::uint64_t from_rate = old.config_.codec.rate.raw();
  const std::uint64_t to_rate = config_.codec.rate.raw();
  const std::size_t samples = queue.size() / from_channels * to_rate / from_rate;
  for (std::size_t i = 0; i < samples; ++i) {
    const std::size_t at = i * from_rate / to_rate * from_channels;
    for (std::size_t channel = 0; channel < config_.codec.channels; ++channel) {
      framer_.push(queue.subspan(at + std::min(channel, from_channels - 1), 1));
    }
  }
}

}  // namespace causeway::media
