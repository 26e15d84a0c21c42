#pragma once

#include <atomic>
#include <cstddef>
#include <optional>

#include "relay/engine/command.h"
#include "relay/io/wake_signal.h"
#include "relay/worker/mpsc_queue.h"

namespace causeway::worker {

/// Where the control plane's threads put commands for one worker. Two lanes:
///
///     normal    bounded; when it is full a command is refused, and its sender answers OVERLOAD
///     reserved  commands that free or stop something (engine::is_reserved); never refused, and
///     read
///               before the normal lane
///
/// A reserved command may so overtake a normal one of the same sender; it then frees what the other
/// meant, which fails by its stale handle. Posting never waits for the worker and the worker never
/// waits for a sender. post() and close(): any thread. The rest: the worker.
class Mailbox {
 public:
  enum class Posted : std::uint8_t {
    Refused,  ///< Full, or closed. The command stays the sender's.
    Taken,
    TakenWhileAsleep,  ///< Taken; the caller is to wake the worker.
  };

  explicit Mailbox(std::size_t normal_capacity) : normal_capacity_(normal_capacity) {}

  /// Moves from `command` unless it is refused.
  [[nodiscard]] Posted post(engine::Command& command);
  /// From its return on, every command is refused, and those posted before can all be read.
  void close();

  /// Reserved commands first; normal ones only if `with_normal`.
  [[nodiscard]] std::optional<engine::Command> take(bool with_normal);
  /// Announces that the worker is going to sleep. False if there is something to take after all.
  [[nodiscard]] bool may_sleep(bool with_normal);
  void is_awake() { sleep_.is_awake(); }
  [[nodiscard]] bool is_empty() const { return !has_mail(true); }

 private:
  [[nodiscard]] bool has_mail(bool with_normal) const {
    return !reserved_.is_empty() || (with_normal && !normal_.is_empty());
  }

  const std::size_t normal_capacity_;
  MpscQueue<engine::Command> normal_;
  MpscQueue<engine::Command> reserved_;
  io::SleepFlag sleep_;
  std::atomic<std::size_t> normal_count_{0};
  // Sequentially consistent, both: a sender that close() does not wait for sees that it is closed.
  std::atomic<bool> is_closed_{false};
  std::atomic<std::size_t> posting_{0};
};

}  // namespace causeway::worker
