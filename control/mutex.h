#pragma once

#include <condition_variable>
#include <mutex>

// Clang's -Wthread-safety reads these; other compilers see nothing.
#if defined(__clang__)
#define CAUSEWAY_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define CAUSEWAY_THREAD_ANNOTATION(x)
#endif
#define CAUSEWAY_GUARDED_BY(x) CAUSEWAY_THREAD_ANNOTATION(guarded_by(x))
#define CAUSEWAY_REQUIRES(...) CAUSEWAY_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define CAUSEWAY_EXCLUDES(...) CAUSEWAY_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace causeway::control {

/// A mutex that the compiler can follow. control/ is the only room that has any, with io/'s
/// writers.
class CAUSEWAY_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() CAUSEWAY_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() CAUSEWAY_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

/// Holds a Mutex for a scope.
class CAUSEWAY_THREAD_ANNOTATION(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& mutex) CAUSEWAY_THREAD_ANNOTATION(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock();
  }
  ~Lock() CAUSEWAY_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
};

/// Waits for what another thread does under the same Mutex.
class Condition {
 public:
  void notify_all() { condition_.notify_all(); }
  void wait(Mutex& mutex) CAUSEWAY_REQUIRES(mutex) { condition_.wait(mutex); }
  /// False when `timeout` has passed.
  template <typename Timeout>
  bool wait_for(Mutex& mutex, Timeout timeout) CAUSEWAY_REQUIRES(mutex) {
    return condition_.wait_for(mutex, timeout) == std::cv_status::no_timeout;
  }

 private:
  std::condition_variable_any condition_;
};

}  // namespace causeway::control
