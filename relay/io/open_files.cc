#include "relay/io/open_files.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "relay/io/file_descriptor.h"

namespace causeway::io {

Result<std::uint64_t, Errno> raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return failure(Errno(errno));
  if (limit.rlim_cur == limit.rlim_max) return limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return failure(Errno(errno));
  return limit.rlim_cur;
}

Result<void, Errno> reserve_open_files(std::uint64_t files) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return failure(Errno(errno));
  const FileDescriptor any(::eventfd(0, EFD_CLOEXEC));
  if (!any) return failure(Errno(errno));
  // The table grows so far that the number asked for has a place in it, and never shrinks.
  const auto last = std::min<std::uint64_t>({files, limit.rlim_cur, INT_MAX}) - 1;
  const FileDescriptor there(::fcntl(any.raw(), F_DUPFD_CLOEXEC, static_cast<int>(last)));
  if (!there) return failure(Errno(errno));
  return {};
}

}  // namespace causeway::io
