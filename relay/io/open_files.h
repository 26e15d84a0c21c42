#pragma once

#include <cstdint>

#include "relay/base/result.h"
#include "relay/io/backend.h"

namespace causeway::io {

/// Raises the number of files that the process may have open (RLIMIT_NOFILE) to the hard limit, and
/// returns it: each media port is one. Called once, when the process starts.
[[nodiscard]] Result<std::uint64_t, Errno> raise_open_files_limit();

/// Makes the kernel's table of this process's files large enough for `files`, or for as many as the
/// limit allows. Called before the first thread is made: a table that grows later waits for every
/// processor of the machine (synchronize_rcu), which may hold up the opening of a socket by 100 ms.
[[nodiscard]] Result<void, Errno> reserve_open_files(std::uint64_t files);

}  // namespace causeway::io
