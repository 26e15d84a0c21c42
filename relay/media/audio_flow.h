#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "codecs/comfort_noise.h"
#include "codecs/level.h"
#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/media/arrival_clock.h"
#include "relay/media/audio_input.h"
#include "relay/media/frame_sender.h"
#include "relay/media/sending.h"
#include "relay/wire/rtp.h"

namespace causeway::media {

/// The timeline of one transcoded stream: packets in order become sound, and whatever is missing
/// between them is filled, so that what goes to the FrameSender is one line without holes or jumps.
///
///     gap \ input  | packet, place free    | packet, place filled | deadline
///     -------------+-----------------------+----------------------+---------------------------
///     None         | fill what is missing, | (sender's own        | Concealing, or Silent where
///                  | decode                | overlap) decode      | silence was announced
///     Concealing   | the same, None        | late: dropped        | conceal; after 80 ms Silent
///     Silent       | the same, None        | late, or the fill    | noise; Resting where the
///                  |                       | had run ahead: None  | endpoint does without, or 30 s
///     Resting      | the same, None        | late                 | none is set
///
/// Losses are filled from in-band FEC for the packet directly before, from the decoder's
/// concealment otherwise: 60 ms at full level, faded to silence within 20 ms more. Silence is
/// filled by RFC 3389 noise where CN told of it, by the Opus decoder's own comfort noise where Opus
/// DTX did, else by nothing audible. Single-threaded; allocates only in create().
class AudioFlow {
 public:
  static constexpr Duration kConcealment = std::chrono::milliseconds(60);
  static constexpr Duration kFade = std::chrono::milliseconds(20);
  /// How long noise is made for a sender that fell silent without saying so: the media timeout.
  static constexpr Duration kUnannouncedFill = std::chrono::seconds(30);
  /// So many packets late one after the other mean that the way has become longer for good.
  static constexpr int kLateInRow = 5;

  struct Config {
    FrameSender::Config output;
    std::optional<PayloadType> noise_payload_type;
    bool has_dtx = false;
  };
  struct InputConfig {
    PayloadType payload_type;
    codecs::CodecConfig codec;
    RtpClockRate clock{8000};
  };
  /// Errors: those of FrameSender and the codecs.
  [[nodiscard]] static Result<AudioFlow, Error> create(const Config& config,
                                                       std::span<const InputConfig> inputs);

  [[nodiscard]] std::span<const AudioInput> inputs() const { return inputs_; }
  /// Whether a packet of audio has fixed the timeline.
  [[nodiscard]] bool is_running() const { return is_running_; }
  [[nodiscard]] const ArrivalClock& arrivals() const { return arrivals_; }
  /// The end of what was decoded or filled, in the input's clock.
  [[nodiscard]] RtpTimestamp filled_until() const { return filled_until_; }
  /// How long the last packet was.
  [[nodiscard]] Duration packet_duration() const;
  /// What a missing packet may be waited for at most: two packets' time, and no more than 40 ms.
  [[nodiscard]] Duration most_wait() const;

  /// A new timeline towards the endpoint: the first one, or after a discontinuity.
  void restart(const Sending& sending);
  /// Sends what is queued; nothing is filled until restart().
  void stop(const Sending& sending);
  /// Takes note of an arrival. REQUIRES: is_running(), the packet's clock is arrivals().clock().
  void observe(RtpTimestamp timestamp, Instant arrival) { arrivals_.observe(timestamp, arrival); }

  struct Played {
    bool is_late = false;
    Duration lateness{};  ///< Where late: since its place was filled.
  };
  /// Plays a packet whose turn it is; `lost` packets directly before it never came. REQUIRES:
  /// samples_in() of the payload is not refused, the clock is that of the timeline.
  Played play(const Sending& sending, const wire::OpenRtp& packet, std::size_t input, int lost);
  /// Comfort noise is what follows from here on, `model` says which. `timestamp` is nothing where
  /// the packet's clock is not that of the timeline.
  void play_noise(const Sending& sending, std::optional<RtpTimestamp> timestamp,
                  const codecs::NoiseModel& model, int lost);

