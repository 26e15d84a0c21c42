#pragma once

#include <cstdint>
#include <optional>

#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/media/sending.h"

namespace causeway::media {

/// Writes one telephone-event at a time towards an endpoint (RFC 4733): the marker on the first
/// packet, one timestamp for all packets of a segment, a further segment where the duration
/// outgrows its 16 bits (2.5.1.3), and the last packet three times (2.5.1.4). The second and third
/// follow one interval apart, or at once where other packets are to go (flush). Single-threaded.
class EventWriter {
 public:
  struct Config {
    PayloadType payload_type;
    RtpClockRate clock{8000};
    Duration repeat_interval = std::chrono::milliseconds(20);
  };

  explicit EventWriter(const Config& config) : config_(config) {}

  /// REQUIRES: no event is being written.
  void begin(RtpTimestamp start, std::uint8_t event, std::uint8_t volume);
  /// Says how long the event has lasted, in ticks of the stream's clock since its start. One that
  /// goes back is taken as the longest so far. REQUIRES: is_active().
  void update(const Sending& sending, std::int64_t ticks);
  void end(const Sending& sending, std::int64_t ticks);
  /// Sends at once what is still to be repeated.
  void flush(const Sending& sending);

  [[nodiscard]] bool is_active() const { return is_active_; }
  [[nodiscard]] bool is_repeating() const { return repeats_ > 0; }
  /// Where the event that was written last ends. Meaningless before the first.
  [[nodiscard]] RtpTimestamp end_timestamp() const { return segment_.plus(duration_); }
  [[nodiscard]] const Config& config() const { return config_; }

  void handle_timeout(const Sending& sending);
  [[nodiscard]] std::optional<Instant> next_timeout() const;
  /// Goes on where `old` was, in this one's payload type. An event is cut short where the clock is
  /// another.
  void take_over(const EventWriter& old);

 private:
  void send(const Sending& sending, std::uint16_t duration, bool is_end);
  void close_full_segments(const Sending& sending, std::int64_t ticks);

  Config config_;
  bool is_active_ = false;
  bool is_first_ = false;  ///< Nothing of it was sent: marker.
  std::uint8_t event_ = 0;
  std::uint8_t volume_ = 0;
  RtpTimestamp segment_;
  std::int64_t before_ = 0;  ///< Ticks in the segments before.
  std::uint16_t duration_ = 0;
  int repeats_ = 0;
  Instant repeat_at_{};
};

}  // namespace causeway::media
