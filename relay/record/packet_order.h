#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "relay/base/bytes.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/record/arrival_clock.h"
#include "relay/rtp/seq_window.h"

namespace causeway::record {

/// One packet on its way from the ring to the file.
struct HeldPacket {
  std::uint8_t codec_slot = 0;
  std::int64_t ticks = 0;  ///< RTP timestamp, unwrapped within its run.
  std::uint64_t run = 0;   ///< Packets of one run share one ArrivalClock.
  Instant arrival;
  std::vector<std::byte> payload;
};

/// What became of the packets of a stream. All counts are packets.
struct StreamCounts {
  std::uint64_t received = 0;
  std::uint64_t duplicate = 0;
  std::uint64_t late = 0;  ///< Came after their place had been written.
  std::uint64_t missing =
      0;  ///< Gaps in the sequence numbers that nothing filled (late ones count).
};

/// Puts the packets of one SSRC back into their order and onto the relay's clock.
///
/// Packets are held until their place in the file is about to be written; by then whatever was
/// reordered or delayed by less than that is here, and the clock has seen the packets that came
/// after them. A new run, with a clock of its own, begins where timestamps and arrivals part:
/// another clock rate, a jump of more than 2 s against the arrival times, timestamps that run 100
/// ms ahead of what was written, or a sender that stopped its timestamps (at least 200 ms of
/// packets that all come too late). Pure; not thread-safe.
class PacketOrder {
 public:
  struct Arrived {
    SeqNum seq;
    RtpTimestamp timestamp;
    RtpClockRate clock;
    std::uint8_t codec_slot = 0;
    Instant arrival;
    Bytes payload;
  };
  /// A packet whose turn it is, and where its sound begins on the relay's clock.
  struct Due {
    HeldPacket packet;
    Instant at;
  };

  /// Takes a packet of sound. `written`: everything before this moment is in the file already.
  void push(const Arrived& packet, Instant written);
  /// Notes a packet that is no sound of ours (telephone-event, comfort noise): its number is there.
  void note_other(SeqNum seq);
  /// The next packet in order, if its sound begins before `until`, or if it continues the sound
  /// whose end is at `sound_end`, before `until`.
  [[nodiscard]] std::optional<Due> pop(Instant until, std::optional<Instant> sound_end);

  /// When the newest packet arrived.
  [[nodiscard]] Instant last_arrival() const { return last_arrival_; }
  [[nodiscard]] bool empty() const { return held_.empty(); }
  [[nodiscard]] StreamCounts counts() const;

 private:
  struct Run {
    std::uint64_t id = 0;
    ArrivalClock clock;
    RtpTimestamp last_timestamp;
    std::int64_t last_ticks = 0;
    Instant last_arrival;
    bool is_written = false;  // something of it is in the file
  };
  /// Where a sequence number stands, and whether it was there before.
  struct Place {
    std::int64_t number = 0;
    bool is_duplicate = false;
    bool is_newest = false;
  };

  Place place_of(SeqNum seq);
  void restart_numbers(SeqNum seq);
  Run& run_for(const Arrived& packet, bool is_newest);
  Run& begin_run(const Arrived& packet);
  [[nodiscard]] const Run* find_run(std::uint64_t id) const;
  void forget_old_runs();
  void hold_late(std::int64_t number, HeldPacket packet, RtpTimestamp timestamp);
  void begin_again_with_late();
  void give_up_late();

  std::map<std::int64_t, HeldPacket> held_;  // by number
  std::vector<Run> runs_;                    // the last one is the current one
  struct LatePacket {
    std::int64_t number = 0;
    RtpTimestamp timestamp;
    HeldPacket packet;
  };
  std::vector<LatePacket> late_;  // too late under the current clock; perhaps it is the clock
  std::uint64_t next_run_ = 1;
  std::int64_t last_popped_ = INT64_MIN;
  std::int64_t newest_number_ = 0;
  std::int64_t first_number_ = 0;
  bool has_number_ = false;
  rtp::SeqWindow seen_;
  Instant last_arrival_;
  StreamCounts counts_;
  std::uint64_t distinct_ = 0;  // numbers seen since first_number_
};

}  // namespace causeway::record