  /// When the place of a missing packet is filled; `window` is the reorder window.
  [[nodiscard]] std::optional<Instant> deadline(Duration window) const;
  /// Spurious calls are no-ops.
  void handle_deadline(const Sending& sending, Duration window);

  /// What is missing from now on is silence (an event takes the sound's place).
  void expect_silence() {
    expects_silence_ = true;
    noise_source_ = NoiseSource::Nothing;
  }
  /// Sends what is queued, its last frame filled up with silence.
  void break_off(const Sending& sending);
  /// Moves the timeline forward to `timestamp`, silent and unsent: an event lay there.
  void pass_over(const Sending& sending, RtpTimestamp timestamp);

  /// Of what was decoded, and of what was made where packets were missing.
  [[nodiscard]] const codecs::LevelMeter& level() const { return level_; }
  [[nodiscard]] FrameSender& sender() { return sender_; }
  [[nodiscard]] const FrameSender& sender() const { return sender_; }
  [[nodiscard]] Duration standing_delay() const;

  /// Goes on where `old` was.
  void take_over(AudioFlow& old);

 private:
  enum class Gap : std::uint8_t { None, Concealing, Silent, Resting };
  enum class NoiseSource : std::uint8_t { Nothing, Generator, Decoder };
  static constexpr std::size_t kNoInput = SIZE_MAX;

  AudioFlow(const Config& config, FrameSender sender, std::vector<AudioInput> inputs);

  void anchor(const Sending& sending, const wire::OpenRtp& packet, std::size_t input);
  void select(std::size_t input);
  [[nodiscard]] Played judge_overlap(const Sending& sending, RtpTimestamp timestamp,
                                     std::int64_t ticks);
  void decode(const Sending& sending, const wire::OpenRtp& packet, std::size_t samples);
  /// Hands `samples` per channel of scratch_ on, without the first `skipped`.
  void hand_on(const Sending& sending, std::size_t samples, std::size_t skipped = 0);

  void fill_loss(const Sending& sending, std::int64_t missing, Bytes next, std::int64_t next_ticks);
  void conceal(const Sending& sending, std::int64_t ticks);
  [[nodiscard]] std::int64_t concealable(std::int64_t ticks) const;
  void fade(std::size_t samples);
  void fill_silence(const Sending& sending, std::int64_t ticks);
  void skip(const Sending& sending, std::int64_t ticks);
  void make_noise(const Sending& sending, std::int64_t ticks);
  void fall_silent(const Sending& sending);
  void fill_step(const Sending& sending);
  void send_noise_packet(const Sending& sending);
  void end_gap();

  [[nodiscard]] AudioInput& active() { return inputs_[active_]; }
  [[nodiscard]] bool has_active() const { return active_ != kNoInput; }
  [[nodiscard]] RtpClockRate clock() const { return arrivals_.clock(); }
  [[nodiscard]] std::int64_t ticks_in(Duration time) const {
    return duration_to_ticks(time, clock());
  }
  /// A sender's timestamps may be this far from what its packets hold: half a packet, at most 10
  /// ms.
  [[nodiscard]] std::int64_t tolerance() const;

  Config config_;
  FrameSender sender_;
  std::vector<AudioInput> inputs_;
  std::vector<std::int16_t> scratch_;    ///< One packet at the decoder's rate.
  std::vector<std::int16_t> resampled_;  ///< The same at the encoder's.
  codecs::NoiseGenerator noise_;
  std::uint8_t noise_level_ = 127;
  codecs::LevelMeter level_;

  bool is_running_ = false;
  ArrivalClock arrivals_;
  std::size_t active_ = kNoInput;
  RtpTimestamp filled_until_;
  std::int64_t packet_ticks_ = 0;

  Gap gap_ = Gap::None;
  Duration concealed_{};          ///< In this gap.
  std::int64_t in_packet_ = 0;    ///< Ticks filled of the missing packet that is being filled.
  RtpTimestamp concealed_from_;   ///< Where filling by the deadline began in this gap ...
  Instant concealed_at_{};        ///< ... and when.
  bool expects_silence_ = false;  ///< The sender has said that it falls silent.
  NoiseSource noise_source_ = NoiseSource::Nothing;
  Duration fill_left_{};
  int late_in_row_ = 0;
};

}  // namespace causeway::media
