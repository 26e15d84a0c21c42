#pragma once

#include <cstdint>

namespace causeway::bench {

/// What the processor did, in nanoseconds since some beginning.
struct CpuTime {
  /// On a processor, all threads of the process together (/proc/PID/task/*/schedstat). This kernel
  /// charges an interrupt to the thread it falls into, and on loopback the receive softirq of a
  /// packet runs inside the sendmsg that sent it: so the subject pays for the delivery of what it
  /// sends, and the generator for the delivery of what it sends, one packet each.
  std::int64_t threads_ns = 0;
  /// Not idle, whoever ran: threads, softirq, interrupts (/proc/stat, 10 ms steps). A check on the
  /// other figure where nobody else runs on the subject's core.
  std::int64_t core_busy_ns = 0;
  /// Taken by other guests of the host.
  std::int64_t core_steal_ns = 0;
};

/// Of process `pid` and processor `core`; zeros for those that are not there (or negative).
[[nodiscard]] CpuTime read_cpu_time(int pid, int core, std::int64_t now_ns);

}  // namespace causeway::bench
