#include "relay/rtp/quality.h"

#include <algorithm>

namespace causeway::rtp {

namespace {

/// G.107's rating of a connection with all its defaults and no delay.
constexpr double kBestRating = 93.2;
/// Beyond this many milliseconds one way, talkers begin to interrupt each other.
constexpr double kConversationalLimit = 177.3;

double delay_impairment(Duration delay) {
  const double ms = static_cast<double>(delay.count()) / 1e6;
  return 0.024 * ms + 0.11 * std::max(0.0, ms - kConversationalLimit);
}

double loss_impairment(const Listening& listening) {
  const auto& [impairment, robustness] = listening.codec;
  const double loss = std::clamp(listening.loss_percent, 0.0, 100.0);
  const double burst = std::max(1.0, listening.burst_ratio);
  if (loss == 0) return impairment;
  return impairment + (95 - impairment) * loss / (loss / burst + robustness);
}

}  // namespace

double r_factor(const Listening& listening) {
  return kBestRating - delay_impairment(listening.one_way_delay) - loss_impairment(listening);
}

double mos_of(double r) {
  if (r < 0) return 1;
  if (r > 100) return 4.5;
  // The cubic dips below 1 for very small ratings.
  return std::max(1.0, 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r));
}

Duration estimate_one_way_delay(Duration round_trip, Duration jitter, Duration packet_time) {
  const Duration buffer = std::max<Duration>(2 * jitter, std::chrono::milliseconds(20));
  return round_trip / 2 + buffer + 2 * packet_time;
}

}  // namespace causeway::rtp
