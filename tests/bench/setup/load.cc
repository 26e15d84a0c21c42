#include "tests/bench/setup/load.h"

#include <algorithm>
#include <iostream>
#include <mutex>

#include "tests/bench/generator/clock.h"
#include "tests/bench/generator/statistics.h"

namespace causeway::bench {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// What came of the calls. Answers come from threads of the protocol's.
class Ledger {
 public:
  explicit Ledger(std::size_t room) : latency_(room) {}

  void asked(std::int64_t due, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    ++created_pending_;
    ++asked_;
    worst_lateness_ = std::max(worst_lateness_, now - due);
  }
  void made(std::int64_t due, bool is_ok) {
    const std::int64_t now = now_ns();
    const std::lock_guard lock(mutex_);
    --created_pending_;
    last_answer_ = now;
    if (!is_ok) {
      ++failed_;
      return;
    }
    ++made_;
    ++removed_pending_;
    latency_.add_ns(now - due);
  }
  void removed(bool is_ok) {
    const std::lock_guard lock(mutex_);
    --removed_pending_;
    if (!is_ok) ++failed_;
  }
  [[nodiscard]] std::uint32_t pending() const {
    const std::lock_guard lock(mutex_);
    return created_pending_ + removed_pending_;
  }
  [[nodiscard]] std::uint32_t being_made() const {
    const std::lock_guard lock(mutex_);
    return created_pending_;
  }
  void print(std::int64_t start) {
    const std::lock_guard lock(mutex_);
    const double span = static_cast<double>(std::max<std::int64_t>(1, last_answer_ - start)) / 1e9;
    std::cout << "{\"asked\": " << asked_ << ", \"made\": " << made_ << ", \"failed\": " << failed_
              << ", \"unanswered\": " << created_pending_ + removed_pending_
              << ", \"calls_per_s\": " << static_cast<double>(made_) / span
              << ", \"p50\": " << latency_.percentile(50)
              << ", \"p95\": " << latency_.percentile(95)
              << ", \"p99\": " << latency_.percentile(99)
              << ", \"p999\": " << latency_.percentile(99.9) << ", \"max\": " << latency_.max()
              << ", \"worst_lateness_us\": " << static_cast<double>(worst_lateness_) / 1e3 << "}"
              << std::endl;
  }

 private:
  mutable std::mutex mutex_;
  Values latency_;
  std::uint64_t asked_ = 0, made_ = 0, failed_ = 0;
  std::uint32_t created_pending_ = 0, removed_pending_ = 0;
  std::int64_t last_answer_ = 0;
  std::int64_t worst_lateness_ = 0;
};

void make(Caller& caller, Ledger& ledger, std::uint32_t call, std::int64_t begun) {
  caller.create(call, [&caller, &ledger, call, begun](bool is_ok) {
    ledger.made(begun, is_ok);
    if (is_ok) caller.destroy(call, [&ledger](bool was_ok) { ledger.removed(was_ok); });
  });
}

/// A call that has nothing to prepare begins when it was due, others when they are prepared.
void ask(Caller& caller, Ledger& ledger, std::uint32_t call, std::int64_t due) {
  ledger.asked(due, now_ns());
  if (!caller.has_preparation()) return make(caller, ledger, call, due);
  caller.prepare(call, [&caller, &ledger, call, due](bool is_ok) {
    if (!is_ok) return ledger.made(due, false);
    make(caller, ledger, call, now_ns());
  });
}

}  // namespace

void run_load(Caller& caller, const LoadOptions& options) {
  constexpr std::size_t kMost = 2'000'000;
  Ledger ledger(kMost);
  const std::int64_t start = now_ns() + kSecond / 10;
  const std::int64_t end = start + static_cast<std::int64_t>(options.seconds * 1e9);
  caller.poll(start);
  if (options.rate > 0) {
    for (std::uint32_t call = 0;; ++call) {
      const std::int64_t due = start + static_cast<std::int64_t>(call / options.rate * 1e9);
      if (due >= end) break;
      caller.poll(due);
      ask(caller, ledger, call, due);
    }
  } else {
    for (std::uint32_t call = 0; now_ns() < end;) {
      while (ledger.being_made() < options.in_flight) ask(caller, ledger, call++, now_ns());
      caller.poll(now_ns() + 20'000);
    }
  }
  const std::int64_t patience = now_ns() + 5 * kSecond;
  while (ledger.pending() > 0 && now_ns() < patience) caller.poll(now_ns() + kSecond / 100);
  ledger.print(start);
}

}  // namespace causeway::bench
