#pragma once

#include "relay/base/time.h"

namespace causeway::io {

/// The only place where an Instant comes from: CLOCK_MONOTONIC. Any thread.
[[nodiscard]] Instant now();

/// Fixes the relay's clock to wall time. Called once, when the process starts; every worker is
/// given the same copy, so that all sender reports of a node lie on one timeline.
[[nodiscard]] WallClock read_wall_clock();

/// Turns the kernel's receive timestamps (SO_TIMESTAMPNS: CLOCK_REALTIME) into Instants.
///
/// The two clocks differ by an offset that is constant but for steps of the wall clock (slewing
/// moves both). It is read anew for each batch; in the batch that sees it step, and for a stamp
/// that is in the future or more than kOldest ago, the arrival is the batch's own instant instead:
/// a step may cost a batch its precision, never its sanity. Single-threaded.
class ArrivalClock {
 public:
  static constexpr Duration kOldest = std::chrono::seconds(1);
  /// A change of the offset beyond what reading two clocks can be wrong by.
  static constexpr Duration kStep = std::chrono::milliseconds(1);

  /// Reads both clocks; call when a batch starts to be read.
  void begin_batch();
  /// The same with given readings. `offset`: CLOCK_REALTIME minus CLOCK_MONOTONIC.
  void begin_batch(Instant now, Duration offset);

  /// The arrival of a packet that the kernel stamped at `unix_time`; never after the batch began.
  [[nodiscard]] Instant arrival(Duration unix_time) const;
  /// When the batch began.
  [[nodiscard]] Instant batch_began() const { return now_; }

 private:
  Instant now_;
  Duration offset_{};
  bool has_offset_ = false;
  bool is_trusted_ = false;
};

}  // namespace causeway::io
