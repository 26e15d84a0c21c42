#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "relay/base/bytes.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/wire/rtcp_views.h"
#include "relay/wire/rtcp_writer.h"

namespace causeway::wire {

/// The resolution of transport-wide feedback, and that of its reference time.
inline constexpr Duration kTransportCcTick = std::chrono::microseconds(250);
inline constexpr Duration kTransportCcReference = std::chrono::milliseconds(64);

/// A transport-wide sequence number that has arrived, and when, by its receiver's clock: the zero
/// is the receiver's alone, differences are what counts.
struct TransportArrival {
  SeqNum seq;
  Duration at{};
  friend bool operator==(const TransportArrival&, const TransportArrival&) = default;
};

/// Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1): which of
/// consecutive transport-wide sequence numbers have arrived, and when. A view of the feedback's
/// FCI.
///
///      0                   1                   2                   3
///     |     base sequence number      |     packet status count       |
///     |           reference time, 64 ms               | feedback count|
///     |         packet chunk          |         packet chunk          | ...
///     |  recv delta   |  recv delta   | ...  zeros, or RTCP's padding |
///
///     chunk   |0| S |  run length, 13 bits   |    S: 0 missing, 1 a delta of 8 bits,
///             |1|0|  14 symbols of 1 bit     |       2 a delta of 16 bits, signed; 3 reserved
///             |1|1|   7 symbols of 2 bits    |    deltas: 250 us each, since the arrival before
class TransportCc {
 public:
  /// Nothing where it is another feedback, or empty, or chunks and deltas do not fit in. Takes time
  /// by the octets, not by the count that they claim.
  [[nodiscard]] static std::optional<TransportCc> parse(const Feedback& feedback);

  /// What has arrived, by ascending sequence number:
  /// `for (auto arrival = feedback->next(); arrival; arrival = feedback->next())`.
  [[nodiscard]] std::optional<TransportArrival> next();

  /// The first number that is reported on, and how many are, arrived or not.
  [[nodiscard]] SeqNum base() const { return base_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Steps once a feedback, so that its sender's losses show.
  [[nodiscard]] std::uint8_t number() const { return number_; }

 private:
  TransportCc() = default;

  SeqNum base_;
  std::uint16_t size_ = 0;
  std::uint8_t number_ = 0;
  Bytes chunks_;
  Bytes deltas_;
  std::size_t place_ = 0;    // the next number, from base
  std::uint16_t chunk_ = 0;  // the one being read,
  std::size_t symbol_ = 0;   // its next symbol
  std::size_t symbols_ = 0;  // and how many it has
  std::int64_t ticks_ = 0;   // the last arrival
};

/// Who says what to whom in a feedback packet.
struct TransportCcHeader {
  Ssrc sender;
  Ssrc media;  ///< Any stream of the transport: the feedback is about them all.
  SeqNum base;
  std::uint8_t number = 0;
};

/// Adds a feedback packet about the numbers from `base` to the last of `arrivals`, which ascend
/// from `base` on, less than 65535 apart. Returns how many of them it holds: fewer than all where
/// the writer has no more room or a delta goes beyond 8.19 s; the rest is for a further packet,
/// with another base. 0, and nothing is added, where none fits.
std::size_t write_transport_cc(RtcpWriter& writer, const TransportCcHeader& header,
                               std::span<const TransportArrival> arrivals);

}  // namespace causeway::wire
