#include "relay/worker/dtls_pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>

#include "relay/base/check.h"
#include "relay/io/clock.h"

namespace causeway::worker {

namespace {

/// Media goes first, on whatever processor they meet. The priority alone does not always see to
/// that: since Linux 6.6 whoever runs within its share is let run for an ordinary slice (0.7 to
/// 2.8 ms), and a worker that wakes meanwhile, after it had little to do, waits for the rest of a
/// handshake's step. Whoever asked for a longer slice is interrupted at once (since 6.12; older
/// ones do not look at it). So is SCHED_IDLE, whose weight is a fifth where others want the
/// processor too. tests/bench/wake.cc measures it.
constexpr int kLowestPriority = 19;
constexpr std::chrono::nanoseconds kLongSlice = std::chrono::milliseconds(10);

/// The kernel's `struct sched_attr`, which the C library does not have yet.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;  // SCHED_OTHER
  std::uint64_t flags = 0;
  std::int32_t nice = kLowestPriority;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = static_cast<std::uint64_t>(kLongSlice.count());  // the slice
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48, "as in the first version of the system call");

/// Of this thread alone; a system that refuses it costs delay under load, not calls.
void go_last() {
  SchedulingAttributes attributes;
  if (::syscall(SYS_sched_setattr, 0, &attributes, 0) == 0) return;
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kLowestPriority);
}

void enter_thread(std::size_t number) {
  sigset_t set;
  sigfillset(&set);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) {
    sigdelset(&set, fault);
  }
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::pthread_setname_np(::pthread_self(), ("cw-dtls-" + std::to_string(number)).c_str());
  go_last();
}

}  // namespace

Result<std::unique_ptr<DtlsPool>, Error> DtlsPool::create(DtlsPoolConfig config, Sink sink) {
  std::unique_ptr<DtlsPool> pool(new DtlsPool(config, std::move(sink)));
  for (std::size_t i = 0; i < config.threads; ++i) {
    auto thread = std::make_unique<Thread>();
    auto signal = io::WakeSignal::create();
    if (!signal) {
      return failure(Error{ErrorCode::Internal, "DTLS_POOL", "", "There is no eventfd for it."});
    }
    thread->signal = std::move(*signal);
    for (std::size_t w = 0; w < config.workers; ++w) {
      thread->lanes.push_back(std::make_unique<Lane>(config.datagrams, config.orders));
    }
    pool->threads_.push_back(std::move(thread));
  }
  for (std::size_t i = 0; i < config.threads; ++i) {
    Thread& thread = *pool->threads_[i];
    thread.thread = std::thread([self = pool.get(), &thread, i] {
      enter_thread(i);
      self->run(thread);
    });
  }
  return pool;
}

DtlsPool::DtlsPool(DtlsPoolConfig config, Sink sink) : config_(config), sink_(std::move(sink)) {}

DtlsPool::~DtlsPool() { stop(); }

void DtlsPool::stop() {
  is_stopping_ = true;
  for (const auto& thread : threads_) {
    if (!thread->thread.joinable()) continue;
    thread->signal->notify();
    thread->thread.join();
  }
}

// --- the workers' side -------------------------------------------------------------------------

