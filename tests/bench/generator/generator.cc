// The load of the benches: calls in real time, 20 ms packets, both legs of each. It reads the legs
// from standard input (plan.h), lets them speak and hear, and prints one line of JSON. It knows no
// relay: whoever starts it sets the calls up.
//
//   bench_generator --speech speech16k.wav [--core N] [--warm-up S] [--seconds S] [--tail S]
//                   [--watch PID --watch-core N] [--max-lateness-us N] [--no-rtcp]
//
// SIGTERM ends the tail.

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "tests/bench/generator/run.h"

namespace causeway::bench {
namespace {

struct Options {
  RunOptions run;
  std::string speech;
  int core = -1;
};

Options options_of(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--no-rtcp") {
      options.run.has_rtcp = false;
      continue;
    }
    if (i + 1 == argc) {
      std::cerr << "bench_generator: " << name << " needs a value\n";
      std::exit(2);
    }
    const char* const value = argv[++i];
    if (name == "--speech") options.speech = value;
    if (name == "--core") options.core = std::atoi(value);
    if (name == "--warm-up") options.run.warm_up_s = std::atof(value);
    if (name == "--seconds") options.run.window_s = std::atof(value);
    if (name == "--tail") options.run.tail_s = std::atof(value);
    if (name == "--watch") options.run.watched_pid = std::atoi(value);
    if (name == "--watch-core") options.run.watched_core = std::atoi(value);
    if (name == "--max-lateness-us") options.run.max_lateness_us = std::atof(value);
  }
  return options;
}

/// One processor, no slack in timers, as many files as there are legs, and, where it may, before
/// all others on its processor: it is the clock of the run.
void prepare(const Options& options) {
  if (options.core >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(static_cast<std::size_t>(options.core), &cpus);
    if (::sched_setaffinity(0, sizeof cpus, &cpus) != 0) std::perror("bench_generator: --core");
  }
  sched_param first{};
  first.sched_priority = 1;
  if (::sched_setscheduler(0, SCHED_FIFO, &first) != 0) {
    std::cerr << "bench_generator: no real-time priority\n";
  }
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

void print_latency(const char* name, Values& values) {
  std::cout << "\"" << name << "\": {\"count\": " << values.count()
            << ", \"p50\": " << values.percentile(50) << ", \"p99\": " << values.percentile(99)
            << ", \"p999\": " << values.percentile(99.9) << ", \"max\": " << values.max() << "}, ";
}

void print_verdicts(const std::vector<Verdict>& verdicts) {
  std::cout << "\"speech\": [";
  const char* separator = "";
  for (const Verdict& each : verdicts) {
    std::cout << separator << "{\"windows\": " << each.windows
              << ", \"median_correlation\": " << each.median_correlation
              << ", \"worst_correlation\": " << each.worst_correlation
              << ", \"delay_ms\": " << each.delay_ms << ", \"octets\": " << each.octets
              << ", \"opus\": \"" << each.opus << "\"}";
    separator = ", ";
  }
  std::cout << "], ";
}

void print(RunResult& result, const RunOptions& options) {
  Tally& tally = result.tally;
  std::cout << "{\"sent\": " << tally.sent << ", \"sent_in_all\": " << tally.sent_in_all
            << ", \"received\": " << tally.received << ", \"bad\": " << tally.bad
            << ", \"refused\": " << tally.refused << ", \"rebased\": " << tally.rebased
            << ", \"rtcp_sent\": " << tally.rtcp_sent
            << ", \"rtcp_received\": " << tally.rtcp_received
            << ", \"own_drops\": " << result.own_drops << ", \"window_s\": " << result.window_s
            << ", \"own_cpu_share\": " << result.own_cpu_share << ", ";
  print_latency("latency_us", tally.latency);
  print_latency("lateness_us", tally.lateness);
  print_verdicts(result.verdicts);
  std::cout << "\"threads_ns\": " << result.after.threads_ns - result.before.threads_ns
            << ", \"core_busy_ns\": " << result.after.core_busy_ns - result.before.core_busy_ns
            << ", \"core_steal_ns\": " << result.after.core_steal_ns - result.before.core_steal_ns
            << ", \"invalid\": \"" << invalid_reason(result, options) << "\"}" << std::endl;
}

}  // namespace
}  // namespace causeway::bench

int main(int argc, char** argv) {
  using namespace causeway::bench;
  const Options options = options_of(argc, argv);
  prepare(options);
  std::signal(SIGTERM, [](int) { end_tail(); });
  const Speech speech = read_speech(options.speech);
  std::vector<LegPlan> plan = read_plan(std::cin);
  if (plan.empty()) {
    std::cerr << "bench_generator: no legs\n";
    return 2;
  }
  RunResult result = run(std::move(plan), speech, options.run);
  print(result, options.run);
}
