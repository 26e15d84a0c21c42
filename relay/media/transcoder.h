#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "codecs/codec.h"
#include "codecs/level.h"
#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/media/emit.h"
#include "relay/media/transcoder_counters.h"
#include "relay/wire/rtp.h"

namespace causeway::media {

/// The audio of one leg in another codec: decode, resample, encode on arrival, with one deadline
/// (DESIGN.md section 3; relay/adr/0010 says how the deadline is reckoned). Sans-I/O: it sends
/// through Emit, and wants handle_timeout() at next_timeout().
///
///     packet -> ReorderWindow -> decoder of its payload type -> FrameSender (ptime, pacing) ->
///     Emit
///                    |                    ^                          ^
///                    | a place is missing | FEC, concealment, noise  | telephone-events between
///                    +---- deadline ------+                          | the frames, never audio
///
/// Made off the worker, used by one worker, freed off it. Nothing allocates after create().
class Transcoder {
 public:
  /// An audio codec that the sending endpoint may use.
  struct Input {
    PayloadType payload_type;
    codecs::CodecConfig codec;  ///< `rate`: what is decoded to (Opus towards G.711: 8000).
    RtpClockRate clock{8000};
  };
  /// A telephone-event (RFC 4733) or comfort noise (RFC 3389) payload type of the sending endpoint.
  struct Signal {
    PayloadType payload_type;
    RtpClockRate clock{8000};
  };
  struct Output {
    PayloadType payload_type;
    codecs::CodecConfig codec;
    RtpClockRate clock{8000};
    Duration ptime = std::chrono::milliseconds(20);
    /// The one whose clock is that of `codec`; without it events are not sent.
    std::optional<PayloadType> event_payload_type;
    std::optional<PayloadType> noise_payload_type;
    /// The endpoint may be left without packets in silence (Opus with usedtx, CN).
    bool has_dtx = false;
  };
  struct Config {
    std::vector<Input> inputs;
    std::vector<Signal> events;
    std::vector<Signal> noises;
    Output output;
  };

  /// Makes all decoders, the encoder and every buffer.
  /// Errors: InvalidArgument (CODEC_UNSUPPORTED, PTIME_UNSUPPORTED), Internal.
  /// REQUIRES: payload types up to 127, each used once; clock rates are not zero.
  [[nodiscard]] static Result<std::unique_ptr<Transcoder>, Error> create(const Config& config);
  ~Transcoder();

  /// An opened packet of the sending leg. `now` is its arrival.
  void handle_packet(Instant now, wire::OpenRtp packet, Emit& out);
  /// Spurious calls are no-ops.
  void handle_timeout(Instant now, Emit& out);
  /// The sender's audio goes another way from here on: it uses a codec that passes untouched. Sends
  /// what is queued and waits for nothing; the next packet begins anew. A no-op until then.
  void stand_by(Instant now, Emit& out);
  /// Nothing while there is nothing to wait for.
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  /// Goes on where `old` was, before the first packet: decoders, resamplers and the encoder of
  /// codecs that stay (equal codec, rate and channels; the encoder takes its new settings on),
  /// what set_expected_loss() and set_suppressed() set, the framing remainder, packets held, event
  /// and timing state. `old` is then only fit to be freed.
  void take_over(Transcoder& old);
  /// Gives every packet that is held back to its pool. Called on the worker before it is handed to
  /// another thread to be freed: a pool belongs to one.
  void release_packets();

  /// For the time that the leg is sent something else (digits of SendDtmf): audio is decoded, so
  /// that nothing jumps afterwards, and time passes on the output's timeline, but none is sent.
  void set_suppressed(bool is_suppressed);
  /// What the far side's receiver reports say is lost, 0..100: the encoder's FEC follows.
  void set_expected_loss(std::uint8_t percent);

  /// What the sound is made from that the output stream's next_timestamp() will be heard at: it was
  /// captured `delay` before the sender's `timestamp`.
  struct Origin {
    Ssrc ssrc;
    RtpTimestamp timestamp;
    RtpClockRate clock;
    Duration delay{};  ///< standing_delay()
  };
  /// Nothing where there is no sound to go on from.
  [[nodiscard]] std::optional<Origin> origin() const;

  struct Levels {
    std::optional<codecs::LevelMeter::Levels> decoded;
    std::optional<codecs::LevelMeter::Levels> encoded;
  };
  /// How loud its sound is. Nothing before there is any, and while it stands by.
  [[nodiscard]] Levels levels() const;
  [[nodiscard]] const TranscoderCounters& counters() const;
  /// How long a missing packet is waited for at present, once a later one shows that it is missing.
  [[nodiscard]] Duration reorder_window() const;
  /// What the path adds to the sound's way at present: encoder look-ahead, resampler filter, and
  /// the framing remainder.
  [[nodiscard]] Duration standing_delay() const;

 private:
  struct Parts;
  explicit Transcoder(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace causeway::media
