#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "codecs/codec.h"
#include "relay/base/bytes.h"
#include "relay/base/random.h"
#include "relay/record/session.h"

namespace causeway::record::test {

constexpr RecordingId kId{7};
constexpr std::uint8_t kMuLawSilence = 0xff;
constexpr std::uint8_t kMuLawClick = 0x80;  // +32124
constexpr PayloadType kPcmu{0};
constexpr PayloadType kOpus{111};
constexpr PayloadType kEvents{101};
constexpr PayloadType kNoise{13};

/// A file as the disk would have it after the writes so far.
class FakeFile {
 public:
  void apply(const std::vector<FileWrite>& writes) {
    for (const FileWrite& write : writes) apply(write);
  }
  void apply(const FileWrite& write) {
    const std::size_t end = write.offset + write.octets.size();
    if (octets.size() < end) octets.resize(end);
    std::copy(write.octets.begin(), write.octets.end(),
              octets.begin() + static_cast<std::ptrdiff_t>(write.offset));
  }
  std::vector<std::byte> octets;
};

/// What a WAV or RF64 file says and holds, read by hand from the two specifications.
struct ParsedWav {
  bool is_rf64 = false;
  std::uint64_t riff_octets = 0;
  std::uint64_t data_octets = 0;
  std::uint64_t frames = 0;
  std::uint16_t channels = 0;
  std::uint32_t rate = 0;
  std::vector<std::int16_t> samples;

  [[nodiscard]] std::vector<std::int16_t> channel(std::size_t index) const {
    std::vector<std::int16_t> of;
    for (std::size_t i = index; i < samples.size(); i += channels) of.push_back(samples[i]);
    return of;
  }
};

inline std::uint64_t load_le(Bytes from, std::size_t at, std::size_t octets) {
  std::uint64_t value = 0;
  for (std::size_t i = octets; i-- > 0;) value = value << 8 | load_u8(&from[at + i]);
  return value;
}

/// Nothing where the file is not one that a strict reader would take.
inline std::optional<ParsedWav> parse_wav(Bytes file) {
  const auto text = [&file](std::size_t at) {
    std::string four;
    for (std::size_t i = 0; i < 4; ++i) four.push_back(static_cast<char>(load_u8(&file[at + i])));
    return four;
  };
  if (file.size() < 80) return std::nullopt;
  ParsedWav wav;
  wav.is_rf64 = text(0) == "RF64";
  if (!wav.is_rf64 && text(0) != "RIFF") return std::nullopt;
  if (text(8) != "WAVE" || text(12) != (wav.is_rf64 ? "ds64" : "JUNK")) return std::nullopt;
  if (load_le(file, 16, 4) != 28 || text(48) != "fmt " || load_le(file, 52, 4) != 16) {
    return std::nullopt;
  }
  if (text(72) != "data" || load_le(file, 56, 2) != 1 || load_le(file, 70, 2) != 16) {
    return std::nullopt;
  }
  wav.channels = static_cast<std::uint16_t>(load_le(file, 58, 2));
  wav.rate = static_cast<std::uint32_t>(load_le(file, 60, 4));
  if (load_le(file, 64, 4) != wav.rate * wav.channels * 2U) return std::nullopt;
  if (load_le(file, 68, 2) != wav.channels * 2U) return std::nullopt;
  wav.riff_octets = load_le(file, 4, 4);
  wav.data_octets = load_le(file, 76, 4);
  if (wav.is_rf64) {
    if (wav.riff_octets != 0xffffffffU || wav.data_octets != 0xffffffffU) return std::nullopt;
    wav.riff_octets = load_le(file, 20, 8);
    wav.data_octets = load_le(file, 28, 8);
    wav.frames = load_le(file, 36, 8);
    if (wav.frames * wav.channels * 2U != wav.data_octets) return std::nullopt;
  }
  if (wav.riff_octets != wav.data_octets + 72) return std::nullopt;
  if (80 + wav.data_octets > file.size()) return std::nullopt;
  for (std::size_t i = 0; i < wav.data_octets / 2; ++i) {
    wav.samples.push_back(static_cast<std::int16_t>(load_le(file, 80 + 2 * i, 2)));
  }
  return wav;
}

/// A recording under virtual time. Time zero of every Duration here is the recording's start.
class Rig {
 public:
  explicit Rig(RecordingSpec spec, RecordingSession::Options options = {})
      : session_(std::move(spec), with_decoder(options)) {
    FrameHeader start;
    start.recording = kId;
    start.kind = FrameKind::Start;
    start.at = kStart;
    std::vector<FileWrite> head;
    session_.begin(head);
    apply(head);
    session_.handle_frame({start, {}});
  }

