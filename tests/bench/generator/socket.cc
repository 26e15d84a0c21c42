#include "tests/bench/generator/socket.h"

#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <utility>

namespace causeway::bench {

namespace {

[[noreturn]] void fail(const char* what, const SocketAddress& address) {
  std::cerr << "bench_generator: " << what << " " << address.to_string() << ": "
            << std::strerror(errno) << "\n";
  std::exit(2);
}

struct Name {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Name name_of(const SocketAddress& address) {
  Name name;
  if (address.ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port.raw());
    std::memcpy(&v4.sin_addr, address.ip.octets().data(), 4);
    std::memcpy(&name.storage, &v4, sizeof v4);
    name.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port.raw());
    std::memcpy(&v6.sin6_addr, address.ip.octets().data(), 16);
    std::memcpy(&name.storage, &v6, sizeof v6);
    name.size = sizeof v6;
  }
  return name;
}

std::int64_t stamp_of(msghdr& header) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec at{};
    std::memcpy(&at, CMSG_DATA(each), sizeof at);
    return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
  }
  return 0;
}

}  // namespace

Socket::Socket(const SocketAddress& local, const SocketAddress& remote) {
  const Name here = name_of(local);
  const Name there = name_of(remote);
  fd_ = ::socket(here.get()->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd_ < 0 || ::setsockopt(fd_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) {
    fail("socket", local);
  }
  if (::bind(fd_, here.get(), here.size) != 0) fail("bind", local);
  if (::connect(fd_, there.get(), there.size) != 0) fail("connect", remote);
}

Socket::Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

bool Socket::send(Bytes packet) const {
  return ::send(fd_, packet.data(), packet.size(), 0) == static_cast<ssize_t>(packet.size());
}

std::uint32_t Socket::drops() const {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, info.data(), &size) != 0) return 0;
  return info[SK_MEMINFO_DROPS];
}

std::size_t Socket::receive_batch(PacketPool& pool, std::array<Arrival, kBatch>& arrivals) const {
  std::array<mmsghdr, kBatch> headers{};
  std::array<iovec, kBatch> vectors{};
  alignas(cmsghdr) std::array<std::array<char, CMSG_SPACE(sizeof(timespec))>, kBatch> controls;
  for (std::size_t i = 0; i < kBatch; ++i) {
    arrivals[i].packet = pool.take();
    arrivals[i].packet.resize(PacketBuf::kMaxData);
    vectors[i] = {arrivals[i].packet.data().data(), PacketBuf::kMaxData};
    headers[i].msg_hdr.msg_iov = &vectors[i];
    headers[i].msg_hdr.msg_iovlen = 1;
    headers[i].msg_hdr.msg_control = controls[i].data();
    headers[i].msg_hdr.msg_controllen = controls[i].size();
  }
  const int count = ::recvmmsg(fd_, headers.data(), kBatch, MSG_DONTWAIT, nullptr);
  const std::size_t received = count > 0 ? static_cast<std::size_t>(count) : 0;
  for (std::size_t i = 0; i < received; ++i) {
    arrivals[i].packet.resize(headers[i].msg_len);
    arrivals[i].at_ns = stamp_of(headers[i].msg_hdr);
  }
  return received;
}

}  // namespace causeway::bench
