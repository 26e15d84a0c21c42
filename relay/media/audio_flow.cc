#include "relay/media/audio_flow.h"

#include <algorithm>
#include <array>
#include <utility>

#include "codecs/level.h"
#include "relay/base/check.h"

namespace causeway::media {
namespace {

// The longest proof of a loss that is waited for: the packet after it, which brings the FEC.
constexpr Duration kMostProof = std::chrono::milliseconds(60);
constexpr Duration kMostWindow = std::chrono::milliseconds(40);
constexpr Duration kMostTolerance = std::chrono::milliseconds(10);
// Noise made at once where the filling timer is behind; the rest is a step of the timestamps.
constexpr Duration kMostNoiseAtOnce = std::chrono::milliseconds(60);
// How far noise may have run ahead of a sender whose clock is slower than ours.
constexpr Duration kMostOverrun = std::chrono::milliseconds(200);
// Long enough for libopus to go into DTX: 200 ms without speech, and some.
constexpr Duration kOpusDtxLeadIn = std::chrono::milliseconds(500);
// Fills of one timeout, where the worker was late; the rest is skipped.
constexpr int kMostFillsAtOnce = 8;
constexpr Duration kMostSkip = std::chrono::hours(24);
constexpr std::uint32_t kNoiseSeed = 0x5eed;

// WebRTC and libopus send a packet of one or two octets, a frame without content, where DTX begins.
bool announces_dtx(const codecs::CodecConfig& codec, Bytes payload) {
  return codec.id == codecs::CodecId::Opus && payload.size() <= 2;
}

std::size_t packet_values(const codecs::CodecConfig& codec) {
  const auto longest = codec.rate.raw() * codecs::kMaxPacketDuration.count() / 1'000'000'000;
  return static_cast<std::size_t>(longest) * codec.channels;
}

}  // namespace

Result<AudioFlow, Error> AudioFlow::create(const Config& config,
                                           std::span<const InputConfig> inputs) {
  auto sender = FrameSender::create(config.output);
  if (!sender) return failure(std::move(sender.error()));
  const codecs::Resampler::Format to{config.output.codec.rate, config.output.codec.channels};
  std::vector<AudioInput> made;
  for (const InputConfig& input : inputs) {
    auto audio = AudioInput::create(input.payload_type, input.codec, input.clock, to);
    if (!audio) return failure(std::move(audio.error()));
    made.push_back(std::move(*audio));
  }
  return AudioFlow(config, std::move(*sender), std::move(made));
}

AudioFlow::AudioFlow(const Config& config, FrameSender sender, std::vector<AudioInput> inputs)
    : config_(config), sender_(std::move(sender)), inputs_(std::move(inputs)), noise_(kNoiseSeed) {
  std::size_t decoded = 0;
  std::size_t resampled = 0;
  for (const AudioInput& input : inputs_) {
    const std::size_t values = packet_values(input.codec());
    decoded = std::max(decoded, values);
    if (!input.resampler) continue;
    const std::size_t room = input.resampler->room_for(values / input.codec().channels);
    resampled = std::max(resampled, room * input.to.channels);
  }
  scratch_.resize(decoded);
  resampled_.resize(resampled);
}

Duration AudioFlow::packet_duration() const { return ticks_to_duration(packet_ticks_, clock()); }

Duration AudioFlow::most_wait() const { return std::min(2 * packet_duration(), kMostWindow); }

std::int64_t AudioFlow::tolerance() const {
  return std::min(packet_ticks_ / 2, ticks_in(kMostTolerance));
}

void AudioFlow::restart(const Sending& sending) {
  stop(sending);
  sender_.resume(sending);
}

void AudioFlow::stop(const Sending& sending) {
  sender_.flush_padded(sending);
  is_running_ = false;
  active_ = kNoInput;
  expects_silence_ = false;
  noise_source_ = NoiseSource::Nothing;
  end_gap();
}

void AudioFlow::anchor(const Sending& sending, const wire::OpenRtp& packet, std::size_t input) {
  // Events may have come long before the first sound.
  sender_.resume(sending);
  is_running_ = true;
  arrivals_.restart(packet.timestamp(), sending.now, inputs_[input].clock);
  filled_until_ = packet.timestamp();
  select(input);
}

void AudioFlow::select(std::size_t input) {
  if (input == active_) return;
  active_ = input;
  active().decoder->reset();
}

AudioFlow::Played AudioFlow::play(const Sending& sending, const wire::OpenRtp& packet,
                                  std::size_t input, int lost) {
  if (!is_running_) anchor(sending, packet, input);
  select(input);
  const std::size_t samples = active().decoder->samples_in(packet.payload()).value_or(0);
  const std::int64_t ticks = active().ticks_of(samples);
  const std::int64_t missing = packet.timestamp().distance_from(filled_until_);
  if (missing < 0) {
    const Played played = judge_overlap(sending, packet.timestamp(), ticks);
    if (played.is_late) return played;
  } else if (lost > 0 && missing > 0) {
    fill_loss(sending, missing, packet.payload(), ticks);
  } else if (missing > std::min(tolerance(), ticks)) {
    ++sending.counters.silences;
    fill_silence(sending, missing);
  }
  packet_ticks_ = ticks;
  decode(sending, packet, samples);
  expects_silence_ = announces_dtx(active().codec(), packet.payload());
  if (expects_silence_) noise_source_ = NoiseSource::Decoder;
  end_gap();
  sender_.send_one(sending);
  return {};
}

// The packet begins before the end of what is there already.
AudioFlow::Played AudioFlow::judge_overlap(const Sending& sending, RtpTimestamp timestamp,
                                           std::int64_t ticks) {
  const std::int64_t overlap = filled_until_.distance_from(timestamp);
  // Nothing was put in its place: the sender's timestamps and durations disagree.
  if (gap_ == Gap::None) {
    if (overlap > tolerance()) arrivals_.restart(timestamp, sending.now, clock());
    filled_until_ = timestamp;
    return {};
  }
  // Only noise was; it ran ahead of a slower clock. The timeline takes the difference, no sound is
  // lost.
  const bool was_noise = expects_silence_ && gap_ != Gap::Concealing;
  if (was_noise && overlap <= ticks_in(kMostOverrun)) {
    filled_until_ = timestamp;
    return {};
  }
  if (overlap < ticks) return {};  // Its end is still of use.
  if (++late_in_row_ >= kLateInRow) {
    ++sending.counters.discontinuities;
    arrivals_.restart(timestamp, sending.now, clock());
    filled_until_ = timestamp;
    return {};
  }
  const Instant filled_at =
      concealed_at_ + ticks_to_duration(timestamp.distance_from(concealed_from_), clock());
  return {true, std::max(sending.now - filled_at, Duration(0))};
}

void AudioFlow::decode(const Sending& sending, const wire::OpenRtp& packet, std::size_t samples) {
  const std::int64_t overlap = filled_until_.distance_from(packet.timestamp());
  const auto decoded = active().decoder->decode(packet.payload(), scratch_);
  if (decoded) {
    ++sending.counters.decoded;
  } else {
    ++sending.counters.bad_payload;
    active().decoder->conceal(samples, scratch_);
  }
  hand_on(sending, samples,
          overlap > 0 ? std::min(samples, active().samples_of(overlap)) : std::size_t{0});
  filled_until_ = packet.timestamp().plus(packet_ticks_);
}

void AudioFlow::hand_on(const Sending& sending, std::size_t samples, std::size_t skipped) {
  const std::size_t channels = active().codec().channels;
  const auto pcm =
      codecs::Pcm(scratch_).subspan(skipped * channels, (samples - skipped) * channels);
  if (pcm.empty()) return;
  level_.add(pcm, active().codec().rate, active().codec().channels);
  if (!active().resampler) {
    sender_.push(sending, pcm);
    return;
  }
  const std::size_t made = active().resampler->convert(pcm, resampled_);
  sender_.push(sending, codecs::Pcm(resampled_).first(made * active().to.channels));
}

void AudioFlow::end_gap() {
  gap_ = Gap::None;
  concealed_ = Duration(0);
  in_packet_ = 0;
  late_in_row_ = 0;
}

// So many ticks are `missing` before a packet of `next_ticks`, whose payload is `next`.
void AudioFlow::fill_loss(const Sending& sending, std::int64_t missing, Bytes next,
                          std::int64_t next_ticks) {
  const std::int64_t last = std::min(missing, next_ticks);
  std::int64_t before = missing - last;
  while (before > 0 && concealed_ < kConcealment + kFade) {
    const std::int64_t part = concealable(before);
    conceal(sending, part);
    before -= part;
  }
  if (before > 0) fill_silence(sending, before);
  const std::size_t samples = active().samples_of(last);
  if (active().decoder->recover(next, samples, scratch_)) {
    ++sending.counters.fec_recovered;
    hand_on(sending, samples);
    filled_until_ = filled_until_.plus(last);
    in_packet_ = 0;
    return;
  }
  for (std::int64_t left = last; left > 0;) {
    const std::int64_t part = concealable(left);
    conceal(sending, part);
    left -= part;
  }
}

// What of `ticks` belongs to one missing packet: each is concealed by itself, as it would have been
// at its turn.
std::int64_t AudioFlow::concealable(std::int64_t ticks) const {
  if (packet_ticks_ <= in_packet_) return ticks;
  return std::min({ticks, packet_ticks_ - in_packet_, ticks_in(codecs::kMaxPacketDuration)});
}

void AudioFlow::conceal(const Sending& sending, std::int64_t ticks) {
  if (in_packet_ == 0) ++sending.counters.concealed;
  in_packet_ += ticks;
  if (in_packet_ >= packet_ticks_) in_packet_ = 0;
  if (has_active()) {
    const std::size_t samples = active().samples_of(ticks);
    active().decoder->conceal(samples, scratch_);
    fade(samples);
    hand_on(sending, samples);
  } else {
    sender_.push_silence(sending, sender_.samples_in(ticks_to_duration(ticks, clock())));
  }
  concealed_ += ticks_to_duration(ticks, clock());
  sending.counters.concealed_time += ticks_to_duration(ticks, clock());
  filled_until_ = filled_until_.plus(ticks);
}

// Full level for kConcealment of a gap, nothing after kFade more, a straight line between.
void AudioFlow::fade(std::size_t samples) {
  const std::int64_t rate = active().codec().rate.raw();
  const std::size_t channels = active().codec().channels;
  const auto samples_in = [rate](Duration time) { return time.count() * rate / 1'000'000'000; };
  const std::int64_t over = samples_in(kFade);
  const std::int64_t end = samples_in(kConcealment + kFade);
  const std::int64_t at = samples_in(concealed_);
  for (std::size_t i = 0; i < samples * channels; ++i) {
    const std::int64_t left = end - at - static_cast<std::int64_t>(i / channels);
    if (left >= over) continue;
    scratch_[i] = static_cast<std::int16_t>(scratch_[i] * std::max<std::int64_t>(left, 0) / over);
  }
}

// The sender was silent for `ticks`. An endpoint that may be left without packets gets none.
void AudioFlow::fill_silence(const Sending& sending, std::int64_t ticks) {
  const std::int64_t filled = config_.has_dtx ? 0 : std::min(ticks, ticks_in(kMostNoiseAtOnce));
  if (filled > 0) make_noise(sending, filled);
  if (ticks > filled) skip(sending, ticks - filled);
}

void AudioFlow::skip(const Sending& sending, std::int64_t ticks) {
  sender_.flush(sending);
  const Duration time = ticks_to_duration(ticks, clock());
  // Too short to reach the end of the frame that has begun: silence within it.
  if (sender_.remainder() > Duration(0) && sender_.ptime() - sender_.remainder() > time) {
    sender_.push_silence(sending, sender_.samples_in(time));
  } else {
    const Duration padded = sender_.flush_padded(sending);
    sender_.skip(sending, time - padded);
    sender_.mark_talkspurt();
  }
  filled_until_ = filled_until_.plus(ticks);
}

void AudioFlow::break_off(const Sending& sending) {
  const Duration padded = sender_.flush_padded(sending);
  if (is_running_) filled_until_ = filled_until_.plus(ticks_in(padded));
}

void AudioFlow::pass_over(const Sending& sending, RtpTimestamp timestamp) {
  const std::int64_t ticks = timestamp.distance_from(filled_until_);
  if (is_running_ && ticks > 0) skip(sending, ticks);
}

void AudioFlow::make_noise(const Sending& sending, std::int64_t ticks) {
  ++sending.counters.dtx_fills;
  filled_until_ = filled_until_.plus(ticks);
  if (!has_active()) {
    sender_.push_silence(sending, sender_.samples_in(ticks_to_duration(ticks, clock())));
    return;
  }
  const std::size_t samples = active().samples_of(ticks);
  const std::size_t channels = active().codec().channels;
  const auto pcm = codecs::MutablePcm(scratch_).first(samples * channels);
  switch (noise_source_) {
    case NoiseSource::Decoder:
      active().decoder->conceal(samples, scratch_);
      break;
    case NoiseSource::Generator:
      noise_.generate(pcm.first(samples));
      for (std::size_t i = pcm.size(); channels > 1 && i-- > 0;) pcm[i] = pcm[i / channels];
      break;
    case NoiseSource::Nothing:
      std::ranges::fill(pcm, std::int16_t{0});
      break;
  }
  hand_on(sending, samples);
}

void AudioFlow::play_noise(const Sending& sending, std::optional<RtpTimestamp> timestamp,
                           const codecs::NoiseModel& model, int lost) {
  noise_.set(model);
  noise_level_ = model.decibels_below_overload;
  if (!is_running_) return;
  const std::int64_t missing = timestamp ? timestamp->distance_from(filled_until_) : 0;
  if (missing > 0 && lost > 0) {
    fill_loss(sending, missing, {}, packet_ticks_);
  } else if (missing > tolerance()) {
    ++sending.counters.silences;
    noise_source_ = NoiseSource::Generator;
    fill_silence(sending, missing);
  }
  noise_source_ = NoiseSource::Generator;
  expects_silence_ = true;
  end_gap();
  sender_.send_one(sending);
  fall_silent(sending);
}

void AudioFlow::fall_silent(const Sending& sending) {
  gap_ = Gap::Silent;
  fill_left_ = expects_silence_ ? Duration::max() : kUnannouncedFill;
  if (!expects_silence_) noise_source_ = NoiseSource::Nothing;
  if (!config_.has_dtx) return;
  break_off(sending);
  if (config_.noise_payload_type) {
    send_noise_packet(sending);
    gap_ = Gap::Resting;
  } else if (config_.output.codec.opus.has_dtx) {
    fill_left_ = kOpusDtxLeadIn;
  } else {
    gap_ = Gap::Resting;
  }
}

// RFC 3389, the level only: the spectrum is for the rate at which it was measured.
void AudioFlow::send_noise_packet(const Sending& sending) {
  std::uint8_t level = noise_source_ == NoiseSource::Nothing ? 127 : noise_level_;
  if (noise_source_ == NoiseSource::Decoder && has_active()) {
    const std::size_t samples = active().codec().rate.raw() / 50;
    active().decoder->conceal(samples, scratch_);
    level = codecs::level_below_overload(
        codecs::Pcm(scratch_).first(samples * active().codec().channels));
  }
  std::array<std::byte, 1> payload;
  codecs::write_noise_level(level, payload);
  if (sender_.is_suppressed()) return;
  FrameSender::catch_up(sending);
  const RtpTimestamp timestamp = sending.out.stream.next_timestamp();
  if (send_at(sending, {*config_.noise_payload_type, false, payload}, timestamp)) {
    ++sending.counters.noise_sent;
  }
}

std::optional<Instant> AudioFlow::deadline(Duration window) const {
  if (!is_running_ || gap_ == Gap::Resting) return std::nullopt;
  const Duration proof = std::min(packet_duration(), kMostProof);
  return arrivals_.expected(filled_until_) + proof + arrivals_.allowance() + window;
}

void AudioFlow::handle_deadline(const Sending& sending, Duration window) {
  const auto is_due = [&] {
    const auto due = deadline(window);
    return due && *due <= sending.now;
  };
  for (int fills = 0; fills < kMostFillsAtOnce && is_due(); ++fills) fill_step(sending);
  // The worker stood still: what it missed is not made up.
  if (is_due()) skip(sending, ticks_in(std::min(sending.now - *deadline(window), kMostSkip)) + 1);
}

void AudioFlow::fill_step(const Sending& sending) {
  const bool is_loss = gap_ == Gap::None || gap_ == Gap::Concealing;
  if (is_loss && (expects_silence_ || concealed_ >= kConcealment + kFade)) fall_silent(sending);
  if (gap_ == Gap::Resting) return;
  const std::int64_t step = ticks_in(sender_.ptime());
  if (gap_ == Gap::Silent) {
    make_noise(sending, step);
    sender_.send_one(sending);
    if (fill_left_ != Duration::max()) fill_left_ -= sender_.ptime();
    const bool is_quiet = config_.has_dtx && sender_.is_in_dtx();
    if (is_quiet || fill_left_ <= Duration(0)) gap_ = Gap::Resting;
    return;
  }
  if (gap_ == Gap::None) {
    gap_ = Gap::Concealing;
    concealed_from_ = filled_until_;
    concealed_at_ = sending.now;
  }
  conceal(sending, concealable(step));
  sender_.send_one(sending);
}

Duration AudioFlow::standing_delay() const {
  const Duration filter = has_active() ? inputs_[active_].filter_delay() : Duration(0);
  return sender_.lookahead() + sender_.remainder() + filter;
}

void AudioFlow::take_over(AudioFlow& old) {
  const auto adopt = [&](bool is_same_type) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      for (std::size_t j = 0; j < old.inputs_.size(); ++j) {
        AudioInput& from = old.inputs_[j];
        if ((from.payload_type == inputs_[i].payload_type) != is_same_type) continue;
        if (!inputs_[i].can_take_over(from)) continue;
        inputs_[i].take_over(from);
        if (j == old.active_) active_ = i;
      }
    }
  };
  active_ = kNoInput;
  adopt(true);
  adopt(false);
  for (AudioInput& input : inputs_) input.is_taken_over = false;
  sender_.take_over(old.sender_);
  noise_ = old.noise_;
  noise_level_ = old.noise_level_;
  level_ = old.level_;
  is_running_ = old.is_running_;
  arrivals_ = old.arrivals_;
  filled_until_ = old.filled_until_;
  packet_ticks_ = old.packet_ticks_;
  gap_ = old.gap_;
  concealed_ = old.concealed_;
  in_packet_ = old.in_packet_;
  concealed_from_ = old.concealed_from_;
  concealed_at_ = old.concealed_at_;
  expects_silence_ = old.expects_silence_;
  noise_source_ = old.noise_source_;
  fill_left_ = old.fill_left_;
  late_in_row_ = old.late_in_row_;
}

}  // namespace causeway::media
