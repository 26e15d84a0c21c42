#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/generator/cpu_time.h"
#include "tests/bench/generator/endpoint.h"

namespace causeway::bench {

/// How a run goes: a warm-up, the window that is measured, and a tail in which the calls go on, so
/// that others (perf) may look, for that long at most or until end_tail().
struct RunOptions {
  double warm_up_s = 1;
  double window_s = 3;
  double tail_s = 0;
  int watched_pid = 0;    ///< The subject, whose processor time is read at both ends of the window.
  int watched_core = -1;  ///< The processor it is bound to.
  /// The generator is the bottleneck, and the run invalid, where it sends this late (p99).
  double max_lateness_us = 1000;
  bool has_rtcp = true;
};

/// What came out.
struct RunResult {
  explicit RunResult(std::size_t packets) : tally(packets) {}
  Tally tally;
  CpuTime before;
  CpuTime after;
  double window_s = 0;
  double own_cpu_share = 0;  ///< Of the generator's processor, in the window.
  std::uint64_t own_drops = 0;
  std::vector<Verdict> verdicts;
};

/// Lets all legs speak and hear in real time, 20 ms a packet, their phases spread over the 20 ms.
/// Prints `begin` and `end` at the ends of the window, so that whoever started this may act.
[[nodiscard]] RunResult run(std::vector<LegPlan> plan, const Speech& speech,
                            const RunOptions& options);

/// Safe in a signal handler.
void end_tail();

/// Why the run says nothing about the subject; empty where it does.
[[nodiscard]] std::string invalid_reason(RunResult& result, const RunOptions& options);

}  // namespace causeway::bench
