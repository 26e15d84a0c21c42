// What the relay has to emit for a capture of what came in, worked out by other code: libopus,
// spandsp and libswresample called directly, nothing of relay/ or codecs/. See README.md.

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "tests/e2e/offline_chain/stages.h"
#include "tests/e2e/offline_chain/trace.h"

namespace offline {
namespace {

constexpr const char* kUsage =
    R"(usage: offline_chain --from CODEC --to CODEC [options] [TRACE]

TRACE (standard input where left out): lines `<arrival_ns> <hex of the whole RTP packet>`, one stream,
in order, without loss. Prints the payloads that a relay has to send, one a line, in hex; a frame that
DTX does not send has no line.

  --from CODEC, --to CODEC      pcmu, pcma, g722, opus or l16
  --from-rate HZ, --to-rate HZ  rates of PCM; for opus and g722 by default what the planner chooses
  --from-channels N, --to-channels N   by default 1
  --ptime-in MS                 refuse packets of another length
  --ptime MS                    length of the packets made, by default 20
  --payload-type N              use only packets of this payload type
  --bitrate N  --complexity N  --loss PERCENT  --fec  --dtx  --cbr    of the Opus encoder, which is
                                made for VOIP; by default 24000, 5 (1 at 8 kHz), 0
)";

struct Options {
  Format from;
  Format to;
  OpusSettings opus;
  int ptime_in_ms = 0;
  int ptime_ms = 20;
  std::optional<int> payload_type;
  std::string trace;
};

// A wrong command line, told apart from a wrong trace by the exit code.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int number(const std::string& text) {
  std::size_t used = 0;
  int value = -1;
  try {
    value = std::stoi(text, &used);
  } catch (const std::logic_error&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || value < 0) throw UsageError("not a number: " + text);
  return value;
}

// The options that take a value, and those that do not.
std::map<std::string, std::function<void(const std::string&)>> valued_options(Options& options) {
  const auto text = [](std::string& to) { return [&to](const std::string& v) { to = v; }; };
  const auto count = [](auto& to) { return [&to](const std::string& v) { to = number(v); }; };
  return {
      {"--from", text(options.from.codec)},
      {"--to", text(options.to.codec)},
      {"--from-rate", count(options.from.rate)},
      {"--to-rate", count(options.to.rate)},
      {"--from-channels", count(options.from.channels)},
      {"--to-channels", count(options.to.channels)},
      {"--ptime-in", count(options.ptime_in_ms)},
      {"--ptime", count(options.ptime_ms)},
      {"--payload-type", count(options.payload_type)},
      {"--bitrate", count(options.opus.bitrate)},
      {"--complexity", count(options.opus.complexity)},
      {"--loss", count(options.opus.expected_loss_percent)},
  };
}

std::map<std::string, bool*> flags(Options& options) {
  return {{"--fec", &options.opus.has_fec},
          {"--dtx", &options.opus.has_dtx},
          {"--cbr", &options.opus.is_cbr}};
}

Options parse(int argc, char** argv) {
  Options options;
  const auto valued = valued_options(options);
  const auto switches = flags(options);
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (const auto flag = switches.find(name); flag != switches.end()) {
      *flag->second = true;
    } else if (const auto option = valued.find(name); option != valued.end()) {
      if (i + 1 == argc) throw UsageError(name + " needs a value");
      option->second(argv[++i]);
    } else if (name.starts_with("-")) {
      throw UsageError("unknown option " + name);
    } else {
      options.trace = name;
    }
  }
  if (options.from.codec.empty() || options.to.codec.empty()) {
    throw UsageError("--from and --to are needed");
  }
  if (options.from.channels < 1 || options.from.channels > 2 || options.to.channels < 1 ||
      options.to.channels > 2 || options.ptime_ms < 1) {
    throw UsageError("one or two channels, at least 1 ms");
  }
  return options;
}

// The PCM rate of a codec that has only one; 0 for the others.
int own_rate(const std::string& codec) {
  if (codec == "pcmu" || codec == "pcma") return 8'000;
  return 0;
}

// The least rate of Opus that carries `rate`.
int opus_rate(int rate) {
  for (const int each : {8'000, 12'000, 16'000, 24'000}) {
    if (rate <= each) return each;
  }
  return 48'000;
}

