#include "tests/bench/generator/listening.h"

#include <opus/opus.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace causeway::bench {

namespace {

constexpr std::ptrdiff_t kWindow = 8'000;
constexpr std::ptrdiff_t kEarliest = -160;  // Before its time: a clock that lies would be seen.
constexpr std::ptrdiff_t kLatest = 1'200;
constexpr std::int64_t kSampleNs = 125'000;
constexpr std::size_t kFrame = 160;

struct Match {
  double correlation = 0;
  double lag = 0;
};

/// The speech as it was sent, as one run of samples.
Pcm spoken_pcm(const Speech& speech, const Spoken& spoken) {
  Pcm pcm;
  pcm.reserve(spoken.sent_ns.size() * kFrame);
  for (std::size_t i = 0; i < spoken.sent_ns.size(); ++i) {
    const std::size_t frame = (spoken.first_frame + i) % speech.frames();
    const auto begin = speech.at_8k.begin() + static_cast<std::ptrdiff_t>(frame * kFrame);
    pcm.insert(pcm.end(), begin, begin + static_cast<std::ptrdiff_t>(kFrame));
  }
  return pcm;
}

double energy(const std::int16_t* pcm) {
  double sum = 0;
  for (std::ptrdiff_t i = 0; i < kWindow; ++i) sum += static_cast<double>(pcm[i]) * pcm[i];
  return sum;
}

double product(const std::int16_t* a, const std::int16_t* b) {
  std::int64_t sum = 0;
  for (std::ptrdiff_t i = 0; i < kWindow; ++i) sum += std::int64_t{a[i]} * b[i];
  return static_cast<double>(sum);
}

/// Between samples, by the parabola through the best and its neighbours.
double vertex(double before, double best, double after) {
  const double curve = before - 2 * best + after;
  return curve == 0 ? 0 : 0.5 * (before - after) / curve;
}

/// `heard` begins at sample `at` of what was spoken, were there no delay.
std::optional<Match> best_match(const std::int16_t* heard, const Pcm& said, std::ptrdiff_t at) {
  const double heard_energy = energy(heard);
  std::vector<double> scores;
  for (std::ptrdiff_t lag = kEarliest; lag <= kLatest; ++lag) {
    const std::ptrdiff_t begin = at - lag;
    if (begin < 0 || begin + kWindow > static_cast<std::ptrdiff_t>(said.size())) return {};
    const double said_energy = energy(&said[static_cast<std::size_t>(begin)]);
    // A pause says nothing.
    if (said_energy < kWindow * 100.0 * 100.0) return {};
    const double size = std::sqrt(std::max(1.0, heard_energy) * said_energy);
    scores.push_back(product(heard, &said[static_cast<std::size_t>(begin)]) / size);
  }
  const auto best = std::ranges::max_element(scores);
  const auto index = static_cast<std::size_t>(best - scores.begin());
  Match match{*best, static_cast<double>(kEarliest) + static_cast<double>(index)};
  if (index > 0 && index + 1 < scores.size()) {
    match.lag += vertex(scores[index - 1], *best, scores[index + 1]);
  }
  return match;
}

/// Which sample of what was spoken was due at an instant, 20 ms a packet.
std::ptrdiff_t sample_at(const Spoken& spoken, std::int64_t ns) {
  const auto after = std::ranges::upper_bound(spoken.sent_ns, ns);
  if (after == spoken.sent_ns.begin()) return -1;
  const auto packet = after - spoken.sent_ns.begin() - 1;
  return packet * static_cast<std::ptrdiff_t>(kFrame) + (ns - *(after - 1)) / kSampleNs;
}

/// RFC 6716 section 3.1: what the first octet says.
std::string opus_format(const std::vector<std::byte>& payload) {
  if (payload.empty()) return "";
  const auto* const octets = reinterpret_cast<const unsigned char*>(payload.data());
  static constexpr std::array kNames{"NB", "MB", "WB", "SWB", "FB"};
  const int bandwidth = ::opus_packet_get_bandwidth(octets) - OPUS_BANDWIDTH_NARROWBAND;
  const bool is_stereo = ::opus_packet_get_nb_channels(octets) == 2;
  return std::string(kNames.at(static_cast<std::size_t>(bandwidth))) +
         (is_stereo ? " stereo" : " mono");
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

Verdict listen(const Speech& speech, Payload payload, const Arrivals& arrivals,
               const Spoken& spoken) {
  const Heard heard = decode_speech(payload, arrivals.payloads);
  const Pcm said = spoken_pcm(speech, spoken);
  std::vector<double> correlations, delays;
  constexpr std::size_t kStep = 25;  // Windows of 1 s every half a second.
  for (std::size_t i = kStep; i < heard.starts.size(); i += kStep) {
    const std::size_t start = heard.starts[i];
    if (start + kWindow > heard.pcm.size()) break;
    const std::ptrdiff_t at = sample_at(spoken, arrivals.at_ns[i]);
    if (at < 0) continue;
    if (const auto match = best_match(&heard.pcm[start], said, at)) {
      correlations.push_back(match->correlation);
      delays.push_back(match->lag / 8);
    }
  }
  Verdict verdict;
  verdict.windows = correlations.size();
  verdict.median_correlation = median(correlations);
  verdict.worst_correlation = correlations.empty() ? 0 : std::ranges::min(correlations);
  verdict.delay_ms = median(delays);
  double octets = 0;
  for (const auto& each : arrivals.payloads) octets += static_cast<double>(each.size());
  if (payload == Payload::Opus && !arrivals.payloads.empty()) {
    verdict.opus = opus_format(arrivals.payloads[arrivals.payloads.size() / 2]);
  }
  verdict.octets = octets / static_cast<double>(std::max<std::size_t>(1, arrivals.payloads.size()));
  return verdict;
}

}  // namespace causeway::bench
