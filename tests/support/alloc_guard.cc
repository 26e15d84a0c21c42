// Counts what worker threads must not do after warm-up: allocate, free, lock, wait. Linked as an
// object into a test program or a daemon built for tests (never into what ships), it
//
// - replaces malloc and friends, which operator new and every library call, and pthread's locks;
// - defines worker::linked_hooks(), by which each worker arms the counting for its own thread;
// - prints, at exit and on SIGUSR2, to stderr
//       alloc_guard: 0 allocations, 0 locks on worker threads (2 threads, 0 frees)
//   with a backtrace of the first offence, and turns the exit status into 97 if there was any.
//
// CAUSEWAY_PLANT_ALLOCATION=1 or CAUSEWAY_PLANT_LOCK=1 commits one offence on each worker, by which
// a test shows that the guard would see it. Not for builds with sanitizers, which replace malloc
// too.

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "relay/worker/hooks.h"

extern "C" {
// glibc's own names of what is replaced here.
void* __libc_malloc(std::size_t octets);
void* __libc_calloc(std::size_t count, std::size_t octets);
void* __libc_realloc(void* memory, std::size_t octets);
void* __libc_memalign(std::size_t alignment, std::size_t octets);
void __libc_free(void* memory);
}

namespace {

constexpr int kExitStatus = 97;

struct Offence {
  std::atomic<bool> is_taken{false};
  const char* what = nullptr;
  std::array<void*, 48> frames{};
  int depth = 0;
};

constinit std::atomic<std::uint64_t> allocations{0};
constinit std::atomic<std::uint64_t> frees{0};
constinit std::atomic<std::uint64_t> locks{0};
constinit std::atomic<std::uint64_t> threads{0};
constinit Offence first;

// initial-exec: a thread-local that is made on first use would allocate inside malloc.
__attribute__((tls_model("initial-exec"))) constinit thread_local bool is_armed = false;

void note(std::atomic<std::uint64_t>& counter, const char* what) {
  if (!is_armed) [[likely]]
    return;
  is_armed = false;  // what follows is our own doing
  counter.fetch_add(1);
  if (!first.is_taken.exchange(true)) {
    first.depth = ::backtrace(first.frames.data(), static_cast<int>(first.frames.size()));
    first.what = what;
  }
  is_armed = true;
}

/// Async-signal-safe, but for backtrace_symbols_fd's first use, which a constructor has made.
void print_report() {
  std::array<char, 200> line{};
  const int length = std::snprintf(
      line.data(), line.size(),
      "alloc_guard: %llu allocations, %llu locks on worker threads (%llu threads, %llu frees)\n",
      static_cast<unsigned long long>(allocations.load()),
      static_cast<unsigned long long>(locks.load()),
      static_cast<unsigned long long>(threads.load()),
      static_cast<unsigned long long>(frees.load()));
  (void)!::write(STDERR_FILENO, line.data(), static_cast<std::size_t>(length));
  if (first.what != nullptr) {
    constexpr char kFirst[] = "alloc_guard: the first, in ";
    (void)!::write(STDERR_FILENO, kFirst, sizeof kFirst - 1);
    (void)!::write(STDERR_FILENO, first.what, std::strlen(first.what));
    (void)!::write(STDERR_FILENO, ":\n", 2);
    ::backtrace_symbols_fd(first.frames.data(), first.depth, STDERR_FILENO);
  }
}

void report_at_exit() {
  std::fflush(nullptr);
  print_report();
  if (allocations != 0 || locks != 0 || frees != 0) ::_exit(kExitStatus);
}

void commit_planted_offences() {
  // Through volatile pointers, so that no compiler leaves them out.
  if (std::getenv("CAUSEWAY_PLANT_ALLOCATION") != nullptr) {
    void* (*volatile allocate)(std::size_t) = std::malloc;
    void (*volatile release)(void*) = std::free;
    release(allocate(16));
  }
  if (std::getenv("CAUSEWAY_PLANT_LOCK") != nullptr) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    int (*volatile lock)(pthread_mutex_t*) = ::pthread_mutex_lock;
    lock(&mutex);
    ::pthread_mutex_unlock(&mutex);
  }
}

