#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

/// The system calls that a worker makes for each packet, without being cancellation points: nobody
/// cancels a worker's thread, and the C library's entering and leaving of such a point takes more
/// instructions than the rest of the call. Results and errno as in section 2 of the manual.
namespace causeway::io::system_call {

inline int recvmmsg(int socket, mmsghdr* messages, unsigned count, int flags) {
  return static_cast<int>(::syscall(SYS_recvmmsg, socket, messages, count, flags, nullptr));
}

inline int sendmmsg(int socket, mmsghdr* messages, unsigned count, int flags) {
  return static_cast<int>(::syscall(SYS_sendmmsg, socket, messages, count, flags));
}

/// `timeout`: nothing for ever.
inline int epoll_pwait2(int epoll, epoll_event* events, int most, const timespec* timeout) {
  return static_cast<int>(
      ::syscall(SYS_epoll_pwait2, epoll, events, most, timeout, nullptr, std::size_t{0}));
}

/// The same in whole milliseconds, which every kernel has; negative for ever.
inline int epoll_wait(int epoll, epoll_event* events, int most, int timeout_ms) {
  return static_cast<int>(
      ::syscall(SYS_epoll_pwait, epoll, events, most, timeout_ms, nullptr, std::size_t{0}));
}

}  // namespace causeway::io::system_call
