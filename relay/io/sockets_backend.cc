#include "relay/io/sockets_backend.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "relay/base/check.h"
#include "relay/io/sockaddr.h"
#include "relay/io/system_call.h"

namespace causeway::io {

namespace {

constexpr std::uint64_t kWakeEvent = ~std::uint64_t{0};

std::uint64_t event_data(SocketId id) { return std::uint64_t{id.slot} << 32 | id.generation; }

SocketId socket_of(std::uint64_t data) {
  return {static_cast<std::uint32_t>(data >> 32), static_cast<std::uint32_t>(data)};
}

Error system_error(std::string_view reason, const char* call) {
  return {ErrorCode::Unavailable, reason, "", std::string(call) + ": " + std::strerror(errno)};
}

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/// DSCP stands in the upper six bits of the traffic class (RFC 2474 section 3).
bool set_options(int fd, bool is_v6, const SocketOptions& options) {
  const int traffic_class = options.dscp << 2;
  const int receive_buffer = options.receive_buffer_octets;
  return (!is_v6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
         (traffic_class == 0 || (is_v6 ? set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, traffic_class)
                                       : set_option(fd, IPPROTO_IP, IP_TOS, traffic_class))) &&
         set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1) &&
         set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1) &&
         set_option(fd, SOL_SOCKET, SO_RCVBUF, receive_buffer);
}

timespec to_timespec(Duration span) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span);
  return {seconds.count(), (span - seconds).count()};
}

template <typename T>
T read_control(const cmsghdr* control) {
  T value;
  std::memcpy(&value, CMSG_DATA(control), sizeof value);
  return value;
}

}  // namespace

Result<std::unique_ptr<SocketsBackend>, Error> SocketsBackend::create(const Config& config,
                                                                      PacketPool& pool) {
  FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return failure(system_error("IO_UNAVAILABLE", "epoll_create1"));
  FileDescriptor wake_event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_event) return failure(system_error("IO_UNAVAILABLE", "eventfd"));
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kWakeEvent}};
  if (::epoll_ctl(epoll.raw(), EPOLL_CTL_ADD, wake_event.raw(), &event) != 0) {
    return failure(system_error("IO_UNAVAILABLE", "epoll_ctl"));
  }
  FileDescriptor stamping(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!stamping || !set_option(stamping.raw(), SOL_SOCKET, SO_TIMESTAMPNS, 1)) {
    return failure(system_error("IO_UNAVAILABLE", "SO_TIMESTAMPNS"));
  }
  return std::unique_ptr<SocketsBackend>(new SocketsBackend(
      config, pool, std::move(epoll), std::move(wake_event), std::move(stamping)));
}

SocketsBackend::SocketsBackend(const Config& config, PacketPool& pool, FileDescriptor epoll,
                               FileDescriptor wake_event, FileDescriptor stamping)
    : config_(config),
      pool_(pool),
      epoll_(std::move(epoll)),
      wake_event_(std::move(wake_event)),
      stamping_(std::move(stamping)),
      sockets_(config.max_sockets),
      ordered_(kMaxBatch) {
  batch_.reserve(kMaxBatch);
  keys_.reserve(kMaxBatch);
  for (std::size_t i = 0; i < kPerSocket; ++i) {
    msghdr& header = bay_.headers[i].msg_hdr;
    header.msg_iov = &bay_.vectors[i];
    header.msg_iovlen = 1;
    header.msg_name = &bay_.names[i];
    header.msg_control = bay_.controls[i].data();
  }
  for (std::size_t i = 0; i < kMaxSendRun; ++i) {
    msghdr& header = run_.headers[i].msg_hdr;
    header.msg_iov = &run_.vectors[i];
    header.msg_iovlen = 1;
    header.msg_name = &run_.names[i];
  }
}

SocketsBackend::~SocketsBackend() = default;

SocketsBackend::Socket* SocketsBackend::find(SocketId id) {
  if (id.slot >= sockets_.size()) return nullptr;
  Socket& socket = sockets_[id.slot];
  return socket.fd && socket.generation == id.generation ? &socket : nullptr;
}

