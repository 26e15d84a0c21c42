#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "codecs/codec.h"
#include "codecs/resample.h"
#include "relay/record/packet_order.h"
#include "relay/record/pcm_timeline.h"
#include "relay/record/spec.h"

namespace causeway::record {

/// Makes decoders: codecs::make_decoder, or a test's own.
using MakeDecoder = Result<std::unique_ptr<codecs::Decoder>, Error> (*)(const codecs::CodecConfig&);

/// Turns the ordered packets of one SSRC into sound on the timeline.
///
/// Packets whose timestamps follow one another are one piece of sound, and are put end to end: no
/// sample is cut or doubled there. Where the clock says that the piece runs early or late (drift,
/// or a minimum delay learned better), a packet is stretched or squeezed by at most 1/160 of its
/// length, by linear interpolation across all of it, which makes no click; errors below 0.25 ms are
/// left alone. After a gap the next piece begins exactly where the clock says. A piece that is off
/// by more than 80 ms (its clock was wrong by far) is broken off and begun anew.
///
/// Lost packets are silence, not concealment: a recording is evidence of what arrived. Pure; not
/// thread-safe.
class Voice {
 public:
  /// `codecs` is borrowed (the channel's table, which only grows).
  Voice(const std::vector<RecordedCodec>& codecs, std::size_t channel, SampleRate file_rate,
        MakeDecoder make_decoder);

  /// Decodes `packet` and puts its sound on the timeline, `since_start` after its beginning or
  /// directly after the sound before it. False where it cannot be decoded.
  bool play(const HeldPacket& packet, Duration since_start, PcmTimeline& timeline);
  /// No packet is there that continues sound which ends before file position `end`: gives out what
  /// the resampler still holds of it.
  void rest(std::int64_t end, PcmTimeline& timeline);

  /// Where the sound so far ends: what continues it begins there.
  [[nodiscard]] std::optional<Duration> sound_end() const;
  /// Samples that found their place already written.
  [[nodiscard]] std::uint64_t missed_samples() const { return missed_samples_; }
  /// Packets that lost most of their samples so: they came too late.
  [[nodiscard]] std::uint64_t missed_packets() const { return missed_packets_; }

 private:
  struct Piece {
    std::uint64_t run = 0;
    std::uint8_t codec_slot = 0;
    std::int64_t next_ticks = 0;  ///< The timestamp that continues it.
  };

  codecs::Decoder* decoder_for(std::uint8_t slot);
  codecs::Pcm to_mono(std::size_t samples, std::uint8_t channels);
  [[nodiscard]] bool continues(const HeldPacket& packet) const;
  bool begin_piece(const HeldPacket& packet, SampleRate pcm_rate, std::int64_t position);
  void end_piece(PcmTimeline& timeline);
  codecs::Pcm fitted(codecs::Pcm pcm, std::int64_t position, PcmTimeline& timeline);
  codecs::Pcm stretched(codecs::Pcm pcm, std::int64_t by);
  void emit(codecs::Pcm pcm, PcmTimeline& timeline);
  void resample(codecs::Pcm pcm, PcmTimeline& timeline);
  [[nodiscard]] std::int64_t next_position() const;
  [[nodiscard]] std::int64_t to_file_samples(std::int64_t pcm_samples) const;

  const std::vector<RecordedCodec>& codecs_;
  const std::size_t channel_;
  const SampleRate file_rate_;
  const MakeDecoder make_decoder_;
  std::vector<std::unique_ptr<codecs::Decoder>> decoders_;  // by codec slot
  std::vector<bool> is_refused_;                            // by codec slot: cannot be made

  std::optional<Piece> piece_;
  Duration delay_{};           // of the codec that speaks
  SampleRate pcm_rate_{0};     // of the decoder that speaks
  std::int64_t origin_ = 0;    // where the piece begins, in samples of the file
  std::int64_t in_count_ = 0;  // decoded samples of the piece

  std::unique_ptr<codecs::Resampler> resampler_;  // none where the rates are equal
  std::int64_t fed_ = 0;                          // samples that it took before this piece
  std::int64_t given_ = 0;                        // samples that it gave

  std::vector<std::int16_t> decoded_;
  std::vector<std::int16_t> stretched_;
  std::vector<std::int16_t> resampled_;
  std::uint64_t missed_samples_ = 0;
  std::uint64_t missed_packets_ = 0;
};

}  // namespace causeway::record
