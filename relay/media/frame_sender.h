#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "codecs/codec.h"
#include "codecs/level.h"
#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/media/framer.h"
#include "relay/media/sending.h"

namespace causeway::media {

/// The sending half of a transcoder: PCM in the encoder's format becomes frames of one ptime, is
/// encoded and sent. The stream's next timestamp is always that of the first sample queued here.
///
/// Pacing: of the frames that one input makes, the first goes at once and the others follow one
/// ptime apart. The next input sends off at once what still waits, so that nothing overtakes,
/// nothing piles up, and what came in order leaves at the instant at which it came.
///
/// Single-threaded; allocates only in create().
class FrameSender {
 public:
  struct Config {
    PayloadType payload_type;
    codecs::CodecConfig codec;
    RtpClockRate clock{8000};
    Duration ptime{};
  };
  /// How much sound can be queued: a packet of 200 ms, what fills a gap before it, a remainder.
  static constexpr Duration kCapacity = std::chrono::milliseconds(400);
  /// What a packet buffer holds beside the RTP header: 10 ms of L16/44100/2 are 1764 octets.
  static constexpr std::size_t kMaxPayload = 1800;

  /// Errors: InvalidArgument (CODEC_UNSUPPORTED, PTIME_UNSUPPORTED), Internal.
  [[nodiscard]] static Result<FrameSender, Error> create(const Config& config);

  /// Queues sound. What there is no room for makes whole frames leave early.
  void push(const Sending& sending, codecs::Pcm pcm);
  void push_silence(const Sending& sending, std::size_t samples_per_channel);
  /// After the sound of one input: sends the first whole frame and paces the others.
  void send_one(const Sending& sending);
  /// Sends every whole frame at once.
  void flush(const Sending& sending);
  /// Sends everything, the last frame filled up with silence. Returns how much silence that took.
  Duration flush_padded(const Sending& sending);
  /// Lets time pass on the output's timeline. REQUIRES: remainder() is zero.
  void skip(const Sending& sending, Duration time);
  /// Moves the timeline on where it is behind what was sent: an event that was cut short by a
  /// re-plan, or lay further on than its sound. Called before anything is sent at next_timestamp().
  static void catch_up(const Sending& sending);
  /// A new timeline: the next timestamp is the last one plus the time since. Drops the queue.
  void resume(const Sending& sending);

  /// The next frame begins a talkspurt: marker.
  void mark_talkspurt() { is_talkspurt_ = true; }
  /// While set, frames are not encoded and not sent, though time passes.
  void set_suppressed(bool is_suppressed) { is_suppressed_ = is_suppressed; }
  [[nodiscard]] bool is_suppressed() const { return is_suppressed_; }
  void set_expected_loss(std::uint8_t percent) {
    expected_loss_ = percent;
    encoder_->set_expected_loss(percent);
  }

  /// Samples per channel, in the encoder's format.
  [[nodiscard]] std::size_t samples_in(Duration time) const;
  /// Of what was encoded.
  [[nodiscard]] const codecs::LevelMeter& level() const { return level_; }
  /// Sound that is queued.
  [[nodiscard]] Duration remainder() const;
  [[nodiscard]] Duration lookahead() const;
  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] Duration ptime() const { return config_.ptime; }
  /// The last frame was one for which the encoder sends nothing (Opus DTX).
  [[nodiscard]] bool is_in_dtx() const { return is_in_dtx_; }

  void handle_timeout(const Sending& sending);
  [[nodiscard]] std::optional<Instant> next_timeout() const { return pace_at_; }

  /// Goes on where `old` was. The queue moves even to another rate.
  void take_over(FrameSender& old);

 private:
  FrameSender(const Config& config, std::unique_ptr<codecs::Encoder> encoder);
  [[nodiscard]] Duration time_of(std::size_t values) const;
  void make_room(const Sending& sending, std::size_t values);
  void send_frame(const Sending& sending);
  void adopt_queue(const FrameSender& old);

  Config config_;
  std::unique_ptr<codecs::Encoder> encoder_;
  Framer framer_;
  std::uint32_t frame_ticks_;
  codecs::LevelMeter level_;
  std::optional<std::uint8_t> expected_loss_;  ///< As set; the configuration's otherwise.
  std::optional<Instant> pace_at_;
  bool is_talkspurt_ = false;
  bool is_suppressed_ = false;
  bool is_in_dtx_ = false;
  bool has_new_clock_ = false;  ///< Taken over from a sender with another clock.
};

}  // namespace causeway::media
