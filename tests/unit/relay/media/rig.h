#pragma once

#include <opus.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "relay/base/packet_buf.h"
#include "relay/media/emit.h"
#include "relay/media/transcoder.h"
#include "relay/rtp/continuity.h"
#include "relay/wire/rtp.h"

/// What the tests of relay/media share: virtual time, speech, and libopus called directly.
namespace causeway::media::test {

using std::chrono::milliseconds;
using Samples = std::vector<std::int16_t>;
using Octets = std::vector<std::byte>;

inline constexpr PayloadType kPcmu{0};
inline constexpr PayloadType kPcma{8};
inline constexpr PayloadType kG722{9};
inline constexpr PayloadType kNoise{13};
inline constexpr PayloadType kOpus{111};
inline constexpr PayloadType kEvent8{101};
inline constexpr PayloadType kEvent48{110};
inline constexpr Ssrc kSource{0x1111};
inline constexpr Ssrc kSink{0x2222};

[[nodiscard]] constexpr Instant at(Duration since_start) {
  return Instant(std::chrono::seconds(1000)) + since_start;
}

/// One packet that the transcoder sent.
struct Sent {
  Instant at{};
  PayloadType type;
  bool has_marker = false;
  SeqNum seq;
  RtpTimestamp timestamp;
  Ssrc ssrc;
  Octets payload;
};

/// One packet for the transcoder.
struct Given {
  PayloadType type;
  SeqNum seq;
  RtpTimestamp timestamp;
  Octets payload;
  bool has_marker = false;
  Ssrc ssrc = kSource;
};

/// Configurations of one codec at the rates that the planner chooses.
[[nodiscard]] codecs::CodecConfig pcmu();
[[nodiscard]] codecs::CodecConfig pcma();
[[nodiscard]] codecs::CodecConfig g722();
[[nodiscard]] codecs::CodecConfig opus(std::uint32_t rate = 8000, std::uint8_t channels = 1);

/// One input and one output, 20 ms, with telephone-events of their clocks.
[[nodiscard]] Transcoder::Config config_of(PayloadType from_type, const codecs::CodecConfig& from,
                                           PayloadType to_type, const codecs::CodecConfig& to);
[[nodiscard]] Transcoder::Config opus_to_pcmu();
[[nodiscard]] Transcoder::Config pcmu_to_opus();

/// A transcoder under virtual time: timeouts happen exactly when they are due.
class Rig {
 public:
  explicit Rig(const Transcoder::Config& config);

  /// Lets time pass until `now`, then hands the packet over.
  void give(Instant now, const Given& packet);
  void run_until(Instant now);
  void replan(const Transcoder::Config& config);

  [[nodiscard]] Transcoder& transcoder() { return *transcoder_; }
  [[nodiscard]] const TranscoderCounters& counters() const { return transcoder_->counters(); }
  [[nodiscard]] const std::vector<Sent>& sent() const { return sent_; }
  /// What was sent with this payload type.
  [[nodiscard]] std::vector<Sent> sent_as(PayloadType type) const;
  [[nodiscard]] rtp::OutputStream& stream() { return stream_; }
  [[nodiscard]] PacketPool& pool() { return pool_; }
  [[nodiscard]] Emit emit() { return {pool_, stream_, packets_}; }
  /// Moves what lies in the outbox to sent().
  void collect(Instant now);
  [[nodiscard]] wire::OpenRtp make(const Given& packet);

 private:
  PacketPool pool_{512};
  rtp::OutputStream stream_;
  std::vector<wire::OpenRtp> packets_;
  std::unique_ptr<Transcoder> transcoder_;
  std::vector<Sent> sent_;
  Instant now_{};
};

/// Human speech at 8 kHz, about 10 s, from Debian's asterisk-core-sounds-en-wav; a synthetic voice
/// (says so once) where that is not installed. `rate`: repeated or interpolated to it.
[[nodiscard]] Samples speech(std::uint32_t rate = 8000);

/// The packets of `pcm` as a sender of `ptime` makes them, from sequence number 100 and timestamp
/// 5000 on, 20 ms of PCM at a time.
[[nodiscard]] std::vector<Given> packets_of(const codecs::CodecConfig& codec, PayloadType type,
                                            const Samples& pcm, Duration ptime);

/// libopus, not ours.
class OpusReference {
 public:
  explicit OpusReference(std::uint32_t rate, int channels = 1);
  ~OpusReference() { opus_decoder_destroy(state_); }
  OpusReference(const OpusReference&) = delete;
  OpusReference& operator=(const OpusReference&) = delete;
  [[nodiscard]] Samples decode(const Octets& payload, std::size_t samples);
  [[nodiscard]] Samples recover(const Octets& next, std::size_t samples);
  [[nodiscard]] Samples conceal(std::size_t samples);

 private:
  OpusDecoder* state_;
  int channels_;
};
/// The settings of a sender's encoder; every packet of `pcm` that libopus makes with them.
struct OpusSender {
  std::uint32_t rate = 48'000;
  int channels = 1;
  std::uint32_t bitrate = 24'000;
  bool has_fec = false;
  bool has_dtx = false;
  Duration ptime = milliseconds(20);
};
[[nodiscard]] std::vector<Given> opus_packets_of(const OpusSender& sender, const Samples& pcm);

[[nodiscard]] Octets encode_pcmu(const Samples& pcm);
[[nodiscard]] Samples decode_pcmu(const Octets& payload);
/// The payloads of `packets`, one after the other.
[[nodiscard]] Octets joined(const std::vector<Sent>& packets);
void append(Samples& to, const Samples& more);

/// Sequence numbers step by one, timestamps never go back, one SSRC; a step of the timestamp that
/// is not `ticks` needs the marker. An empty string if so, else what is wrong.
[[nodiscard]] std::string continuity_fault(const std::vector<Sent>& packets);

}  // namespace causeway::media::test
