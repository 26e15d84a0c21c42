// How late a thread wakes up on a processor where another is in the middle of its arithmetic: what
// a worker waits for while a thread of the handshake pool is at a step, by how that thread is
// scheduled. Needs no relay, and two processors.
//
//   bench_wake [SECONDS of each, default 3]

#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tests/bench/generator/clock.h"
#include "tests/bench/generator/statistics.h"

namespace {

using causeway::bench::now_ns;
using causeway::bench::Values;

constexpr std::int64_t kStep = 400'000;  // of arithmetic
constexpr std::int64_t kPause = 1'200'000;
/// The other thread says so often that it is running; whoever has heard of it later is not sure.
constexpr std::int64_t kFresh = 3'000;

/// The kernel's `struct sched_attr`.
struct Scheduling {
  std::uint32_t size = 48;
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t slice_ns = 0;
  std::array<std::uint64_t, 2> rest{};
};
struct Case {
  const char* name;
  Scheduling scheduling;
};
const std::array<Case, 4> kCases = {{
    {"nice 0", {}},
    {"nice 19", {.nice = 19}},
    {"nice 19, slice of 10 ms", {.nice = 19, .slice_ns = 10'000'000}},
    {"SCHED_IDLE", {.policy = SCHED_IDLE}},
}};

void pin(std::size_t processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) std::perror("bench_wake: a processor");
}

class Course {
 public:
  explicit Course(const Case& what) : what_(what), event_(::eventfd(0, 0)) {}
  Course(const Course&) = delete;
  Course& operator=(const Course&) = delete;
  ~Course() { ::close(event_); }

  void run(double seconds) {
    std::thread worker([this] { wake_up(); });
    std::thread other([this] { compute(); });
    const std::int64_t end = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
    for (std::int64_t due = now_ns(); due < end; due += 350'000 + due % 150'000) {
      causeway::bench::wait_until(due);
      woken_while_it_ran_ = now_ns() - heard_of_ < kFresh;
      asked_at_ = now_ns();
      wake();
      // A late one is waited for: the next would be counted from the wrong instant.
      while (asked_at_ != 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    is_over_ = true;
    wake();
    worker.join();
    other.join();
    std::printf("%-24s %6zu woken, median %7.1f us, 75 %% %7.1f us, 90 %% %7.1f us; %.0f steps/s\n",
                what_.name, late_.count(), late_.percentile(50), late_.percentile(75),
                late_.percentile(90), static_cast<double>(steps_) / seconds);
  }

 private:
  void wake() const {
    const std::uint64_t one = 1;
    (void)!::write(event_, &one, sizeof one);
  }
  void wake_up() {
    pin(1);
    std::uint64_t count = 0;
    while (!is_over_) {
      (void)!::read(event_, &count, sizeof count);
      const std::int64_t asked_at = asked_at_;
      if (asked_at != 0 && woken_while_it_ran_) late_.add_ns(now_ns() - asked_at);
      asked_at_ = 0;
    }
  }
  void compute() {
    pin(1);
    if (::syscall(SYS_sched_setattr, 0, &what_.scheduling, 0) != 0) std::perror(what_.name);
    while (!is_over_) {
      const std::int64_t end = now_ns() + kStep;
      while (now_ns() < end) heard_of_ = now_ns();
      ++steps_;
      std::this_thread::sleep_for(std::chrono::nanoseconds(kPause));
    }
  }

  const Case what_;
  const int event_;
  std::atomic<bool> is_over_{false};
  std::atomic<std::int64_t> heard_of_{0};
  std::atomic<std::int64_t> asked_at_{0};
  std::atomic<bool> woken_while_it_ran_{false};
  std::atomic<std::int64_t> steps_{0};
  Values late_{1'000'000};
};

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 3;
  pin(0);
  // It is the clock of the run. The other threads, which it starts, are ordinary again.
  sched_param first{};
  first.sched_priority = 1;
  if (::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) != 0) {
    std::perror("bench_wake: no real-time priority");
  }
  for (const Case& each : kCases) Course(each).run(seconds);
}
