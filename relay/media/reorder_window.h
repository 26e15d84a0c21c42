#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/wire/rtp.h"

namespace causeway::media {

/// The order of one input stream: which packet is the next, which were had, and for how long a
/// missing one is waited for once a later one has come. That wait, length(), is 0 at first. It
/// grows to what would have saved a packet that came after it was given up, where the most allowed
/// is enough for that; it shrinks by 10 ms for every 10 s in which the last 10 ms were not needed.
/// Packets are held only while it is not 0. Single-threaded; allocates nothing.
class ReorderWindow {
 public:
  enum class Place : std::uint8_t {
    Next,       ///< The one that is expected.
    Ahead,      ///< One or more before it are missing.
    Duplicate,  ///< Had already.
    Late,       ///< Given up already, or older than the memory of 64 packets.
  };
  /// The most packets that are held.
  static constexpr int kRoom = 32;

  /// Forgets everything but the length; packets held go back to their pool.
  void restart(SeqNum next);
  [[nodiscard]] Place place_of(SeqNum seq) const;
  [[nodiscard]] SeqNum next() const { return next_; }

  /// Takes a packet in: those before it that are missing are given up at `now`; the next one is
  /// expected. Returns how many were given up. REQUIRES: place_of(seq) is Next or Ahead, and
  /// packets held before it were popped.
  int take(SeqNum seq, Instant now);
  /// Takes note that a packet that had been given up came after all; a second one is a Duplicate.
  void take_late(SeqNum seq, Instant now, Duration most);
  /// A place was filled by the clock, and its packet came `lateness` afterwards.
  void widen(Duration lateness, Duration most);
  /// Shrinks the window in its time.
  void relax(Instant now);

  /// Keeps a packet that is Ahead until those before it come. Returns false, the packet untouched,
  /// where there is no window, no room, or the same packet is held already.
  [[nodiscard]] bool hold(wire::OpenRtp& packet, Instant now);
  [[nodiscard]] bool has_held() const { return held_ > 0; }
  /// Whether this sequence number is being held.
  [[nodiscard]] bool holds(SeqNum seq) const;
  /// The first packet held if it is the expected one; take() it then.
  [[nodiscard]] std::optional<wire::OpenRtp> pop_next(Instant now);
  /// The first packet held, whatever is missing before it.
  [[nodiscard]] std::optional<wire::OpenRtp> pop_first();
  /// Gives every packet that is held back to its pool, as if it had never come.
  void release_packets();
  /// When the wait for the missing packet ends.
  [[nodiscard]] std::optional<Instant> give_up_at() const;
  [[nodiscard]] Duration length() const { return length_; }

 private:
  struct Held {
    wire::OpenRtp packet;
    Instant since{};
    bool is_used = false;
  };
  [[nodiscard]] Held& slot(SeqNum seq) { return slots_[seq.raw() % kRoom]; }
  [[nodiscard]] const Held& slot(SeqNum seq) const { return slots_[seq.raw() % kRoom]; }
  [[nodiscard]] wire::OpenRtp pop(SeqNum seq);

  SeqNum next_;
  std::uint64_t had_ = 0;  ///< Bit i: the packet i + 1 before next_ was had.
  std::array<Instant, 64> given_up_at_{};
  std::array<Held, kRoom> slots_;
  int held_ = 0;
  Duration length_{};
  Duration needed_{};  ///< The longest wait of this period that was worth it.
  std::optional<Instant> period_end_;
};

}  // namespace causeway::media