Result<SocketAddress, Errno> SocketsBackend::open(SocketId id, const SocketAddress& bind,
                                                  const SocketOptions& options) {
  const auto refused = [this](int error) {
    stats_.open_failures.add();
    return failure(Errno(error));
  };
  if (id.slot >= sockets_.size()) return refused(EMFILE);
  Socket& socket = sockets_[id.slot];
  CAUSEWAY_CHECK(!socket.fd, "a socket's slot is opened twice");

  sockaddr_storage name{};
  socklen_t length = to_sockaddr(bind, name);
  if (length == 0) return refused(EADDRNOTAVAIL);
  FileDescriptor fd(::socket(name.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const bool is_for_many = options.receive_buffer_octets != 0;
  const int receive_buffer =
      is_for_many ? options.receive_buffer_octets : config_.receive_buffer_octets;
  if (!fd || !set_options(fd.raw(), bind.ip.is_v6(), {options.dscp, receive_buffer}) ||
      ::bind(fd.raw(), reinterpret_cast<const sockaddr*>(&name), length) != 0) {
    return refused(errno);
  }
  if (is_for_many) {
    // Past net.core.rmem_max, where the process may (CAP_NET_ADMIN).
    (void)set_option(fd.raw(), SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer);
  }
  if (bind.port == UdpPort{} &&
      ::getsockname(fd.raw(), reinterpret_cast<sockaddr*>(&name), &length) != 0) {
    return refused(errno);
  }
  epoll_event event{.events = EPOLLIN, .data = {.u64 = event_data(id)}};
  if (::epoll_ctl(epoll_.raw(), EPOLL_CTL_ADD, fd.raw(), &event) != 0) return refused(errno);
  socket.fd = std::move(fd);
  socket.generation = id.generation;
  socket.kernel_drops = 0;
  return from_sockaddr(name);
}

int SocketsBackend::receive_buffer_octets(SocketId id) const {
  const bool is_open = id.slot < sockets_.size() && sockets_[id.slot].fd &&
                       sockets_[id.slot].generation == id.generation;
  int doubled = 0;
  socklen_t length = sizeof doubled;
  if (!is_open ||
      ::getsockopt(sockets_[id.slot].fd.raw(), SOL_SOCKET, SO_RCVBUF, &doubled, &length) != 0) {
    return 0;
  }
  return doubled / 2;  // socket(7): half of it is for the kernel's bookkeeping
}

void SocketsBackend::close(SocketId id) {
  Socket* const socket = find(id);
  if (socket == nullptr) return;
  // Closing alone would leave the socket in epoll for as long as a child of fork() holds a copy.
  ::epoll_ctl(epoll_.raw(), EPOLL_CTL_DEL, socket->fd.raw(), nullptr);
  socket->fd.reset();
}

std::span<Datagram> SocketsBackend::wait(std::optional<Instant> deadline) {
  for (Datagram& left : std::span(ordered_).first(keys_.size())) left.packet.reset();
  keys_.clear();
  batch_.clear();
  if (next_event_ == event_count_) poll(deadline);
  clock_.begin_batch();
  while (next_event_ < event_count_ && batch_.size() < kMaxBatch) serve(events_[next_event_++]);
  return in_order_of_arrival();
}

void SocketsBackend::poll(std::optional<Instant> deadline) {
  Duration sleep{};
  // Compared, not subtracted: the past may be Instant::min().
  if (const Instant at = now(); deadline && *deadline > at) sleep = *deadline - at;
  int count = -1;
  if (has_pwait2_) {
    const timespec timeout = to_timespec(sleep);
    count = system_call::epoll_pwait2(epoll_.raw(), events_.data(), kMaxEvents,
                                      deadline ? &timeout : nullptr);
    // Kernels before 5.11 do not have it; some system call filters refuse what they do not know.
    if (count < 0 && (errno == ENOSYS || errno == EPERM)) has_pwait2_ = false;
  }
  if (!has_pwait2_) {
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(sleep);
    count = system_call::epoll_wait(epoll_.raw(), events_.data(), kMaxEvents,
                                    deadline ? static_cast<int>(whole.count()) : -1);
  }
  next_event_ = 0;
  event_count_ = count > 0 ? static_cast<std::size_t>(count) : 0;
}

void SocketsBackend::serve(const epoll_event& event) {
  if (event.data.u64 == kWakeEvent) {
    eventfd_t ignored = 0;
    ::eventfd_read(wake_event_.raw(), &ignored);
    return;
  }
  const SocketId id = socket_of(event.data.u64);
  Socket* const socket = find(id);
  if (socket == nullptr) {
    stats_.stale_events.add();
    return;
  }
  receive(id, *socket);
}

void SocketsBackend::receive(SocketId id, Socket& socket) {
  const std::size_t first = load_bay();
  const std::size_t room = std::min(kPerSocket - first, kMaxBatch - batch_.size());
  if (room == 0) {
    discard(socket);
    return;
  }
  const int count = system_call::recvmmsg(socket.fd.raw(), &bay_.headers[first],
                                          static_cast<unsigned>(room), MSG_DONTWAIT);
  if (count < 0) {
    // An error of the socket (an ICMP answer to what it sent) is cleared by being reported.
    if (errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH) {
      stats_.icmp_errors.add();
    } else if (errno != EAGAIN && errno != EINTR) {
      stats_.receive_errors.add();
    }
    return;
  }
  bay_.used = first + static_cast<std::size_t>(count);
  for (std::size_t place = first; place < bay_.used; ++place) accept(id, socket, place);
}

/// Makes the used places ready again, the last first. Returns the first place that is ready: not
/// the very first where the pool has run out.
std::size_t SocketsBackend::load_bay() {
  for (; bay_.used > 0; --bay_.used) {
    const std::size_t place = bay_.used - 1;
    if (!bay_.packets[place]) {
      bay_.packets[place] = pool_.take();
      if (!bay_.packets[place]) break;
      bay_.packets[place].resize(PacketBuf::kMaxData);
      bay_.vectors[place] = {bay_.packets[place].data().data(), PacketBuf::kMaxData};
    }
    msghdr& header = bay_.headers[place].msg_hdr;
    header.msg_namelen = sizeof(sockaddr_storage);
    header.msg_controllen = sizeof(Control);
    header.msg_flags = 0;
  }
  return bay_.used;
}

/// Reads packets that there is no buffer for; left in the socket they would keep the loop awake.
void SocketsBackend::discard(const Socket& socket) {
  for (std::size_t i = 0; i < kPerSocket; ++i) {
    if (::recv(socket.fd.raw(), nullptr, 0, MSG_DONTWAIT | MSG_TRUNC) < 0) return;
    stats_.pool_empty.add();
  }
}

void SocketsBackend::accept(SocketId id, Socket& socket, std::size_t place) {
  msghdr& header = bay_.headers[place].msg_hdr;
  Instant arrival = clock_.batch_began();
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET) continue;
    if (control->cmsg_type == SCM_TIMESTAMPNS) {
      const auto stamp = read_control<timespec>(control);
      arrival = clock_.arrival(std::chrono::seconds(stamp.tv_sec) + Duration(stamp.tv_nsec));
    } else if (control->cmsg_type == SO_RXQ_OVFL) {
      const auto drops = read_control<std::uint32_t>(control);
      stats_.dropped_by_kernel.add(drops - socket.kernel_drops);
      socket.kernel_drops = drops;
    }
  }
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    stats_.truncated.add();
    return;
  }
  const std::size_t octets = bay_.headers[place].msg_len;
  stats_.received.add();
  stats_.received_octets.add(octets);
  PacketBuf packet = std::move(bay_.packets[place]);
  packet.resize(octets);
  batch_.push_back({id, from_sockaddr(bay_.names[place]), arrival, std::move(packet)});
}

