#include "relay/record/metadata.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace causeway::record {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char letter : text) {
    const auto octet = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      out.push_back('\\');
      out.push_back(letter);
    } else if (octet < 0x20) {
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\u%04x", octet);
      out += escaped.data();
    } else {
      out.push_back(letter);
    }
  }
  out.push_back('"');
  return out;
}

/// One JSON object, written from its first member to its last.
class JsonObject {
 public:
  explicit JsonObject(std::string indent) : indent_(std::move(indent)) {}

  void text(std::string_view name, std::string_view value) { raw(name, quoted(value)); }
  void number(std::string_view name, std::uint64_t value) { raw(name, std::to_string(value)); }
  void raw(std::string_view name, std::string_view value) {
    body_ += body_.empty() ? "\n" : ",\n";
    body_ += indent_ + "  " + quoted(name) + ": ";
    body_ += value;
  }
  [[nodiscard]] std::string done() const { return "{" + body_ + "\n" + indent_ + "}"; }

 private:
  std::string indent_;
  std::string body_;
};

std::string list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) {
    if (out.size() > 1) out += ", ";
    out += item;
  }
  return out + "]";
}

std::string rfc3339(Duration unix_time) {
  const std::int64_t ms = std::chrono::duration_cast<std::chrono::milliseconds>(unix_time).count();
  const std::time_t seconds = ms / 1000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 40> out{};
  const std::size_t size = std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(out.data() + size, out.size() - size, ".%03dZ", static_cast<int>(ms % 1000));
  return out.data();
}

std::string channel_json(const ChannelSpec& spec, const ChannelCounts& counts) {
  JsonObject channel("    ");
  channel.text("leg", spec.leg);
  std::vector<std::string> codecs;
  for (const RecordedCodec& codec : spec.codecs) {
    codecs.push_back(quoted(std::to_string(codec.type.raw()) + " " + codec.name));
  }
  channel.raw("codecs", list(codecs));
  channel.number("ssrcs", counts.ssrcs);
  channel.number("packets", counts.streams.received);
  channel.number("missing_packets", counts.streams.missing);
  channel.number("late_packets", counts.streams.late);
  channel.number("duplicate_packets", counts.streams.duplicate);
  channel.number("undecodable_packets", counts.undecodable);
  channel.number("telephone_event_packets", counts.telephone_events);
  channel.number("comfort_noise_packets", counts.comfort_noise);
  channel.number("ring_lost_packets", counts.ring_lost);
  channel.number("ring_lost_octets", counts.ring_lost_octets);
  return channel.done();
}

}  // namespace

std::string metadata_path(std::string_view recording_path) {
  const std::size_t dot = recording_path.rfind('.');
  const std::size_t slash = recording_path.rfind('/');
  const bool has_extension =
      dot != std::string_view::npos && (slash == std::string_view::npos || dot > slash + 1);
  return std::string(has_extension ? recording_path.substr(0, dot) : recording_path) + ".json";
}

std::string metadata_json(const RecordingSession& session, const WallClock& wall,
                          const MetadataState& state) {
  const RecordingSpec& spec = session.spec();
  JsonObject root("");
  root.number("version", 1);
  root.text("recording", spec.name);
  root.text("file", spec.path.substr(spec.path.rfind('/') + 1));
  root.text("state", state.state);
  const bool is_wav = spec.container == Container::WavPcm;
  root.text("container", is_wav ? "wav_pcm" : "ogg_opus");
  root.number("sample_rate", is_wav ? spec.rate.raw() : 48'000);
  root.text("pause_mode", spec.pause_mode == PauseMode::Cut ? "cut" : "silence");
  if (const auto start = session.started_at()) {
    root.text("start_time", rfc3339(wall.unix_time(*start)));
    root.text("end_time", rfc3339(wall.unix_time(session.ends_at())));
  }
  root.number(
      "duration_ms",
      static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::milliseconds>(session.duration()).count()));
  root.number("file_octets", session.file_octets());
  root.number("hole_octets", state.dropped_octets);
  std::vector<std::string> reasons;
  for (const DegradeReason reason : state.degraded) reasons.push_back(quoted(name_of(reason)));
  root.raw("degraded", list(reasons));
  std::vector<std::string> channels;
  for (std::size_t i = 0; i < spec.channels.size(); ++i) {
    channels.push_back("\n    " + channel_json(spec.channels[i], session.counts(i)));
  }
  root.raw("channels", list(channels));
  return root.done() + "\n";
}

}  // namespace causeway::record
