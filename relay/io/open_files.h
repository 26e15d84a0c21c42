#pragma once

#include <cstdint>

#include "relay/base/result.h"
#include "relay/io/backend.h"

namespace causeway::io {

/// Raises the number of files that the process may have open (RLIMIT_NOFILE) to the hard limit, and
/// returns it: each media port is one. Called once, when the process starts.
[[nodiscard]] Result<std::uint64_t, Errno> raise_open_files_limit();

}  // namespace causeway::io
