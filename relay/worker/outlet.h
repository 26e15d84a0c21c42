#pragma once

#include <algorithm>
#include <optional>
#include <variant>

#include "relay/base/spsc_ring.h"
#include "relay/engine/command.h"
#include "relay/engine/event.h"
#include "relay/engine/outbox.h"
#include "relay/io/counter.h"
#include "relay/io/wake_signal.h"
#include "relay/worker/fixed_queue.h"

namespace causeway::worker {

/// What a worker tells the control plane: an event, or a command that is done.
using Report = std::variant<engine::Event, engine::Command>;

/// The way of reports from one worker to the control plane's reader, in order. The worker never
/// waits for the reader. When the reader is so slow that the ring is full,
/// - completions and SessionClosed, which someone waits for and which own memory, are kept in a
///   backlog; the worker meanwhile takes no new work (is_backlogged());
/// - other events are lost and counted, and an EventsLost stands in their place.
///
///     put --> ring (while the backlog is empty) --------------------------> try_pop
///         \-> backlog: | kept | EventsLost{3} | kept | --flush, in order--> ring
///
/// put(), flush() and what asks for room: the worker. try_pop(): one other thread.
class Outlet {
 public:
  struct Limits {
    std::size_t ring = 16'384;
    /// Sessions that can close, each with one SessionClosed, while the reader is stuck.
    std::size_t sessions = 10'000;
    /// Commands that can complete while the reader is stuck.
    std::size_t commands = 1'024;
  };

  /// `reader` is notified of each batch; several outlets may share one. It outlives the outlet.
  Outlet(WorkerId worker, const Limits& limits, io::WakeSignal& reader);

  /// Moves the events, then the completions, out of the outbox: what an operation caused is told
  /// before that it is done. Allocates nothing. REQUIRES: at most room_for_commands() completions.
  void put(engine::Outbox& outbox);
  /// Moves on what waits in the backlog, as far as there is room now.
  void flush();
  void notify_reader() { reader_.notify(); }

  /// Whether reports wait: no new work is to be begun.
  [[nodiscard]] bool is_backlogged() const { return !backlog_.empty(); }
  /// How many commands may complete before the next put(), even if the reader reads nothing.
  [[nodiscard]] std::size_t room_for_commands() const {
    return limits_.commands - std::min(limits_.commands, backlog_.size());
  }
  /// Events that were lost. Any thread.
  [[nodiscard]] std::uint64_t events_lost() const { return events_lost_.value(); }

  /// The oldest report, or nothing. Reader only; what it returns is the reader's to free.
  [[nodiscard]] std::optional<Report> try_pop() { return ring_.try_pop(); }

 private:
  void put_event(engine::Event event);
  void keep(Report report);
  void lose(Instant at);

  const WorkerId worker_;
  const Limits limits_;
  io::WakeSignal& reader_;
  SpscRing<Report> ring_;
  FixedQueue<Report> backlog_;
  io::Counter events_lost_;
};

}  // namespace causeway::worker
