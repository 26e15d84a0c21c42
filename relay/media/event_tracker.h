#pragma once

#include <cstdint>
#include <optional>

#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/wire/telephone_event.h"

namespace causeway::media {

/// One telephone-event from its beginning: all segments of a long one together.
struct TrackedEvent {
  std::uint8_t event = 0;
  std::uint8_t volume = 0;
  RtpTimestamp start;
  std::int64_t ticks = 0;  ///< How long it has lasted, in `clock`.
  RtpClockRate clock{8000};
};

/// Makes single events of telephone-event packets (RFC 4733): an event is known by its SSRC and
/// timestamp; a long one's further segments (2.5.1.3: where the one before ended, no marker, no end
/// seen) belong to it; repeated, reordered and missing packets change nothing. An event whose end
/// was lost ends when nothing of it came for kLostEnd, or when another begins. Single-threaded.
class EventTracker {
 public:
  /// Three of the longest update intervals in use (RFC 4733 2.5.1.2: 50 ms).
  static constexpr Duration kLostEnd = std::chrono::milliseconds(150);

  struct Packet {
    Ssrc ssrc;
    RtpTimestamp timestamp;
    RtpClockRate clock{8000};
    bool has_marker = false;
    wire::TelephoneEvent event;
  };
  /// What one packet means.
  struct Step {
    bool is_news = false;    ///< Otherwise it repeats what is known.
    bool has_begun = false;  ///< `event` is a new one.
    bool has_ended = false;
    TrackedEvent event;                      ///< As it is now.
    std::optional<TrackedEvent> unfinished;  ///< The one before, the end of which was lost.
  };

  [[nodiscard]] Step handle(Instant now, const Packet& packet);
  /// The event that ends because nothing more of it came. Spurious calls give nothing.
  [[nodiscard]] std::optional<TrackedEvent> handle_timeout(Instant now);
  [[nodiscard]] std::optional<Instant> next_timeout() const { return lost_at_; }
  /// Ends the event that runs, if one does: the stream has changed.
  [[nodiscard]] std::optional<TrackedEvent> finish();
  [[nodiscard]] bool is_active() const { return lost_at_.has_value(); }

 private:
  [[nodiscard]] bool is_same_segment(const Packet& packet) const;
  [[nodiscard]] bool is_next_segment(const Packet& packet) const;
  [[nodiscard]] bool is_old(const Packet& packet) const;
  void begin(const Packet& packet);
  [[nodiscard]] TrackedEvent current() const;

  bool has_seen_ = false;  ///< The fields below are those of an event, running or ended.
  Ssrc ssrc_;
  RtpClockRate clock_{8000};
  std::uint8_t event_ = 0;
  std::uint8_t volume_ = 0;
  RtpTimestamp start_;
  RtpTimestamp segment_;            ///< Where the segment that runs began.
  std::int64_t before_ = 0;         ///< Ticks in the segments before it.
  std::uint16_t duration_ = 0;      ///< The longest heard of in it.
  std::optional<Instant> lost_at_;  ///< While an event runs: when it is given up.
};

}  // namespace causeway::media