// What the planner chooses where the command line does not say: Opus is encoded at what the source
// has (48000 where that is Opus too), and decoded at what the sink takes.
void choose_rates(Options& options) {
  Format& from = options.from;
  Format& to = options.to;
  if (from.rate == 0) from.rate = own_rate(from.codec);
  if (to.rate == 0) to.rate = own_rate(to.codec);
  // G.722 runs at 8000 where the other side has no more.
  if (to.rate == 0 && to.codec == "g722") to.rate = from.rate == 8'000 ? 8'000 : 16'000;
  if (from.rate == 0 && from.codec == "g722") from.rate = to.rate == 8'000 ? 8'000 : 16'000;
  if (to.rate == 0 && to.codec == "opus") to.rate = from.rate == 0 ? 48'000 : opus_rate(from.rate);
  if (from.rate == 0 && from.codec == "opus") from.rate = opus_rate(to.rate);
  if (from.rate == 0 || to.rate == 0) throw UsageError("l16 needs its rate");
}

int rtp_clock(const Format& format) {
  if (format.codec == "g722") return 8'000;  // RFC 3551 4.5.2
  return format.codec == "opus" ? 48'000 : format.rate;
}

// Refuses a capture with loss, reordering or silence in it: this program has no rules for them.
class ContinuityCheck {
 public:
  explicit ContinuityCheck(const Options& options) : options_(options) {}

  void see(const Packet& packet) {
    if (has_sequence_ && packet.sequence != next_sequence_) {
      throw std::runtime_error("packet " + std::to_string(packet.sequence) + " comes instead of " +
                               std::to_string(next_sequence_));
    }
    has_sequence_ = true;
    next_sequence_ = static_cast<std::uint16_t>(packet.sequence + 1);
  }

  void see_audio(const Packet& packet, std::size_t samples) {
    if (has_timestamp_ && packet.timestamp != next_timestamp_) {
      throw std::runtime_error("the timestamp of packet " + std::to_string(packet.sequence) +
                               " jumps");
    }
    const std::size_t rate = static_cast<std::size_t>(options_.from.rate);
    const auto clock = static_cast<std::size_t>(rtp_clock(options_.from));
    has_timestamp_ = true;
    next_timestamp_ = packet.timestamp + static_cast<std::uint32_t>(samples * clock / rate);
    if (options_.ptime_in_ms > 0 &&
        samples * 1000 != rate * static_cast<std::size_t>(options_.ptime_in_ms)) {
      throw std::runtime_error("packet " + std::to_string(packet.sequence) + " is not of " +
                               std::to_string(options_.ptime_in_ms) + " ms");
    }
  }

 private:
  const Options& options_;
  bool has_sequence_ = false;
  bool has_timestamp_ = false;
  std::uint16_t next_sequence_ = 0;
  std::uint32_t next_timestamp_ = 0;
};

void run(const Options& options, std::istream& in, std::ostream& out) {
  const auto decoder = make_decoder(options.from);
  const auto encoder = make_encoder(options.to, options.opus);
  std::unique_ptr<Resampler> resampler;
  if (options.from.rate != options.to.rate || options.from.channels != options.to.channels) {
    resampler = make_resampler(options.from, options.to);
  }
  const auto frame =
      static_cast<std::ptrdiff_t>(options.to.rate * options.ptime_ms / 1000 * options.to.channels);
  ContinuityCheck continuity(options);
  Samples waiting;
  for (const Packet& packet : read_trace(in)) {
    continuity.see(packet);
    if (options.payload_type && packet.payload_type != *options.payload_type) continue;
    Samples pcm = decoder->decode(packet.payload);
    continuity.see_audio(packet, pcm.size() / static_cast<std::size_t>(options.from.channels));
    if (resampler) pcm = resampler->convert(pcm);
    waiting.insert(waiting.end(), pcm.begin(), pcm.end());
    while (std::ssize(waiting) >= frame) {
      const Octets payload = encoder->encode(Samples(waiting.begin(), waiting.begin() + frame));
      waiting.erase(waiting.begin(), waiting.begin() + frame);
      if (!payload.empty()) out << to_hex(payload) << '\n';
    }
  }
}

int run_command_line(int argc, char** argv) {
  Options options = parse(argc, argv);
  choose_rates(options);
  if (options.trace.empty()) {
    run(options, std::cin, std::cout);
    return EXIT_SUCCESS;
  }
  std::ifstream file(options.trace);
  if (!file) throw UsageError("cannot read " + options.trace);
  run(options, file, std::cout);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace offline

int main(int argc, char** argv) {
  try {
    return offline::run_command_line(argc, argv);
  } catch (const offline::UsageError& error) {
    std::cerr << "offline_chain: " << error.what() << "\n\n" << offline::kUsage;
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "offline_chain: " << error.what() << '\n';
    return 1;
  }
}
