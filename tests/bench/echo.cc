// The limit that benches are measured against: a bare UDP echo, with the same calls as the relay's
// portable back-end (epoll, recvmsg, sendmsg) and nothing between them. Whatever the relay takes
// longer than this is its own.
//
//   bench_echo [--bind 127.0.0.1] [--port 24000] [--ports 1]
//
// Echoes on `ports` ports from `port` on; prints `ready` when they are open; ends on SIGTERM.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

struct Options {
  std::string bind = "127.0.0.1";
  int port = 24000;
  int ports = 1;
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--bind") options.bind = argv[i + 1];
    if (name == "--port") options.port = std::atoi(argv[i + 1]);
    if (name == "--ports") options.ports = std::atoi(argv[i + 1]);
  }
  return options;
}

int open_socket(const Options& options, int port) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  const bool is_v6 = ::inet_pton(AF_INET6, options.bind.c_str(), &v6.sin6_addr) == 1;
  if (!is_v6 && ::inet_pton(AF_INET, options.bind.c_str(), &v4.sin_addr) != 1) fail("--bind");
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  v4.sin_port = v6.sin6_port = htons(static_cast<std::uint16_t>(port));
  const int fd = ::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  const void* const name = is_v6 ? static_cast<const void*>(&v6) : &v4;
  if (fd < 0 ||
      ::bind(fd, static_cast<const sockaddr*>(name), is_v6 ? sizeof v6 : sizeof v4) != 0) {
    fail("bind");
  }
  return fd;
}

void echo_one(int fd) {
  static std::array<std::byte, 2048> packet;
  sockaddr_storage from;
  iovec vector{packet.data(), packet.size()};
  msghdr header{};
  header.msg_name = &from;
  header.msg_namelen = sizeof from;
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  const ssize_t octets = ::recvmsg(fd, &header, 0);
  if (octets < 0) return;
  vector.iov_len = static_cast<std::size_t>(octets);
  (void)::sendmsg(fd, &header, 0);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const int epoll = ::epoll_create1(0);
  for (int i = 0; i < options.ports; ++i) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = open_socket(options, options.port + i);
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event) != 0) fail("epoll_ctl");
  }
  std::puts("ready");
  std::fflush(stdout);
  std::array<epoll_event, 64> events;
  while (true) {
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) echo_one(events[static_cast<std::size_t>(i)].data.fd);
  }
}