std::span<Datagram> SocketsBackend::in_order_of_arrival() {
  // Epoll reports sockets in the order in which they became ready, so this is the common case.
  if (batch_.size() < 2 || std::ranges::is_sorted(batch_, {}, &Datagram::arrival)) return batch_;
  for (std::size_t i = 0; i < batch_.size(); ++i) keys_.push_back({batch_[i].arrival, i});
  std::ranges::sort(keys_);
  for (std::size_t i = 0; i < keys_.size(); ++i) ordered_[i] = std::move(batch_[keys_[i].index]);
  return std::span(ordered_).first(keys_.size());
}

void SocketsBackend::send(std::span<Transmit> batch) {
  while (!batch.empty()) {
    const SocketId id = batch.front().socket;
    std::size_t length = 1;
    while (length < std::min(batch.size(), kMaxSendRun) && batch[length].socket == id) ++length;
    if (const Socket* const socket = find(id)) {
      send_run(*socket, batch.first(length));
    } else {
      stats_.stale_transmits.add(length);
    }
    batch = batch.subspan(length);
  }
}

void SocketsBackend::send_run(const Socket& socket, std::span<Transmit> run) {
  for (std::size_t i = 0; i < run.size(); ++i) {
    const MutableBytes data = run[i].packet.data();
    run_.vectors[i] = {data.data(), data.size()};
    run_.headers[i].msg_hdr.msg_namelen = to_sockaddr(run[i].to, run_.names[i]);
  }
  bool may_retry = true;
  for (std::size_t done = 0; done < run.size();) {
    const int count = system_call::sendmmsg(socket.fd.raw(), &run_.headers[done],
                                            static_cast<unsigned>(run.size() - done), MSG_DONTWAIT);
    if (count > 0) {
      for (const std::size_t end = done + static_cast<std::size_t>(count); done < end; ++done) {
        stats_.sent.add();
        stats_.sent_octets.add(run[done].packet.size());
      }
      may_retry = true;
    } else if (errno == ECONNREFUSED && may_retry) {
      // It says that an earlier packet met no one; this one has not been tried yet.
      stats_.icmp_errors.add();
      may_retry = false;
    } else if (errno != EINTR) {
      count_send_failure(errno);
      ++done;
      may_retry = true;
    }
  }
}

void SocketsBackend::count_send_failure(int error) {
  if (error == EAGAIN) {
    stats_.send_would_block.add();
  } else if (error == ENOBUFS || error == ENOMEM) {
    stats_.send_no_buffers.add();
  } else {
    stats_.send_failed.add();
  }
}

void SocketsBackend::wake() { ::eventfd_write(wake_event_.raw(), 1); }

}  // namespace causeway::io
