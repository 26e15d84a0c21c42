#pragma once

#include <cstddef>
#include <cstdint>

#include "relay/base/static_vector.h"
#include "relay/base/time.h"

namespace causeway::record {

/// Where one run of RTP timestamps lies on the relay's clock: the mapping of a packet that waited
/// nowhere. Delay only ever adds, so every packet lies on or above the line
///
///     arrival - sent = offset + drift * sent
///
/// and the line is the highest one that no packet of the last 30 s is below. `drift` is what the
/// two crystals differ by; it is 0 for the first 3 s, and never more than 300 ppm.
///
/// A value type. `ticks` are RTP timestamps unwrapped by the caller, from any zero.
class ArrivalClock {
 public:
  explicit ArrivalClock(RtpClockRate rate) : rate_(rate) {}

  /// Learns from a packet. The order of calls does not matter, apart from age.
  void add(std::int64_t ticks, Instant arrival);
  /// When sound of timestamp `ticks` would arrive without waiting. REQUIRES: !empty().
  [[nodiscard]] Instant at(std::int64_t ticks) const;

  [[nodiscard]] bool empty() const { return seconds_.empty(); }
  [[nodiscard]] RtpClockRate rate() const { return rate_; }
  [[nodiscard]] std::int64_t drift_ppb() const { return drift_ppb_; }

 private:
  /// The packet that waited least among those sent within one second.
  struct Second {
    std::int64_t index = 0;
    std::int64_t sent_ns = 0;
    std::int64_t delay_ns = 0;
  };
  static constexpr std::size_t kSeconds = 30;

  [[nodiscard]] std::int64_t sent_ns(std::int64_t ticks) const;
  bool learn(std::int64_t sent, std::int64_t delay);
  void fit();
  [[nodiscard]] std::int64_t lower_hull_drift_ppb() const;

  RtpClockRate rate_;
  std::int64_t first_ticks_ = 0;
  Instant first_arrival_;
  StaticVector<Second, kSeconds> seconds_;  // by index, rising
  std::int64_t offset_ns_ = 0;
  std::int64_t drift_ppb_ = 0;
};

}  // namespace causeway::record
