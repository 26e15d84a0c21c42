#include "tests/bench/generator/run.h"

#include <csignal>
#include <cstdio>

#include "tests/bench/generator/clock.h"

namespace causeway::bench {

namespace {

constexpr std::int64_t kPeriod = 20'000'000;
/// Its socket is read in one of so many of a leg's turns, and gives several packets at once.
constexpr std::int64_t kHearingTurns = 4;
constexpr std::int64_t kRtcpPeriod = 5'000'000'000;
/// Phases are whole numbers of it, as behind an interface that moderates its interrupts: a timer
/// and a wake-up of the other processor for each packet would cost more than the packet.
constexpr std::int64_t kQuantum = 100'000;
constexpr std::int64_t kSecond = 1'000'000'000;
/// How long packets of the window may take before they count as lost.
constexpr std::int64_t kGrace = 300'000'000;

std::int64_t ns_of(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

std::array<Frames, 4> coded(const std::vector<LegPlan>& plan, const Speech& speech) {
  std::array<Frames, 4> frames;
  for (const LegPlan& leg : plan) {
    Frames& mine = frames[static_cast<std::size_t>(leg.payload)];
    if (leg.payload != Payload::Pattern && mine.empty()) mine = encode_speech(speech, leg.payload);
  }
  return frames;
}

std::int64_t own_cpu_ns() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::int64_t{used.tv_sec} * kSecond + used.tv_nsec;
}

volatile std::sig_atomic_t tail_is_over = 0;

void say(const char* word) {
  std::puts(word);
  std::fflush(stdout);
}

/// The endpoints of a run and the clock that they follow.
class Course {
 public:
  Course(std::vector<LegPlan> plan, const std::array<Frames, 4>& frames, const RunOptions& options)
      : options_(options),
        result_(static_cast<std::size_t>(static_cast<double>(plan.size()) * 50 *
                                         (options.window_s + 1))),
        around_{pool_, result_.tally, frames} {
    endpoints_.reserve(plan.size());
    for (std::size_t i = 0; i < plan.size(); ++i) endpoints_.emplace_back(std::move(plan[i]), i);
  }

  RunResult go(const Speech& speech) {
    // On the wall clock's own grid, so that two runs have the same phases.
    const std::int64_t start = (now_ns() / kPeriod + 3) * kPeriod;
    Tally& tally = result_.tally;
    tally.begin = start + ns_of(options_.warm_up_s);
    tally.end = tally.begin + ns_of(options_.window_s);
    const std::int64_t last = tally.end + ns_of(options_.tail_s);
    std::int64_t now = start;
    for (; now < tally.begin; now += kPeriod) round(now, now - start);
    begin_window();
    for (; now < tally.end; now += kPeriod) round(now, now - start);
    end_window();
    for (; now < last && tail_is_over == 0; now += kPeriod) round(now, now - start);
    wait_until(now_ns() + kGrace);
    collect(speech);
    return std::move(result_);
  }

 private:
  /// One packet from each leg, from `start` on; `since`: the beginning of the run.
  void round(std::int64_t start, std::int64_t since) {
    const auto legs = static_cast<std::int64_t>(endpoints_.size());
    for (std::int64_t i = 0; i < legs; ++i) {
      const std::int64_t phase = i * kPeriod / legs;
      const std::int64_t due = start + phase / kQuantum * kQuantum;
      wait_until(due);
      Endpoint& endpoint = endpoints_[static_cast<std::size_t>(i)];
      if ((since / kPeriod + i) % kHearingTurns == 0) {
        endpoint.hear(endpoints_[endpoint.plan().hears], around_);
      }
      endpoint.speak(due, around_);
      const bool reports = (since + i * kRtcpPeriod / legs) % kRtcpPeriod < kPeriod;
      if (options_.has_rtcp && reports) endpoint.report(around_);
    }
  }

  // Both ends are read after the round's last leg, outside of what the latencies are taken from.
  void begin_window() {
    result_.before = read_cpu_time(options_.watched_pid, options_.watched_core, now_ns());
    window_began_ = now_ns();
    own_cpu_ = own_cpu_ns();
    say("begin");
  }
  void end_window() {
    result_.after = read_cpu_time(options_.watched_pid, options_.watched_core, now_ns());
    result_.window_s = static_cast<double>(now_ns() - window_began_) / 1e9;
    const std::int64_t used = own_cpu_ns() - own_cpu_;
    result_.own_cpu_share = static_cast<double>(used) / result_.window_s / 1e9;
    say("end");
  }

  void collect(const Speech& speech) {
    for (Endpoint& endpoint : endpoints_) {
      endpoint.hear(endpoints_[endpoint.plan().hears], around_);
      endpoint.hear_rtcp(around_);
      result_.own_drops += endpoint.drops();
    }
    for (const Endpoint& endpoint : endpoints_) {
      if (!endpoint.plan().is_listened_to) continue;
      const Endpoint& other = endpoints_[endpoint.plan().hears];
      result_.verdicts.push_back(
          listen(speech, endpoint.plan().payload, endpoint.arrivals(), other.spoken()));
    }
  }

  const RunOptions& options_;
  RunResult result_;
  PacketPool pool_{64};
  Surroundings around_;
  std::vector<Endpoint> endpoints_;
  std::int64_t window_began_ = 0;
  std::int64_t own_cpu_ = 0;
};

}  // namespace

RunResult run(std::vector<LegPlan> plan, const Speech& speech, const RunOptions& options) {
  const std::array<Frames, 4> frames = coded(plan, speech);
  Course course(std::move(plan), frames, options);
  return course.go(speech);
}

void end_tail() { tail_is_over = 1; }

std::string invalid_reason(RunResult& result, const RunOptions& options) {
  if (result.own_drops > 0) return "the generator's sockets overflowed";
  if (result.tally.refused > 0) return "the kernel refused what the generator sent";
  if (result.tally.lateness.percentile(99) > options.max_lateness_us) {
    return "the generator sent late";
  }
  return "";
}

}  // namespace causeway::bench
