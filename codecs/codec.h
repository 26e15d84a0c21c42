#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "relay/base/bytes.h"
#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/base/types.h"

namespace causeway::codecs {

/// The codecs that the relay can decode and encode. Anything else is opaque and only forwarded.
enum class CodecId : std::uint8_t { Pcmu, Pcma, G722, Opus, L16 };

/// Encoder settings of Opus (RFC 7587, RFC 6716). Defaults are the relay's.
struct OpusEncoderSettings {
  std::uint32_t bitrate = 24'000;            ///< Bits a second, 6000..510000.
  std::optional<std::uint8_t> complexity{};  ///< 0..10; absent: usual_complexity().
  bool has_inband_fec = false;               ///< LBRR: works in SILK and hybrid modes only.
  std::uint8_t expected_loss_percent = 0;    ///< 0..100; LBRR needs more than 0.
  bool has_dtx = false;
  bool is_cbr = false;

  friend bool operator==(const OpusEncoderSettings&, const OpusEncoderSettings&) = default;
};

/// The complexity that Opus is encoded with where nobody says otherwise: 5, and 1 at 8 kHz, where
/// more costs twice as much and brings nothing that we could measure (relay/adr/0014).
[[nodiscard]] constexpr std::uint8_t usual_complexity(SampleRate rate) {
  return rate == SampleRate(8'000) ? 1 : 5;
}

/// Which codec, at which rate of PCM. `rate` and `channels` are those of the PCM side: an Opus
/// decoder opened at 8000 gives 8 kHz whatever the sender encoded (and mixes stereo to mono).
struct CodecConfig {
  CodecId id = CodecId::Pcmu;
  /// PCM rate. Opus: 8000, 12000, 16000, 24000 or 48000. G.722: 16000, or 8000: its lower band
  /// alone, at less than half the cost, for a side that has nothing above 4 kHz. PCMU, PCMA: 8000.
  /// L16: any of 8000, 16000, 32000, 44100, 48000.
  SampleRate rate{8000};
  std::uint8_t channels = 1;  ///< 1 or 2 (2: Opus and L16 only).
  OpusEncoderSettings opus{};

  friend bool operator==(const CodecConfig&, const CodecConfig&) = default;
};

/// The longest packet that is decoded (RFC 3551 4.2: a receiver takes up to 200 ms; Opus ends at
/// 120 by its own framing), and the PCM room that it needs.
inline constexpr Duration kMaxPacketDuration = std::chrono::milliseconds(200);
inline constexpr std::size_t kMaxPcmSamples = 48'000 * 200 / 1000;  ///< Per channel.

/// Samples, 16-bit, interleaved where there are two channels.
using Pcm = std::span<const std::int16_t>;
using MutablePcm = std::span<std::int16_t>;

/// Packets to PCM for one stream. One packet loss concealment state; not thread-safe; nothing
/// allocates after make_decoder.
class Decoder {
 public:
  virtual ~Decoder() = default;

  [[nodiscard]] virtual const CodecConfig& config() const = 0;
  /// How much sound `payload` holds, from its framing alone: samples per channel at config().rate.
  /// Errors: BadPayload (empty, more than 200 ms, framing that lies: RFC 6716 3.4).
  [[nodiscard]] virtual Result<std::size_t, DropReason> samples_in(Bytes payload) const = 0;
  /// Decodes one packet. `out` has room for kMaxPcmSamples per channel. Returns samples per
  /// channel. Errors: BadPayload; the state is then as if the packet had been lost and not yet
  /// concealed.
  [[nodiscard]] virtual Result<std::size_t, DropReason> decode(Bytes payload, MutablePcm out) = 0;
  /// Fills a loss of exactly `samples` per channel from the codec's own concealment. Opus: what is
  /// left of a multiple of 2.5 ms is silence (libopus knows no smaller unit); G.711, G.722, L16:
  /// any length (plc.h), faded to silence after 50 to 60 ms.
  virtual void conceal(std::size_t samples, MutablePcm out) = 0;
  /// Fills a loss of `samples` per channel, directly before the packet `next`, from next's in-band
  /// FEC. Returns false, with `out` and the state untouched, where the codec or `next` carries
  /// none; the caller then conceals. `next` itself is to be decoded afterwards. FEC holds as much
  /// as one frame of `next`: it fills the end of a longer loss, the start of which is concealed,
  /// and is of no use (false) to a shorter one.
  [[nodiscard]] virtual bool recover(Bytes next, std::size_t samples, MutablePcm out) = 0;
  /// Forgets the stream: as if newly made. For a discontinuity (another SSRC, a restart).
  virtual void reset() = 0;
};

/// PCM to packets for one stream. Not thread-safe; nothing allocates after make_encoder.
class Encoder {
 public:
  virtual ~Encoder() = default;

  [[nodiscard]] virtual const CodecConfig& config() const = 0;
  /// Encodes one packet of `pcm` (10, 20, 40 or 60 ms for Opus; any whole number of octets for the
  /// others; a multiple of config().channels). Returns octets written, 0 where DTX sends nothing:
  /// libopus then makes a packet of one or two octets, which is not to be sent. `out` has room for
  /// 1500 octets. Errors: BadPayload where the frame has no legal length or does not fit.
  [[nodiscard]] virtual Result<std::size_t, DropReason> encode(Pcm pcm, MutableBytes out) = 0;
  /// The sound that the encoder holds back: samples per channel at config().rate.
  [[nodiscard]] virtual std::size_t lookahead() const = 0;
  /// Opus: what the far side reports as loss, 0..100; others ignore it.
  virtual void set_expected_loss(std::uint8_t percent) = 0;
  /// Goes on with other settings and its state: what `config.opus` holds, of an Opus encoder.
  /// Returns false, and changes nothing, where the configuration differs in more than that.
  [[nodiscard]] virtual bool reconfigure(const CodecConfig& config) {
    return config == this->config();
  }
};

/// Errors: InvalidArgument (a rate or channel count that the codec does not have), Internal.
[[nodiscard]] Result<std::unique_ptr<Decoder>, Error> make_decoder(const CodecConfig& config);
[[nodiscard]] Result<std::unique_ptr<Encoder>, Error> make_encoder(const CodecConfig& config);

/// The RTP clock of a codec: G.722 8000, Opus 48000, others their sample rate.
[[nodiscard]] RtpClockRate rtp_clock_of(const CodecConfig& config);

}  // namespace causeway::codecs
