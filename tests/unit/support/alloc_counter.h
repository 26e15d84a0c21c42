#pragma once

#include <cstdint>

namespace causeway::test_support {

/// What the calling thread has taken from and given back to the heap since it started: malloc,
/// calloc, realloc, aligned forms and operator new. A program counts when it links the object
/// library causeway_alloc_counter, which stands in for glibc's malloc; under AddressSanitizer and
/// ThreadSanitizer, whose malloc is theirs, their hooks count instead.
struct HeapUse {
  std::uint64_t allocations = 0;
  std::uint64_t frees = 0;
};
[[nodiscard]] HeapUse heap_use_of_this_thread();

/// Whether anything is counted: false only where a sanitizer offers no hooks. A test then says so:
///   if (!can_count_allocations()) GTEST_SKIP() << "this build's malloc cannot be counted";
[[nodiscard]] bool can_count_allocations();

/// The same for aligned_alloc and posix_memalign, which ThreadSanitizer's hooks pass over.
[[nodiscard]] bool can_count_aligned_allocations();

/// Counts the calling thread's allocations from its making on.
class AllocationScope {
 public:
  AllocationScope() : before_(heap_use_of_this_thread()) {}
  [[nodiscard]] std::uint64_t allocations() const {
    return heap_use_of_this_thread().allocations - before_.allocations;
  }
  [[nodiscard]] std::uint64_t frees() const {
    return heap_use_of_this_thread().frees - before_.frees;
  }

 private:
  HeapUse before_;
};

}  // namespace causeway::test_support
