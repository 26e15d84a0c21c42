#include "tests/unit/support/alloc_counter.h"

#include <cerrno>
#include <cstddef>

// Whose malloc is it? g++ tells by macros, clang by features.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CAUSEWAY_ASAN_MALLOC 1
#elif __has_feature(thread_sanitizer)
#define CAUSEWAY_TSAN_MALLOC 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define CAUSEWAY_ASAN_MALLOC 1
#elif defined(__SANITIZE_THREAD__)
#define CAUSEWAY_TSAN_MALLOC 1
#endif

namespace causeway::test_support {
namespace {

// Constant-initialised, in the program's own TLS block: using it never allocates.
constinit thread_local HeapUse heap_use;

}  // namespace

HeapUse heap_use_of_this_thread() { return heap_use; }

}  // namespace causeway::test_support

#if defined(CAUSEWAY_ASAN_MALLOC) || defined(CAUSEWAY_TSAN_MALLOC)

#include <sanitizer/allocator_interface.h>

namespace causeway::test_support {
namespace {

void count_allocation(const volatile void*, std::size_t) { ++heap_use.allocations; }
void count_free(const volatile void*) { ++heap_use.frees; }

const bool kAreHooksInstalled =
    __sanitizer_install_malloc_and_free_hooks(count_allocation, count_free) > 0;

}  // namespace

bool can_count_allocations() { return kAreHooksInstalled; }

bool can_count_aligned_allocations() {
#if defined(CAUSEWAY_TSAN_MALLOC)
  return false;
#else
  return kAreHooksInstalled;
#endif
}

}  // namespace causeway::test_support

#else

// glibc's own allocator under its other names: what these functions stand in for.
// NOLINTBEGIN(readability-identifier-naming): the names are glibc's.
extern "C" {
void* __libc_malloc(std::size_t octets);
void* __libc_calloc(std::size_t count, std::size_t octets);
void* __libc_realloc(void* old, std::size_t octets);
void* __libc_memalign(std::size_t alignment, std::size_t octets);
void __libc_free(void* old);
// NOLINTEND(readability-identifier-naming)

using causeway::test_support::heap_use;

// operator new and delete of libstdc++ end in these too.
void* malloc(std::size_t octets) {
  ++heap_use.allocations;
  return __libc_malloc(octets);
}

void* calloc(std::size_t count, std::size_t octets) {
  ++heap_use.allocations;
  return __libc_calloc(count, octets);
}

void* realloc(void* old, std::size_t octets) {
  ++heap_use.allocations;
  return __libc_realloc(old, octets);
}

void* memalign(std::size_t alignment, std::size_t octets) {
  ++heap_use.allocations;
  return __libc_memalign(alignment, octets);
}

void* aligned_alloc(std::size_t alignment, std::size_t octets) {
  return memalign(alignment, octets);
}

int posix_memalign(void** out, std::size_t alignment, std::size_t octets) {
  void* block = memalign(alignment, octets);
  if (block == nullptr) return ENOMEM;
  *out = block;
  return 0;
}

void free(void* old) {
  if (old != nullptr) ++heap_use.frees;
  __libc_free(old);
}
}  // extern "C"

namespace causeway::test_support {

bool can_count_allocations() { return true; }
bool can_count_aligned_allocations() { return true; }

}  // namespace causeway::test_support

#endif
