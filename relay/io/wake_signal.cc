#include "relay/io/wake_signal.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <ctime>

namespace causeway::io {

Result<std::unique_ptr<WakeSignal>, Errno> WakeSignal::create() {
  FileDescriptor event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event) return failure(Errno(errno));
  return std::unique_ptr<WakeSignal>(new WakeSignal(std::move(event)));
}

void WakeSignal::notify() {
  if (flag_.must_wake()) ::eventfd_write(event_.raw(), 1);
}

void WakeSignal::wait(std::optional<Duration> timeout) {
  pollfd watched{event_.raw(), POLLIN, 0};
  timespec span{};
  if (timeout) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*timeout);
    span = {seconds.count(), (*timeout - seconds).count()};
  }
  if (::ppoll(&watched, 1, timeout ? &span : nullptr, nullptr) > 0) {
    eventfd_t ignored = 0;
    ::eventfd_read(event_.raw(), &ignored);
  }
  flag_.is_awake();
}

}  // namespace causeway::io
