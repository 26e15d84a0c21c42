#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/io/backend.h"
#include "relay/io/file_descriptor.h"

namespace causeway::io {

/// Whether the reader of some queue may be asleep, so that writers pay for a wake-up (a system
/// call) only then.
///
///     reader: may_sleep() -> look into the queue once more -> sleep if it is empty -> is_awake()
///     writer: put into the queue -> if (must_wake()) wake the reader
///
/// No wake-up is lost: both sides exchange the one flag, and exchanges of one variable have one
/// order. If the writer's comes later it reads the reader's `true` and wakes it; if the reader's
/// comes later it has synchronised with the writer, so its second look finds the element.
/// Of several writers, one is told to wake.
class SleepFlag {
 public:
  void may_sleep() { is_asleep_.exchange(true, std::memory_order_acq_rel); }
  void is_awake() { is_asleep_.exchange(false, std::memory_order_acq_rel); }
  [[nodiscard]] bool must_wake() { return is_asleep_.exchange(false, std::memory_order_acq_rel); }

 private:
  std::atomic<bool> is_asleep_{false};
};

/// How many threads tell one that there is something to read: an eventfd and a SleepFlag. The
/// reader loops: read the queues until they are empty; may_sleep(); look once more; wait().
class WakeSignal {
 public:
  [[nodiscard]] static Result<std::unique_ptr<WakeSignal>, Errno> create();

  /// After an element was put into a queue. Any thread; a system call only if the reader may sleep.
  void notify();

  /// The reader's side, one thread. Every may_sleep() is followed by a wait() or an is_awake().
  void may_sleep() { flag_.may_sleep(); }
  void is_awake() { flag_.is_awake(); }
  /// Sleeps until notified, or for `timeout`. Spurious returns are allowed.
  void wait(std::optional<Duration> timeout);
  /// Readable when notified, for readers that have a loop of their own.
  [[nodiscard]] int fd() const { return event_.raw(); }

 private:
  explicit WakeSignal(FileDescriptor event) : event_(std::move(event)) {}

  FileDescriptor event_;
  SleepFlag flag_;
};

}  // namespace causeway::io