bool DtlsPool::refuse(dtls::JobKind kind) {
  refused_jobs_.fetch_add(1, std::memory_order_relaxed);
  if (kind == dtls::JobKind::Close) refused_closes_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

bool DtlsPool::post(WorkerId worker, engine::DtlsWish& wish) {
  const std::size_t place =
      (wish.component.leg.session.slot + wish.component.leg.leg) % threads_.size();
  Thread& thread = *threads_[place];
  Lane& lane = *thread.lanes[worker.raw()];
  const bool is_datagram = wish.kind == dtls::JobKind::Datagram;
  const bool must_arrive =
      wish.kind == dtls::JobKind::Close || wish.kind == dtls::JobKind::Settings;
  const std::size_t spare = must_arrive ? 0 : lane.orders.capacity() / 4;
  const bool has_room = is_datagram ? lane.datagrams.free_for_producer() > 0
                                    : lane.orders.free_for_producer() > spare;
  if (!has_room) return refuse(wish.kind);
  // The settings move, so that nothing is freed here, whoever had them last.
  Job job{.number = lane.next_posted++,
          .component = wish.component,
          .association = wish.association,
          .kind = wish.kind,
          .from = wish.from,
          .settings = std::move(wish.settings)};
  bool is_pushed = false;
  if (is_datagram) {
    DatagramJob whole{.job = std::move(job), .octets = 0, .datagram = {}};
    const Bytes datagram = wish.packet ? Bytes(wish.packet.data()) : Bytes();
    whole.octets = static_cast<std::uint16_t>(std::min(datagram.size(), whole.datagram.size()));
    std::ranges::copy(datagram.first(whole.octets), whole.datagram.begin());
    is_pushed = lane.datagrams.try_push(whole);
  } else {
    is_pushed = lane.orders.try_push(job);
  }
  CAUSEWAY_CHECK(is_pushed, "a ring with room takes a job");
  thread.signal->notify();
  return true;
}

DtlsPoolStats DtlsPool::stats() const {
  return {.jobs = jobs_,
          .refused_jobs = refused_jobs_,
          .refused_closes = refused_closes_,
          .up = up_,
          .failed = failed_,
          .forgotten = forgotten_,
          .associations = associations_};
}

// --- the pool's side ---------------------------------------------------------------------------

void DtlsPool::run(Thread& self) {
  while (!is_stopping_.load(std::memory_order_relaxed)) {
    if (take_jobs(self)) continue;
    self.signal->may_sleep();
    if (take_jobs(self)) {
      self.signal->is_awake();
      continue;
    }
    self.signal->wait(std::chrono::seconds(1));
  }
}

/// One of each worker in turn, so that none keeps the others waiting.
bool DtlsPool::take_jobs(Thread& self) {
  bool has_taken = false;
  for (const auto& lane : self.lanes) {
    if (take_job(self, *lane)) has_taken = true;
  }
  return has_taken;
}

/// The job with the next number. It may be at the front of either ring; what is there of a later
/// number waits.
bool DtlsPool::take_job(Thread& self, Lane& lane) {
  if (!lane.datagram) lane.datagram = lane.datagrams.try_pop();
  if (!lane.order) lane.order = lane.orders.try_pop();
  // Posted between these two looks: what was posted before it is seen now.
  if (!lane.datagram) lane.datagram = lane.datagrams.try_pop();
  if (lane.datagram && lane.datagram->job.number == lane.next_taken) {
    ++lane.next_taken;
    carry_out(self, lane.datagram->job,
              Bytes(lane.datagram->datagram).first(lane.datagram->octets));
    lane.datagram.reset();
    return true;
  }
  if (!lane.order) return false;
  CAUSEWAY_CHECK(lane.order->number == lane.next_taken, "no job is lost between worker and pool");
  ++lane.next_taken;
  carry_out(self, *lane.order, {});
  lane.order.reset();
  return true;
}

void DtlsPool::carry_out(Thread& self, const Job& job, Bytes datagram) {
  jobs_.fetch_add(1, std::memory_order_relaxed);
  Entry* const entry = entry_of(self, job);
  if (entry == nullptr) return;
  dtls::Associations& associations = *entry->associations;
  dtls::Report report;
  switch (job.kind) {
    case dtls::JobKind::Start:
      associations.start(report);
      break;
    case dtls::JobKind::Datagram:
      associations.handle_datagram(datagram, job.from, report);
      break;
    case dtls::JobKind::Timeout:
      associations.handle_timeout(report);
      break;
    case dtls::JobKind::Settings:
      associations.set_settings(job.settings, report);
      break;
    case dtls::JobKind::Close:
      break;
  }
  note_use(self, job.component, *entry);
  if (report.outcome == dtls::Outcome::Up) up_.fetch_add(1, std::memory_order_relaxed);
  if (report.outcome == dtls::Outcome::Failed) failed_.fetch_add(1, std::memory_order_relaxed);
  if (!report.is_empty()) sink_(job.component, job.association, std::move(report));
}

/// Where a job is to be done; null where there is nothing to do it to.
DtlsPool::Entry* DtlsPool::entry_of(Thread& self, const Job& job) {
  auto found = self.entries.find(job.component);
  const bool is_close = job.kind == dtls::JobKind::Close;
  // Another association of the leg: what was there is over.
  if (found != self.entries.end() && (is_close || found->second.association != job.association)) {
    erase(self, found);
    found = self.entries.end();
  }
  if (found != self.entries.end()) return &found->second;
  // Nothing is kept of a leg before its handshake begins. With a Timeout it does where its Start
  // was refused.
  if (is_close || job.kind == dtls::JobKind::Settings || !job.settings) return nullptr;
  const bool is_active = job.settings->role == dtls::Role::Active;
  if (job.kind == dtls::JobKind::Timeout && !is_active) return nullptr;
  Entry& made = self.entries[job.component];
  made.association = job.association;
  made.associations = std::make_unique<dtls::Associations>(job.settings);
  associations_.fetch_add(1, std::memory_order_relaxed);
  return &made;
}

/// Keeps those under way in the order in which they were heard of, and not too many of them.
void DtlsPool::note_use(Thread& self, const engine::DtlsComponent& component, Entry& entry) {
  const Instant now = io::now();
  entry.used_at = now;
  if (entry.associations->is_up()) {
    if (entry.place) self.under_way.erase(*entry.place);
    entry.place.reset();
  } else if (entry.place) {
    self.under_way.splice(self.under_way.end(), self.under_way, *entry.place);
  } else {
    entry.place = self.under_way.insert(self.under_way.end(), component);
  }
  forget_the_quiet(self, now);
}

void DtlsPool::forget_the_quiet(Thread& self, Instant now) {
  while (!self.under_way.empty()) {
    const auto quietest = self.entries.find(self.under_way.front());
    const bool is_too_many = self.under_way.size() > config_.max_handshakes;
    if (!is_too_many && now - quietest->second.used_at <= config_.longest_silence) return;
    erase(self, quietest);
    forgotten_.fetch_add(1, std::memory_order_relaxed);
  }
}

void DtlsPool::erase(Thread& self, Entries::iterator entry) {
  if (entry->second.place) self.under_way.erase(*entry->second.place);
  self.entries.erase(entry);
  associations_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace causeway::worker
