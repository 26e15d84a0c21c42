#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/media/event_tracker.h"
#include "relay/media/event_writer.h"
#include "relay/wire/rtp.h"

namespace causeway::media {

/// An event that an endpoint sent, told once, when it is over.
struct HeardEvent {
  std::uint8_t event = 0;   ///< RFC 4733 3.2; wire::dtmf_character() makes a digit of it.
  std::uint8_t volume = 0;  ///< In -dBm0.
  Duration duration{};
};

/// Watches the telephone-events that come in on one leg, for the API: every event exactly once,
/// with its length, whatever is repeated or lost. Changes no packet. Single-threaded; allocates
/// nothing.
class TelephoneEventReceiver {
 public:
  /// At most two: the event that this packet ends, and before it one whose end was lost.
  struct Heard {
    std::array<std::optional<HeardEvent>, 2> events;
  };

  /// `packet` is of a telephone-event payload type with this clock. Errors: BadPayload.
  [[nodiscard]] Result<Heard, DropReason> handle_packet(Instant now, const wire::OpenRtp& packet,
                                                        RtpClockRate clock);
  /// The event whose end was lost. Spurious calls give nothing.
  [[nodiscard]] std::optional<HeardEvent> handle_timeout(Instant now);
  [[nodiscard]] std::optional<Instant> next_timeout() const { return tracker_.next_timeout(); }

 private:
  EventTracker tracker_;
};

/// Sends digits to an endpoint as telephone-events, one after the other, each with its own length
/// and the pause after it (the SendDtmf method). Its packets go into the leg's stream between those
/// of the path, which is to suppress audio while is_active(). Single-threaded; allocates nothing.
class TelephoneEventSender {
 public:
  /// Small, because every leg that can be sent digits has room for a queue of them.
  using DigitTime = std::chrono::duration<std::uint16_t, std::milli>;
  struct Digit {
    std::uint8_t event = 0;
    std::uint8_t volume = 10;  ///< In -dBm0: the usual level of a digit.
    DigitTime duration{100};
    DigitTime gap{50};
  };
  static constexpr std::size_t kMaxDigits = 64;

  /// `interval`: how often a running event is updated (RFC 4733 2.5.1.2: a packet's time, or 50
  /// ms).
  TelephoneEventSender(PayloadType payload_type, RtpClockRate clock, Duration interval);

  /// Adds a digit to the queue; returns false where it is full. The first starts with the next
  /// handle_timeout(), which is due at `now`.
  [[nodiscard]] bool enqueue(Instant now, const Digit& digit);
  /// How many digits fit the queue.
  [[nodiscard]] std::size_t room() const { return kMaxDigits - count_; }
  /// Drops what has not begun; the event that runs is ended by the next handle_timeout().
  void cancel(Instant now);
  /// Until the gap after the last digit is over.
  [[nodiscard]] bool is_active() const { return state_ != State::Idle; }

  void handle_timeout(Instant now, Emit& out);
  [[nodiscard]] std::optional<Instant> next_timeout() const;

 private:
  ///            enqueue()          due                 duration is over        gap is over
  ///     Idle ------------> Waiting ----> Playing (updates) ----> Pausing (repeats) ----> Waiting,
  ///                                                                                    or Idle
  enum class State : std::uint8_t { Idle, Waiting, Playing, Pausing };

  void step(const Sending& sending);
  void begin(const Sending& sending);
  void play(const Sending& sending);
  void pause_over(const Sending& sending);
  [[nodiscard]] const Digit& current() const { return digits_[first_]; }

  EventWriter writer_;
  Duration interval_;
  std::array<Digit, kMaxDigits> digits_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;  ///< Digits queued, the one that plays among them.
  State state_ = State::Idle;
  Instant due_{};
  Instant began_{};
  bool has_sent_ = false;
  RtpTimestamp start_;
};

}  // namespace causeway::media
