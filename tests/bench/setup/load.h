#pragma once

#include <cstdint>

#include "tests/bench/setup/caller.h"

namespace causeway::bench {

/// How calls are made.
struct LoadOptions {
  /// Calls a second, each at its own instant, whether those before have been answered or not. 0: as
  /// many as `in_flight` allows, each new one when another is answered.
  double rate = 1000;
  std::uint32_t in_flight = 32;
  double seconds = 3;
};

/// Makes calls and ends each as soon as it is made. Prints one line of JSON: how many were made,
/// and the latency of making one (from the instant at which it was due, or was prepared, in
/// microseconds).
void run_load(Caller& caller, const LoadOptions& options);

}  // namespace causeway::bench