  void marker(FrameKind kind, Duration at) {
    FrameHeader header;
    header.recording = kId;
    header.kind = kind;
    header.at = kStart + at;
    session_.handle_frame({header, {}});
  }

  void packet(std::uint8_t channel, Duration arrival, PayloadType type, SeqNum seq,
              RtpTimestamp timestamp, Ssrc ssrc, Bytes payload) {
    std::vector<std::byte> octets(12);
    octets[0] = std::byte{0x80};
    octets[1] = std::byte{type.raw()};
    store_be16(&octets[2], seq.raw());
    store_be32(&octets[4], timestamp.raw());
    store_be32(&octets[8], ssrc.raw());
    octets.insert(octets.end(), payload.begin(), payload.end());
    FrameHeader header;
    header.recording = kId;
    header.channel = channel;
    header.at = kStart + arrival;
    session_.handle_frame({header, octets});
  }

  void advance(Duration to) {
    std::vector<FileWrite> writes;
    session_.advance(kStart + to, writes);
    apply(writes);
  }
  void finish(Duration at) {
    std::vector<FileWrite> writes;
    session_.finish(kStart + at, writes);
    apply(writes);
  }

  RecordingSession& session() { return session_; }
  const std::vector<FileWrite>& writes() const { return writes_; }
  [[nodiscard]] ParsedWav wav() const { return parse_wav(file.octets).value(); }

  FakeFile file;

 private:
  static constexpr Instant kStart{std::chrono::hours(30)};

  static RecordingSession::Options with_decoder(RecordingSession::Options options) {
    if (options.make_decoder == nullptr) options.make_decoder = codecs::make_decoder;
    return options;
  }
  void apply(std::vector<FileWrite>& writes) {
    file.apply(writes);
    for (FileWrite& write : writes) writes_.push_back(std::move(write));
  }

