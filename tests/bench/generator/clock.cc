#include "tests/bench/generator/clock.h"

namespace causeway::bench {

void wait_until(std::int64_t due) {
  if (due <= now_ns()) return;
  const timespec until{due / 1'000'000'000, due % 1'000'000'000};
  ::clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, nullptr);
}

}  // namespace causeway::bench
