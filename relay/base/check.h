#pragma once

namespace causeway {

/// Ends the process: an invariant of ours is broken. Prints the place and `why`, never data.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const char* why);

}  // namespace causeway

/// A broken invariant is a bug of ours, not an input's fault: abort at once, with a reason.
#define CAUSEWAY_CHECK(condition, why)                                 \
  do {                                                                 \
    if (!(condition)) [[unlikely]] {                                   \
      ::causeway::check_failed(__FILE__, __LINE__, #condition, (why)); \
    }                                                                  \
  } while (false)
