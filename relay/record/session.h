#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "relay/base/time.h"
#include "relay/record/file_write.h"
#include "relay/record/frame.h"
#include "relay/record/opus_track.h"
#include "relay/record/packet_order.h"
#include "relay/record/pcm_timeline.h"
#include "relay/record/spec.h"
#include "relay/record/voice.h"
#include "relay/record/wav_writer.h"

namespace causeway::record {

/// What one channel of a recording experienced, for its metadata.
struct ChannelCounts {
  StreamCounts streams;  ///< Sum over the channel's SSRCs.
  std::uint64_t ssrcs = 0;
  std::uint64_t undecodable = 0;       ///< Packets of unknown codecs, or that the codec refused.
  std::uint64_t telephone_events = 0;  ///< Packets.
  std::uint64_t comfort_noise = 0;     ///< Packets.
  std::uint64_t ring_lost = 0;         ///< Packets that never came here.
  std::uint64_t ring_lost_octets = 0;
};

/// One recording from its first frame to its last: orders, decodes, aligns, frames. Frames in, file
/// writes out; time comes only through advance(). Pure; not thread-safe.
///
///     state     | Start at  | Pause at | Resume at | Stop at       | advance past Stop + horizon
///     Waiting   | Recording | -        | -         | Done          | -
///     Recording | -         | Paused   | -         | ends there    | Done
///     Paused    | -         | -        | Recording | ends there    | Done
///
/// The file runs `horizon` behind the clock: until then a packet may still come and find its place,
/// in any order; later it is counted late. A packet is placed where its first sample would have
/// been heard had it waited nowhere (ArrivalClock), minus what its codec held back (codec_delay);
/// where nothing is placed there is silence. telephone-event and comfort noise are silence too.
class RecordingSession {
 public:
  struct Options {
    MakeDecoder make_decoder = nullptr;
    /// How far the file runs behind the clock.
    Duration horizon = std::chrono::milliseconds(500);
    /// The longest time that is not in the file yet, beyond the horizon.
    Duration flush_every = std::chrono::milliseconds(400);
    std::uint64_t max_riff_octets = WavWriter::kMaxRiffOctets;
    std::uint32_t ogg_serial = 1;
    std::size_t max_ssrcs_per_channel = 8;
  };
  enum class State : std::uint8_t { Waiting, Recording, Paused, Done };

  /// REQUIRES: a spec that check() accepts.
  RecordingSession(RecordingSpec spec, const Options& options);
  ~RecordingSession();
  RecordingSession(const RecordingSession&) = delete;
  RecordingSession& operator=(const RecordingSession&) = delete;

  /// What is wrong with a spec, if anything (InvalidArgument).
  [[nodiscard]] static Result<void, Error> check(const RecordingSpec& spec);

  /// Emits the file's head, so that it is a playable one before any sound. Once, before all else.
  void begin(std::vector<FileWrite>& out);
  /// Takes a frame of this recording.
  void handle_frame(const Frame& frame);
  /// A further codec of a channel; its slot is the next one.
  void add_codec(std::uint8_t channel, RecordedCodec codec);
  /// Every frame that arrived before `now` has been handed in: writes what is settled by now.
  void advance(Instant now, std::vector<FileWrite>& out);
  /// The end: everything that is held is written, up to `now` or Stop. Once.
  void finish(Instant now, std::vector<FileWrite>& out);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const RecordingSpec& spec() const { return spec_; }
  [[nodiscard]] std::optional<Instant> started_at() const { return start_; }
  /// The moment up to which the file is settled. REQUIRES: started_at().
  [[nodiscard]] Instant ends_at() const { return *start_ + written_; }
  /// How much recording the file holds or is about to: written time, without what was cut.
  [[nodiscard]] Duration duration() const { return written_ - cut_; }
  [[nodiscard]] std::uint64_t file_octets() const;
  /// Whether some packet could not be decoded.
  [[nodiscard]] bool has_undecodable() const;
  [[nodiscard]] ChannelCounts counts(std::size_t channel) const;
  [[nodiscard]] ChannelCounts total_counts() const;

 private:
  struct Stream;
  struct Channel;

  void handle_packet(const Frame& frame);
  [[nodiscard]] const RecordedCodec* codec_of(const Channel& channel, std::uint8_t slot,
                                              PayloadType type, std::uint8_t& slot_out) const;
  Stream& stream_for(Channel& channel, std::size_t index, Ssrc ssrc);
  void handle_marker(const FrameHeader& header);
  void write_until(Duration end, std::vector<FileWrite>& out);
  void play_until(Duration end);
  void decode_until(Duration end);
  void keep_until(Instant end);
  [[nodiscard]] Duration cut_until(Instant at) const;
  void close_step(Duration end);
  void flush(bool is_last, std::vector<FileWrite>& out);
  [[nodiscard]] bool is_paused_at(Instant at) const;

  RecordingSpec spec_;
  const Options options_;
  State state_ = State::Waiting;
  std::vector<std::unique_ptr<Channel>> channels_;

  std::optional<Instant> start_;
  std::optional<Instant> stop_;
  /// A stretch of pause; an open one ends never.
  struct Pause {
    Instant from;
    Instant until = Instant::max();
  };
  std::vector<Pause> pauses_;  // those that the file has not passed yet

  Duration written_{};  // since start, settled
  Duration flushed_{};
  Duration cut_{};

  // One of the two, by spec_.container.
  std::optional<PcmTimeline> timeline_;
  std::optional<WavWriter> wav_;
  std::vector<std::int16_t> taken_;
  std::optional<OpusTrack> opus_;
};

}  // namespace causeway::record
