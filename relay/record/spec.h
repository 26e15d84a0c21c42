#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/codec.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/record/frame.h"

namespace causeway::record {

/// What kind of file is written.
enum class Container : std::uint8_t {
  WavPcm,   ///< 16-bit PCM, one WAV channel for each ChannelSpec; RF64 when it grows large.
  OggOpus,  ///< The Opus packets of exactly one channel as they came, not re-encoded (RFC 7845).
};

/// What a payload type carries, as far as a recorder cares.
enum class PayloadKind : std::uint8_t {
  Audio,           ///< `codec` says which.
  TelephoneEvent,  ///< RFC 4733: never decoded as sound.
  ComfortNoise,    ///< RFC 3389: written as silence.
  Opaque,          ///< A codec that we do not know: silence, and the recording is degraded.
  NotSound,        ///< Video and the like on the same leg: none of the recording's business.
};

/// One line of a channel's codec table.
struct RecordedCodec {
  PayloadType type;
  PayloadKind kind = PayloadKind::Audio;
  codecs::CodecConfig codec;  ///< Audio only, as negotiated; the session picks decoder rates.
  RtpClockRate clock{8000};   ///< Of the RTP timestamps.
  std::string name;           ///< For the metadata: "opus/48000/2".
};

/// One channel of a recording: what one leg sends to us (as received).
struct ChannelSpec {
  std::string leg;                    ///< Its resource name, for the metadata.
  std::vector<RecordedCodec> codecs;  ///< Slots keep their meaning; Recorder::add_codec appends.
};

/// What becomes of the time between Pause and Resume.
enum class PauseMode : std::uint8_t {
  Silence,  ///< Written as silence: positions in the file stay true to the clock. The default.
  Cut,      ///< Left out: later positions are earlier by the paused time.
};

/// Everything that a recording is, settled by the planner before it starts.
struct RecordingSpec {
  RecordingId id;
  std::string name;  ///< Resource name, for the metadata.
  /// Relative to the recorder's directory, of safe components only: "{session}/{recording}.wav".
  /// The metadata file stands beside it as "{recording}.json".
  std::string path;
  Container container = Container::WavPcm;
  std::vector<ChannelSpec> channels;  ///< WavPcm: 1 or 2 (0 = leg A, 1 = leg B). OggOpus: 1.
  SampleRate rate{8000};              ///< WavPcm: 8000, 16000 or 48000; see recording_rate().
  PauseMode pause_mode = PauseMode::Silence;
};

/// The rate of a WAV file that holds these codecs without loss of band: 8 kHz where all are G.711,
/// else 16, else (an Opus or L16 leg that may send more than wide band) 48.
[[nodiscard]] SampleRate recording_rate(const std::vector<ChannelSpec>& channels);

/// How long a codec's own encoder and decoder together hold sound back, so that it can be put where
/// it was spoken: Opus 312/48000 s (libopus' lookahead, RFC 7845 5.1), G.722 22/16000 s (its two
/// QMF banks, G.722 table 11), none for the others.
[[nodiscard]] Duration codec_delay(codecs::CodecId id);

/// Why a recording is not all that it should be.
enum class DegradeReason : std::uint8_t {
  None,
  RingFull,      ///< The recorder did not keep up; packets are missing. The worker says so first.
  DiskFull,      ///< ENOSPC or EDQUOT: what cannot be kept in memory until there is room is a hole.
  DiskError,     ///< EIO and the like.
  CannotOpen,    ///< The file could not be made at all (with Failed).
  UnknownCodec,  ///< Packets that cannot be decoded (or are not Opus, in OggOpus).
  RecorderSlow,  ///< The recorder waits for its disk, or for a CPU; nothing is missing yet.
};
[[nodiscard]] std::string_view name_of(DegradeReason reason);

/// What happens to a recording, told to control/.
enum class RecordingEventKind : std::uint8_t {
  Started,
  Paused,
  Resumed,
  Degraded,   ///< `reason`: each is told once, the disk's and the ring's again after Recovered.
  Recovered,  ///< From `reason`: nothing more is lost; what was dropped stays dropped.
  Grown,      ///< How much there is by now, once a second while it grows.
  Stopped,    ///< The last one. The file and its metadata are complete.
  Failed,     ///< The last one, too: there is no file.
};

struct RecordingEvent {
  RecordingId id;
  RecordingEventKind kind = RecordingEventKind::Started;
  DegradeReason reason = DegradeReason::None;
  Instant at;                        ///< When. Started: of the file's first sample.
  int system_error = 0;              ///< errno where the disk is the reason.
  std::uint64_t octets = 0;          ///< Of the file so far.
  Duration duration{};               ///< Of the recording so far.
  std::uint64_t lost_packets = 0;    ///< In the ring: never seen by the recorder.
  std::uint64_t late_packets = 0;    ///< Came after their place had been written.
  std::uint64_t dropped_octets = 0;  ///< Holes that the disk made.
};

}  // namespace causeway::record
