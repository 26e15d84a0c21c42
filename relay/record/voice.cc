#include "relay/record/voice.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "relay/record/samples.h"

namespace causeway::record {
namespace {

using std::chrono::milliseconds;

/// Off by more than this, a piece of sound is broken off instead of being stretched.
constexpr Duration kBreakOff = milliseconds(80);
/// Off by less than this, it is left alone.
constexpr Duration kCloseEnough = std::chrono::microseconds(250);
/// One sample in so many may be added or taken away: 0.6 %, below what is heard as pitch.
constexpr std::int64_t kStretch = 160;

}  // namespace

Voice::Voice(const std::vector<RecordedCodec>& codecs, std::size_t channel, SampleRate file_rate,
             MakeDecoder make_decoder)
    : codecs_(codecs),
      channel_(channel),
      file_rate_(file_rate),
      make_decoder_(make_decoder),
      decoded_(codecs::kMaxPcmSamples * 2) {}

bool Voice::play(const HeldPacket& packet, Duration since_start, PcmTimeline& timeline) {
  codecs::Decoder* const decoder = decoder_for(packet.codec_slot);
  if (decoder == nullptr) return false;
  const Result<std::size_t, DropReason> samples = decoder->decode(packet.payload, decoded_);
  if (!samples) return false;
  const codecs::CodecConfig& config = decoder->config();
  const RecordedCodec& codec = codecs_[packet.codec_slot];
  codecs::Pcm pcm = to_mono(*samples, config.channels);
  const std::int64_t ticks = static_cast<std::int64_t>(pcm.size()) * codec.clock.raw();
  const std::int64_t position = samples_in(since_start - codec_delay(codec.codec.id), file_rate_);

  if (piece_ && !continues(packet)) end_piece(timeline);
  const std::uint64_t missed_before = missed_samples_;
  const auto file_samples = static_cast<std::uint64_t>(
      samples_in(time_of(static_cast<std::int64_t>(pcm.size()), config.rate.raw()), file_rate_));
  if (piece_) pcm = fitted(pcm, position, timeline);
  if (!piece_ && !begin_piece(packet, config.rate, position)) return false;
  piece_->next_ticks = packet.ticks + ticks / config.rate.raw();
  emit(pcm, timeline);
  if ((missed_samples_ - missed_before) * 2 > file_samples) ++missed_packets_;
  return true;
}

codecs::Decoder* Voice::decoder_for(std::uint8_t slot) {
  if (slot >= codecs_.size()) return nullptr;
  if (decoders_.size() <= slot) {
    decoders_.resize(codecs_.size());
    is_refused_.resize(codecs_.size());
  }
  if (decoders_[slot] == nullptr && !is_refused_[slot]) {
    codecs::CodecConfig config = codecs_[slot].codec;
    if (config.id == codecs::CodecId::Opus) {
      config.rate = file_rate_;  // Opus decodes straight to 8, 16 and 48 kHz
      config.channels = 1;
    }
    auto made = make_decoder_(config);
    is_refused_[slot] = !made;
    if (made) decoders_[slot] = std::move(*made);
  }
  return decoders_[slot].get();
}

codecs::Pcm Voice::to_mono(std::size_t samples, std::uint8_t channels) {
  if (channels == 2) {
    for (std::size_t i = 0; i < samples; ++i) {
      decoded_[i] = static_cast<std::int16_t>((decoded_[2 * i] + decoded_[2 * i + 1]) / 2);
    }
  }
  return codecs::Pcm(decoded_).first(samples);
}

/// A timestamp that overlaps the sound before it continues it too: sender and codec disagree about
/// the length of a packet, and end to end is how it was meant.
bool Voice::continues(const HeldPacket& packet) const {
  return packet.run == piece_->run && packet.codec_slot == piece_->codec_slot &&
         packet.ticks <= piece_->next_ticks;
}

bool Voice::begin_piece(const HeldPacket& packet, SampleRate pcm_rate, std::int64_t position) {
  if (pcm_rate != pcm_rate_) {
    resampler_.reset();
    pcm_rate_ = pcm_rate;
    fed_ = 0;
    given_ = 0;
  }
  if (pcm_rate != file_rate_ && resampler_ == nullptr) {
    auto made = codecs::Resampler::create({pcm_rate, 1}, {file_rate_, 1});
    if (!made) return false;
    resampler_ = std::move(*made);
  }
  piece_ = Piece{packet.run, packet.codec_slot, 0};
  delay_ = codec_delay(codecs_[packet.codec_slot].codec.id);
  origin_ = position;
  in_count_ = 0;
  return true;
}

void Voice::end_piece(PcmTimeline& timeline) {
  if (resampler_ != nullptr) {
    const std::vector<std::int16_t> silence(resampler_->delay_samples() + 1);
    resample(silence, timeline);
  }
  fed_ += in_count_;
  piece_.reset();
}

/// The sound of a packet that continues the piece, as long as it has to be to end where the clock
/// says; or the piece is ended.
codecs::Pcm Voice::fitted(codecs::Pcm pcm, std::int64_t position, PcmTimeline& timeline) {
  const std::int64_t behind = position - next_position();  // in samples of the file
  const std::int64_t break_off = samples_in(kBreakOff, file_rate_);
  const std::int64_t by = behind * pcm_rate_.raw() / file_rate_.raw();
  if (behind > break_off) {
    end_piece(timeline);
    return pcm;
  }
  if (behind < -break_off) {
    // Its place is taken by sound that was put too late: what is written stays.
    const std::size_t overlap = std::min(static_cast<std::size_t>(-by), pcm.size());
    missed_samples_ += overlap;
    return pcm.subspan(overlap);
  }
  if (std::abs(behind) <= samples_in(kCloseEnough, file_rate_)) return pcm;
  return stretched(pcm, by);
}

codecs::Pcm Voice::stretched(codecs::Pcm pcm, std::int64_t by) {
  const auto size = static_cast<std::int64_t>(pcm.size());
  const std::int64_t most = std::max<std::int64_t>(1, size / kStretch);
  const std::int64_t new_size = size + std::clamp(by, -most, most);
  if (size < 2 || new_size < 2 || new_size == size) return pcm;
  stretched_.resize(static_cast<std::size_t>(new_size));
  // Sample i of the new packet lies at i * size / new_size of the old one; the last interval is
  // held, so that the next packet, which begins one step later, follows on.
  for (std::int64_t i = 0; i < new_size; ++i) {
    const std::int64_t at = i * size;
    const std::int64_t whole = at / new_size;
    const std::int64_t part = at % new_size;
    const std::int64_t here = pcm[static_cast<std::size_t>(whole)];
    const std::int64_t next = pcm[static_cast<std::size_t>(std::min(whole + 1, size - 1))];
    stretched_[static_cast<std::size_t>(i)] =
        static_cast<std::int16_t>(here + (next - here) * part / new_size);
  }
  return stretched_;
}

void Voice::emit(codecs::Pcm pcm, PcmTimeline& timeline) {
  if (resampler_ != nullptr) return resample(pcm, timeline);
  missed_samples_ += timeline.put(channel_, origin_ + in_count_, pcm);
  in_count_ += static_cast<std::int64_t>(pcm.size());
}

void Voice::resample(codecs::Pcm pcm, PcmTimeline& timeline) {
  resampled_.resize(resampler_->room_for(pcm.size()));
  const std::size_t made = resampler_->convert(pcm, resampled_);
  // The filter's delay, and what it was fed before this piece, stand before the piece's origin.
  const auto delay = static_cast<std::int64_t>(resampler_->delay_samples());
  const std::int64_t position = origin_ + given_ - to_file_samples(fed_ + delay);
  const std::int64_t before =
      std::clamp<std::int64_t>(origin_ - position, 0, static_cast<std::int64_t>(made));
  missed_samples_ += timeline.put(
      channel_, position + before,
      codecs::Pcm(resampled_)
          .subspan(static_cast<std::size_t>(before), made - static_cast<std::size_t>(before)));
  given_ += static_cast<std::int64_t>(made);
  in_count_ += static_cast<std::int64_t>(pcm.size());
}

void Voice::rest(std::int64_t end, PcmTimeline& timeline) {
  if (piece_ && next_position() < end) end_piece(timeline);
}

std::int64_t Voice::next_position() const { return origin_ + to_file_samples(in_count_); }

std::int64_t Voice::to_file_samples(std::int64_t pcm_samples) const {
  return pcm_samples * file_rate_.raw() / std::max<std::int64_t>(pcm_rate_.raw(), 1);
}

std::optional<Duration> Voice::sound_end() const {
  if (!piece_) return std::nullopt;
  return time_of(next_position(), file_rate_.raw()) + delay_;
}

}  // namespace causeway::record