  RecordingSession session_;
  std::vector<FileWrite> writes_;
};

inline std::vector<RecordedCodec> phone_codecs() {
  RecordedCodec pcmu;
  pcmu.type = kPcmu;
  pcmu.name = "PCMU/8000";
  RecordedCodec events;
  events.type = kEvents;
  events.kind = PayloadKind::TelephoneEvent;
  RecordedCodec noise;
  noise.type = kNoise;
  noise.kind = PayloadKind::ComfortNoise;
  return {pcmu, events, noise};
}

inline RecordedCodec opus_codec() {
  RecordedCodec opus;
  opus.type = kOpus;
  opus.codec.id = codecs::CodecId::Opus;
  opus.codec.rate = SampleRate{48'000};
  opus.clock = RtpClockRate{48'000};
  opus.name = "opus/48000/2";
  return opus;
}

inline RecordingSpec wav_spec(std::size_t channels = 2, SampleRate rate = SampleRate{8000}) {
  RecordingSpec spec;
  spec.id = kId;
  spec.name = "sessions/s/recordings/r";
  spec.path = "s/r.wav";
  spec.rate = rate;
  for (std::size_t i = 0; i < channels; ++i) {
    spec.channels.push_back({i == 0 ? "sessions/s/legs/a" : "sessions/s/legs/b", phone_codecs()});
  }
  return spec;
}

/// A PCMU sender whose packets hold silence, and a click of one sample once every `click_every`
/// (on its own clock). Its clock may run fast, and its packets may be late, lost or swapped.
struct ClickSender {
  std::uint8_t channel = 0;
  Duration from{};   ///< When its first packet leaves, and arrives if nothing holds it.
  Duration until{};  ///< When it stops.
  Ssrc ssrc{0xa};
  SeqNum first_seq{65'530};                   // wraps soon
  RtpTimestamp first_timestamp{0xffff'f000};  // as well
  std::int64_t fast_ppm = 0;
  Duration click_every = std::chrono::milliseconds(500);
  std::function<Duration(std::int64_t)> delay = [](std::int64_t) { return Duration{}; };
  std::function<bool(std::int64_t)> is_lost = [](std::int64_t) { return false; };

  struct Sent {
    std::uint8_t channel = 0;
    Duration arrival;
    SeqNum seq;
    RtpTimestamp timestamp;
    Ssrc ssrc;
    std::vector<std::byte> payload;
    PayloadType type = kPcmu;
  };
  std::vector<Duration> clicks = {};  ///< Truth: where clicks that were not lost belong.

  /// All packets, in the order of sending.
  std::vector<Sent> packets() {
    std::vector<Sent> sent;
    const std::int64_t click_samples = click_every.count() / 125'000;
    for (std::int64_t n = 0;; ++n) {
      const Duration leaves = from + on_relay(n * 160);
      if (leaves >= until) break;
      std::vector<std::byte> payload(160, std::byte{kMuLawSilence});
      const std::int64_t first = n * 160;
      const std::int64_t click = (first + 159) / click_samples * click_samples + 37;
      const bool has_click = click >= first && click < first + 160;
      if (has_click) payload[static_cast<std::size_t>(click - first)] = std::byte{kMuLawClick};
      if (is_lost(n)) continue;
      if (has_click) clicks.push_back(leaves + on_relay(click - first));
      sent.push_back({channel, leaves + delay(n), first_seq.plus(static_cast<int>(n % 65'536)),
                      first_timestamp.plus(first), ssrc, std::move(payload)});
    }
    return sent;
  }

 private:
  /// How long the relay's clock sees `samples` of the sender's.
  [[nodiscard]] Duration on_relay(std::int64_t samples) const {
    return Duration(samples * 125'000 * 1'000'000 / (1'000'000 + fast_ppm));
  }
};

/// Hands packets in by arrival, and lets time pass in steps of 20 ms as the recorder thread does.
inline void run(Rig& rig, std::vector<ClickSender::Sent> packets, Duration until) {
  std::stable_sort(packets.begin(), packets.end(),
                   [](const auto& a, const auto& b) { return a.arrival < b.arrival; });
  std::size_t next = 0;
  for (Duration now{}; now <= until; now += std::chrono::milliseconds(20)) {
    for (; next < packets.size() && packets[next].arrival <= now; ++next) {
      const ClickSender::Sent& one = packets[next];
      rig.packet(one.channel, one.arrival, one.type, one.seq, one.timestamp, one.ssrc, one.payload);
    }
    rig.advance(now);
  }
}

/// Where the clicks of a channel are: the peak of every burst that is louder than half a click.
inline std::vector<Duration> clicks_in(const std::vector<std::int16_t>& pcm, std::uint32_t rate,
                                       int threshold = 10'000) {
  std::vector<Duration> found;
  for (std::size_t i = 0; i < pcm.size(); ++i) {
    if (std::abs(pcm[i]) < threshold) continue;
    std::size_t peak = i;
    const std::size_t end = std::min(pcm.size(), i + rate / 100);
    for (std::size_t j = i; j < end; ++j) {
      if (std::abs(pcm[j]) > std::abs(pcm[peak])) peak = j;
    }
    found.push_back(Duration(static_cast<std::int64_t>(peak) * 1'000'000'000 / rate));
    i = end;
  }
  return found;
}

/// The largest distance between what was found and what is true, from `after` on; nothing where
/// they are not the same number.
inline std::optional<Duration> worst_error(const std::vector<Duration>& found,
                                           const std::vector<Duration>& truth,
                                           Duration after = Duration{}) {
  if (found.size() != truth.size()) return std::nullopt;
  Duration worst{};
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (truth[i] < after) continue;
    const Duration error = found[i] - truth[i];
    worst = std::max(worst, error < Duration{} ? -error : error);
  }
  return worst;
}

}  // namespace causeway::record::test
