#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "codecs/codec.h"
#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/media/emit.h"
#include "relay/wire/rtp.h"

namespace causeway::media {

/// What a Transcoder has done since it was made (or since the one it took over from was).
/// Packets where nothing else is said. Each input packet adds to exactly one of the first block.
struct TranscoderCounters {
  std::uint64_t decoded = 0;
  std::uint64_t late = 0;                  ///< Its place had been concealed: dropped.
  std::uint64_t duplicate = 0;             ///< Dropped.
  std::uint64_t bad_payload = 0;           ///< The codec, event or noise payload lies: dropped.
  std::uint64_t unknown_payload_type = 0;  ///< Dropped.
  std::uint64_t event_packets = 0;         ///< telephone-event, repeated ones included.
  std::uint64_t noise_packets = 0;         ///< RFC 3389.

  std::uint64_t reordered = 0;      ///< Came after a later one, and was still used.
  std::uint64_t lost = 0;           ///< Sequence numbers given up; a late packet stays lost.
  std::uint64_t fec_recovered = 0;  ///< Losses filled from in-band FEC.
  std::uint64_t concealed = 0;      ///< Losses filled, or begun to be filled, by concealment.
  Duration concealed_time{};        ///< Concealment and its fade.
  std::uint64_t silences = 0;       ///< Timestamp jumps without a sequence jump (DTX).
  std::uint64_t dtx_fills = 0;  ///< Frames of comfort noise or silence made for a silent sender.
  std::uint64_t discontinuities = 0;

  std::uint64_t encoded = 0;         ///< Audio packets sent.
  std::uint64_t dtx_frames = 0;      ///< Frames for which the encoder sends nothing.
  std::uint64_t paced = 0;           ///< Packets sent by the pacing timer, not by their input.
  std::uint64_t events = 0;          ///< telephone-events begun towards the endpoint.
  std::uint64_t events_unheard = 0;  ///< Events for an endpoint that has no telephone-event.
  std::uint64_t noise_sent = 0;      ///< RFC 3389 packets sent.
  std::uint64_t pool_empty = 0;      ///< Packets not sent for want of a buffer.
};

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
  [[nodiscard]] static Result<std::unique_ptr<Transcoder>, Error> create(const Config& config);
  ~Transcoder();

  /// An opened packet of the sending leg. `now` is its arrival.
  void handle_packet(Instant now, wire::OpenRtp packet, Emit& out);
  /// Spurious calls are no-ops.
  void handle_timeout(Instant now, Emit& out);
  /// Nothing while there is nothing to wait for.
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  /// Goes on where `old` was, before the first packet: decoders, resamplers and the encoder of
  /// codecs that stay (equal CodecConfig; what set_expected_loss() set stays with the encoder), the
  /// framing remainder, packets held, event and timing state. `old` is then only fit to be freed.
  void take_over(Transcoder& old);

  /// For the time that the leg is sent something else (digits of SendDtmf): audio is decoded, so
  /// that nothing jumps afterwards, and time passes on the output's timeline, but none is sent.
  void set_suppressed(bool is_suppressed);
  /// What the far side's receiver reports say is lost, 0..100: the encoder's FEC follows.
  void set_expected_loss(std::uint8_t percent);

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