__attribute__((constructor)) void install() {
  std::array<void*, 4> warm_up{};
  (void)::backtrace(warm_up.data(), 4);  // loads libgcc, which allocates
  std::atexit(report_at_exit);
  struct sigaction action {};
  action.sa_handler = [](int) { print_report(); };
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR2, &action, nullptr);
}

/// The next definition of a function that is replaced here. Looked up once for each.
template <typename Function>
class Original {
 public:
  constexpr explicit Original(const char* name, const char* version = nullptr)
      : name_(name), version_(version) {}
  Function get() {
    void* found = found_.load(std::memory_order_acquire);
    if (found == nullptr) {
      found =
          version_ != nullptr ? ::dlvsym(RTLD_NEXT, name_, version_) : ::dlsym(RTLD_NEXT, name_);
      found_.store(found, std::memory_order_release);
    }
    return reinterpret_cast<Function>(found);
  }

 private:
  const char* name_;
  const char* version_;
  std::atomic<void*> found_{nullptr};
};

using MutexFunction = int (*)(pthread_mutex_t*);
using RwlockFunction = int (*)(pthread_rwlock_t*);
using CondWait = int (*)(pthread_cond_t*, pthread_mutex_t*);
using CondTimedWait = int (*)(pthread_cond_t*, pthread_mutex_t*, const timespec*);
using CondClockWait = int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*);

constinit Original<MutexFunction> mutex_lock("pthread_mutex_lock");
constinit Original<MutexFunction> mutex_trylock("pthread_mutex_trylock");
constinit Original<RwlockFunction> rwlock_rdlock("pthread_rwlock_rdlock");
constinit Original<RwlockFunction> rwlock_wrlock("pthread_rwlock_wrlock");
// x86-64 has an older condition variable under the same name.
#if defined(__x86_64__)
constexpr const char* kCondVersion = "GLIBC_2.3.2";
#else
constexpr const char* kCondVersion = nullptr;
#endif
constinit Original<CondWait> cond_wait("pthread_cond_wait", kCondVersion);
constinit Original<CondTimedWait> cond_timedwait("pthread_cond_timedwait", kCondVersion);
constinit Original<CondClockWait> cond_clockwait("pthread_cond_clockwait");

}  // namespace

namespace causeway::worker {

Hooks linked_hooks() {
  return {.on_thread_start = [] { threads.fetch_add(1); },
          .on_warm =
              [] {
                is_armed = true;
                commit_planted_offences();
              },
          .on_stopping = [] { is_armed = false; }};
}

}  // namespace causeway::worker

extern "C" {

void* malloc(std::size_t octets) {
  note(allocations, "malloc");
  return __libc_malloc(octets);
}
void* calloc(std::size_t count, std::size_t octets) {
  note(allocations, "calloc");
  return __libc_calloc(count, octets);
}
void* realloc(void* memory, std::size_t octets) {
  note(allocations, "realloc");
  return __libc_realloc(memory, octets);
}
void free(void* memory) {
  if (memory != nullptr) note(frees, "free");
  __libc_free(memory);
}
void* memalign(std::size_t alignment, std::size_t octets) {
  note(allocations, "memalign");
  return __libc_memalign(alignment, octets);
}
void* aligned_alloc(std::size_t alignment, std::size_t octets) {
  note(allocations, "aligned_alloc");
  return __libc_memalign(alignment, octets);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t octets) {
  note(allocations, "posix_memalign");
  void* const found = __libc_memalign(alignment, octets);
  if (found == nullptr) return ENOMEM;
  *memory = found;
  return 0;
}

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  note(locks, "pthread_mutex_lock");
  return mutex_lock.get()(mutex);
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) {
  note(locks, "pthread_mutex_trylock");
  return mutex_trylock.get()(mutex);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) {
  note(locks, "pthread_rwlock_rdlock");
  return rwlock_rdlock.get()(lock);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) {
  note(locks, "pthread_rwlock_wrlock");
  return rwlock_wrlock.get()(lock);
}
int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  note(locks, "pthread_cond_wait");
  return cond_wait.get()(condition, mutex);
}
int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* until) {
  note(locks, "pthread_cond_timedwait");
  return cond_timedwait.get()(condition, mutex, until);
}
int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  note(locks, "pthread_cond_clockwait");
  return cond_clockwait.get()(condition, mutex, clock, until);
}
}
