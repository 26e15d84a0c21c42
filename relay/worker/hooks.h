#pragma once

#include <functional>

namespace causeway::worker {

/// What a test may want to do on a worker's own thread: the no-allocation test marks it there.
struct Hooks {
  std::function<void()> on_thread_start;
  /// Warm-up is over: from here to on_stopping the thread neither allocates, frees nor locks.
  std::function<void()> on_warm;
  std::function<void()> on_stopping;
};

/// The hooks that are linked into this program. The library has none; a test program (see
/// tests/support/alloc_guard) defines this function itself, and the linker then leaves ours out.
[[nodiscard]] Hooks linked_hooks();

}  // namespace causeway::worker
