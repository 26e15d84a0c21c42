#pragma once

#include <cstdint>

#include "relay/base/bytes.h"
#include "relay/base/result.h"

namespace causeway::wire {

/// A telephone-event payload (RFC 4733 2.3), as a value. The RTP timestamp of its packet is the
/// beginning of the event (or of the segment of a long one), `duration` counts from there.
///
///      0                   1                   2                   3
///     |     event     |E|R|  volume   |          duration             |
struct TelephoneEvent {
  static constexpr std::size_t kOctets = 4;
  /// The longest duration that fits; a longer event goes on in a new segment (2.5.1.3).
  static constexpr std::uint16_t kMaxDuration = 0xffff;

  std::uint8_t event = 0;  ///< 0..9 digits, 10 *, 11 #, 12..15 A..D, 16 flash (RFC 4733 3.2).
  bool is_end = false;
  std::uint8_t volume = 0;     ///< In -dBm0, 0..63; meaningful for DTMF.
  std::uint16_t duration = 0;  ///< Ticks of the packet's RTP clock since its timestamp.

  /// Reads the first event of the payload. Further events behind it (2.5.1.5 allows several one
  /// after the other in one packet) are ignored: they would have begun after it, no sender in the
  /// field does so, and the event is still whole. Octets that make no whole event refuse the
  /// packet, so that an undefined payload is not taken for a digit. Errors: BadPayload.
  [[nodiscard]] static Result<TelephoneEvent, DropReason> parse(Bytes payload);
  /// REQUIRES: out.size() >= kOctets. The reserved bit is written as zero.
  void write(MutableBytes out) const;
  friend bool operator==(const TelephoneEvent&, const TelephoneEvent&) = default;
};

/// The character of a DTMF event, `0`..`9` `*` `#` `A`..`D`; 0 for any other event.
[[nodiscard]] char dtmf_character(std::uint8_t event);
/// The event of a DTMF character, letters in either case; -1 for any other character.
[[nodiscard]] int dtmf_event(char character);

}  // namespace causeway::wire
