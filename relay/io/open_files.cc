#include "relay/io/open_files.h"

#include <sys/resource.h>

#include <cerrno>

namespace causeway::io {

Result<std::uint64_t, Errno> raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return failure(Errno(errno));
  if (limit.rlim_cur == limit.rlim_max) return limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return failure(Errno(errno));
  return limit.rlim_cur;
}

}  // namespace causeway::io
