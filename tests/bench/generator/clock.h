#pragma once

#include <cstdint>
#include <ctime>

namespace causeway::bench {

/// Nanoseconds of the wall clock, which is what the kernel stamps packets with. A run is too short
/// for it to be set meanwhile; where it is, the latencies are nonsense and look like it.
[[nodiscard]] inline std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// Sleeps until `due`. It does not spin: a thread with real-time priority that never sleeps is
/// taken off its processor for a twentieth of each second as soon as anybody else wants it.
void wait_until(std::int64_t due);

}  // namespace causeway::bench
