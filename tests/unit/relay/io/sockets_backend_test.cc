#include "relay/io/sockets_backend.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "relay/io/sockaddr.h"

namespace causeway::io {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPatience = 10s;

/// A peer on loopback that is not ours: plain calls on a blocking socket.
class Peer {
 public:
  explicit Peer(const char* bind) {
    sockaddr_storage name{};
    socklen_t length = to_sockaddr(*SocketAddress::parse(bind), name);
    fd_ = FileDescriptor(::socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(fd_.raw(), reinterpret_cast<sockaddr*>(&name), length), 0);
    EXPECT_EQ(::getsockname(fd_.raw(), reinterpret_cast<sockaddr*>(&name), &length), 0);
    address_ = from_sockaddr(name);
    const timeval patience{10, 0};
    ::setsockopt(fd_.raw(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  [[nodiscard]] const SocketAddress& address() const { return address_; }
  [[nodiscard]] int fd() const { return fd_.raw(); }
  void send(const SocketAddress& to, const std::string& text) const {
    sockaddr_storage name{};
    const socklen_t length = to_sockaddr(to, name);
    EXPECT_EQ(::sendto(fd_.raw(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&name),
                       length),
              static_cast<ssize_t>(text.size()));
  }
  [[nodiscard]] std::string receive() const {
    std::string text(2048, '\0');
    const ssize_t octets = ::recv(fd_.raw(), text.data(), text.size(), 0);
    text.resize(octets > 0 ? static_cast<std::size_t>(octets) : 0);
    return octets < 0 ? "nothing" : text;
  }

 private:
  FileDescriptor fd_;
  SocketAddress address_;
};

std::string text_of(const Datagram& datagram) {
  const Bytes data = datagram.packet.data();
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

class SocketsBackendTest : public ::testing::Test {
 protected:
  SocketsBackendTest() { start({.max_sockets = 64}, 256); }

  void start(const SocketsBackend::Config& config, std::size_t packets) {
    backend_.reset();
    pool_ = std::make_unique<PacketPool>(packets);
    backend_ = std::move(*SocketsBackend::create(config, *pool_));
  }
  SocketAddress open(SocketId id, const char* bind = "127.0.0.1:0", std::uint8_t dscp = 0) {
    const auto opened = backend_->open(id, *SocketAddress::parse(bind), {.dscp = dscp});
    EXPECT_TRUE(opened) << std::strerror(opened ? 0 : opened.error().raw());
    return opened ? *opened : SocketAddress{};
  }
  /// What arrives until there are `count` datagrams, or patience ends; packets are kept.
  std::vector<Datagram> receive(std::size_t count) {
    std::vector<Datagram> all;
    const Instant deadline = now() + kPatience;
    while (all.size() < count && now() < deadline) {
      for (Datagram& datagram : backend_->wait(deadline)) all.push_back(std::move(datagram));
    }
    return all;
  }
  Transmit transmit(SocketId id, const SocketAddress& to, const std::string& text) {
    PacketBuf packet = pool_->take();
    packet.resize(text.size());
    std::memcpy(packet.data().data(), text.data(), text.size());
    return {id, to, std::move(packet)};
  }
  /// The kernel begins to stamp a while after it is asked; until then it stamps when it is read.
  void wait_for_kernel_stamps(SocketId id, const SocketAddress& local) {
    const Peer peer("127.0.0.1:0");
    for (const Instant deadline = now() + kPatience; now() < deadline;) {
      peer.send(local, "stamped?");
      const Instant sent = now();
      const auto received = receive(1);
      ASSERT_EQ(received.at(0).socket, id);
      if (received[0].arrival <= sent) return;
    }
    FAIL() << "the kernel does not stamp";
  }
  void send(SocketId id, const SocketAddress& to, const std::string& text) {
    std::array batch{transmit(id, to, text)};
    backend_->send(batch);
  }

  static constexpr SocketId kId{3, 7};
  std::unique_ptr<PacketPool> pool_;
  std::unique_ptr<SocketsBackend> backend_;
};

class SocketsBackendOnBothFamilies : public SocketsBackendTest,
                                     public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, SocketsBackendOnBothFamilies,
                         ::testing::Values("127.0.0.1:0", "[::1]:0"));

TEST_P(SocketsBackendOnBothFamilies, ReceivesWithSourceSocketAndArrival) {
  const SocketAddress local = open(kId, GetParam());
  const Peer peer(GetParam());
  const Instant before = now();
  peer.send(local, "hello");
  const auto received = receive(1);
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(text_of(received[0]), "hello");
  EXPECT_EQ(received[0].socket, kId);
  EXPECT_EQ(received[0].from, peer.address());
  // The two clocks are read one after the other, so a stamp may be wrong by that much.
  EXPECT_GE(received[0].arrival, before - 1ms);
  EXPECT_LE(received[0].arrival, now());
  EXPECT_EQ(received[0].packet.head_room(), PacketBuf::kHeadRoom);
  EXPECT_GE(received[0].packet.tail_room(), PacketBuf::kTailRoom);
}

TEST_P(SocketsBackendOnBothFamilies, SendsABatchInItsOrder) {
  const SocketAddress local = open(kId, GetParam());
  const Peer peer(GetParam());
  std::vector<Transmit> batch;
  for (int i = 0; i < 70; ++i) batch.push_back(transmit(kId, peer.address(), std::to_string(i)));
  backend_->send(batch);
  for (int i = 0; i < 70; ++i) EXPECT_EQ(peer.receive(), std::to_string(i));
  EXPECT_EQ(backend_->stats().sent.value(), 70U);
  EXPECT_EQ(backend_->stats().sent_octets.value(), 10U + 2 * 60U);
  EXPECT_NE(local.port, peer.address().port);
}

TEST_P(SocketsBackendOnBothFamilies, MarksWhatItSendsWithTheDscp) {
  open(kId, GetParam(), 46);
  const Peer peer(GetParam());
  const bool is_v6 = peer.address().ip.is_v6();
  const int yes = 1;
  ASSERT_EQ(::setsockopt(peer.fd(), is_v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                         is_v6 ? IPV6_RECVTCLASS : IP_RECVTOS, &yes, sizeof yes),
            0);
  send(kId, peer.address(), "marked");

  std::array<char, 64> text{};
  iovec vector{text.data(), text.size()};
  alignas(cmsghdr) std::array<std::byte, 64> control{};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ASSERT_EQ(::recvmsg(peer.fd(), &header, 0), 6);
  const cmsghdr* const first = CMSG_FIRSTHDR(&header);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(std::to_integer<int>(control[CMSG_LEN(0)]), 46 << 2);
}

TEST_F(SocketsBackendTest, ServesIpv4AndIpv6AtOnce) {
  const SocketAddress v4 = open({0, 1}, "127.0.0.1:0");
  const SocketAddress v6 = open({1, 1}, "[::1]:0");
  Peer("127.0.0.1:0").send(v4, "four");
  Peer("[::1]:0").send(v6, "six");
  auto received = receive(2);
  ASSERT_EQ(received.size(), 2U);
  std::ranges::sort(received, {}, [](const Datagram& d) { return d.socket.slot; });
  EXPECT_EQ(text_of(received[0]), "four");
  EXPECT_EQ(text_of(received[1]), "six");
}

TEST_F(SocketsBackendTest, AnIpv6SocketLeavesTheIpv4PortToOthers) {
  const SocketAddress v6 = open({0, 1}, "[::]:0");
  EXPECT_TRUE(backend_->open({1, 1}, {IpAddress::v4(0), v6.port}, {}));
}

TEST_F(SocketsBackendTest, RefusesAPortThatIsTaken) {
  const Peer taken("127.0.0.1:0");
  EXPECT_EQ(backend_->open(kId, taken.address(), {}), failure(Errno(EADDRINUSE)));
  EXPECT_EQ(backend_->stats().open_failures.value(), 1U);
  open(kId);  // the slot is still free
}

TEST_F(SocketsBackendTest, RefusesAddressesThatAreNotItsOwnAndSlotsThatItDoesNotHave) {
  EXPECT_EQ(backend_->open(kId, *SocketAddress::parse("192.0.2.1:0"), {}),
            failure(Errno(EADDRNOTAVAIL)));
  EXPECT_EQ(backend_->open(kId, SocketAddress{}, {}), failure(Errno(EADDRNOTAVAIL)));
  EXPECT_EQ(backend_->open({64, 1}, *SocketAddress::parse("127.0.0.1:0"), {}),
            failure(Errno(EMFILE)));
}

TEST_F(SocketsBackendTest, ASharedSocketHasALargerReceiveBufferAndSaysWhatItGot) {
  open({0, 1});
  const int usual = backend_->receive_buffer_octets({0, 1});
  EXPECT_GT(usual, 0);
  // Less than what every system allows (net.core.rmem_max is 208 KiB by default).
  const SocketAddress any = *SocketAddress::parse("127.0.0.1:0");
  ASSERT_TRUE(backend_->open({1, 1}, any, {.receive_buffer_octets = 100'000}));
  EXPECT_EQ(backend_->receive_buffer_octets({1, 1}), 100'000);
  ASSERT_TRUE(backend_->open({2, 1}, any, {.receive_buffer_octets = 1 << 30}));
  EXPECT_GE(backend_->receive_buffer_octets({2, 1}), usual);
  EXPECT_EQ(backend_->receive_buffer_octets({1, 9}), 0) << "a stale name";
}

TEST_F(SocketsBackendTest, OrdersABatchByArrivalAcrossSockets) {
  const SocketAddress a = open({0, 1});
  const SocketAddress b = open({1, 1});
  wait_for_kernel_stamps({0, 1}, a);
  const Peer peer("127.0.0.1:0");
  for (const char* text : {"0", "2", "4"}) {
    peer.send(a, text);
    peer.send(b, std::to_string(std::stoi(text) + 1));
  }
  const auto received = receive(6);
  ASSERT_EQ(received.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(text_of(received[i]), std::to_string(i));
  EXPECT_TRUE(std::ranges::is_sorted(received, {}, &Datagram::arrival));
}

TEST_F(SocketsBackendTest, ABusySocketStarvesNoOther) {
  const SocketAddress busy = open({0, 1});
  const Peer peer("127.0.0.1:0");
  for (int i = 0; i < 200; ++i) peer.send(busy, "flood");
  std::vector<SocketAddress> quiet;
  for (std::uint32_t slot = 1; slot < 32; ++slot) {
    quiet.push_back(open({slot, 1}));
    peer.send(quiet.back(), "quiet");
  }
  std::size_t flood = 0;
  std::size_t served = 0;
  while (served < quiet.size()) {
    for (const Datagram& datagram : backend_->wait(now() + kPatience)) {
      datagram.socket.slot == 0 ? ++flood : ++served;
    }
    ASSERT_LT(flood, 100U) << "after " << served << " quiet sockets";
  }
}

TEST_F(SocketsBackendTest, NeverHandsOverMoreThanABatch) {
  const Peer peer("127.0.0.1:0");
  for (std::uint32_t slot = 0; slot < 20; ++slot) {
    const SocketAddress local = open({slot, 1});
    for (int i = 0; i < 8; ++i) peer.send(local, std::to_string(i));
  }
  std::array<int, 20> next{};
  for (std::size_t total = 0; total < 160;) {
    const auto batch = backend_->wait(now() + kPatience);
    ASSERT_FALSE(batch.empty());
    EXPECT_LE(batch.size(), SocketsBackend::kMaxBatch);
    total += batch.size();
    for (const auto& d : batch) EXPECT_EQ(text_of(d), std::to_string(next[d.socket.slot]++));
  }
}

TEST_F(SocketsBackendTest, DropsAndCountsWhatDoesNotFitABuffer) {
  const SocketAddress local = open(kId);
  const Peer peer("127.0.0.1:0");
  peer.send(local, std::string(PacketBuf::kMaxData + 1, 'x'));
  peer.send(local, std::string(PacketBuf::kMaxData, 'y'));
  const auto received = receive(1);
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(text_of(received[0]), std::string(PacketBuf::kMaxData, 'y'));
  EXPECT_EQ(backend_->stats().truncated.value(), 1U);
}

TEST_F(SocketsBackendTest, HandsOverAnEmptyDatagram) {
  Peer("127.0.0.1:0").send(open(kId), "");
  const auto received = receive(1);
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].packet.size(), 0U);
}

TEST_F(SocketsBackendTest, CountsAndDrainsWhenThePoolIsEmpty) {
  start({.max_sockets = 64}, 2);
  const SocketAddress local = open(kId);
  const Peer peer("127.0.0.1:0");
  for (int i = 0; i < 5; ++i) peer.send(local, std::to_string(i));
  auto held = receive(2);
  while (backend_->stats().pool_empty.value() < 3) (void)backend_->wait(now() + kPatience);
  EXPECT_TRUE(backend_->wait(now()).empty());
  held.clear();
  peer.send(local, "after");
  const auto received = receive(1);
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(text_of(received[0]), "after");
}

TEST_F(SocketsBackendTest, CountsWhatTheKernelDropped) {
  start({.max_sockets = 64, .receive_buffer_octets = 1}, 256);  // the system's minimum
  const SocketAddress local = open(kId);
  const Peer peer("127.0.0.1:0");
  for (int i = 0; i < 50; ++i) peer.send(local, std::string(1000, 'x'));
  const std::size_t before = receive(1).size() + backend_->wait(now()).size();
  peer.send(local, "the next one says how many");
  const std::size_t rest = receive(1).size();
  EXPECT_LT(before, 50U);
  EXPECT_EQ(before + rest + backend_->stats().dropped_by_kernel.value(), 51U);
}

TEST_F(SocketsBackendTest, PacketsOfABatchReturnToThePool) {
  const SocketAddress local = open(kId);
  const Peer peer("127.0.0.1:0");
  for (int i = 0; i < 40; ++i) peer.send(local, "x");
  for (std::size_t total = 0; total < 40;) total += backend_->wait(now() + kPatience).size();
  EXPECT_TRUE(backend_->wait(now()).empty());
  backend_.reset();
  EXPECT_EQ(pool_->available(), pool_->size());
}

TEST_F(SocketsBackendTest, ACloseDuringPendingEventsSilencesTheSocket) {
  // More sockets are ready than one batch serves, so some wait as events; those are closed.
  const Peer peer("127.0.0.1:0");
  for (std::uint32_t slot = 0; slot < 20; ++slot) {
    const SocketAddress local = open({slot, 1});
    for (int i = 0; i < 8; ++i) peer.send(local, "old");
  }
  ASSERT_FALSE(backend_->wait(now() + kPatience).empty());
  for (std::uint32_t slot = 0; slot < 20; ++slot) backend_->close({slot, 1});
  std::vector<SocketAddress> fresh;
  for (std::uint32_t slot = 0; slot < 20; ++slot) fresh.push_back(open({slot, 2}));
  for (const SocketAddress& local : fresh) peer.send(local, "new");
  const auto received = receive(20);
  ASSERT_EQ(received.size(), 20U);
  for (const Datagram& datagram : received) {
    EXPECT_EQ(text_of(datagram), "new");
    EXPECT_EQ(datagram.socket.generation, 2U);
  }
  EXPECT_GT(backend_->stats().stale_events.value(), 0U);
}

TEST_F(SocketsBackendTest, AStaleIdNeitherSendsNorCloses) {
  const Peer peer("127.0.0.1:0");
  const SocketAddress local = open(kId);
  for (const SocketId stale : {SocketId{3, 6}, SocketId{3, 8}, SocketId{4, 7}, SocketId{999, 7}}) {
    backend_->close(stale);
    send(stale, peer.address(), "stale");
  }
  EXPECT_EQ(backend_->stats().stale_transmits.value(), 4U);
  EXPECT_EQ(backend_->stats().sent.value(), 0U);
  peer.send(local, "still there");
  EXPECT_EQ(receive(1).size(), 1U);
}

TEST_F(SocketsBackendTest, AClosedPortCanBeOpenedAgainAtOnce) {
  const SocketAddress local = open(kId);
  backend_->close(kId);
  EXPECT_EQ(backend_->open({3, 8}, local, {}), local);
}

TEST_F(SocketsBackendTest, CountsWhatCannotBeSentAndGoesOn) {
  open(kId);
  const Peer peer("127.0.0.1:0");
  std::vector<Transmit> batch;
  batch.push_back(transmit(kId, *SocketAddress::parse("[::1]:9"), "wrong family"));
  batch.push_back(transmit(kId, SocketAddress{}, "no address"));
  batch.push_back(transmit(kId, *SocketAddress::parse("255.255.255.255:9"), "broadcast"));
  batch.push_back(transmit(kId, peer.address(), "good"));
  backend_->send(batch);
  EXPECT_EQ(peer.receive(), "good");
  EXPECT_EQ(backend_->stats().send_failed.value(), 3U);
}

TEST_F(SocketsBackendTest, SendingToNobodyDoesNotStopTheNext) {
  open(kId);
  SocketAddress nobody;
  { nobody = Peer("127.0.0.1:0").address(); }
  const Peer peer("127.0.0.1:0");
  for (int i = 0; i < 3; ++i) {
    send(kId, nobody, "lost");
    send(kId, peer.address(), "found");
    EXPECT_EQ(peer.receive(), "found");
  }
  EXPECT_EQ(backend_->stats().sent.value(), 6U);
}

TEST_F(SocketsBackendTest, WaitsUntilItsDeadlineAndNotMuchLonger) {
  const Instant deadline = now() + 3ms;
  EXPECT_TRUE(backend_->wait(deadline).empty());
  EXPECT_GE(now(), deadline);
  const Instant before = now();
  EXPECT_TRUE(backend_->wait(before - 1h).empty());
  EXPECT_TRUE(backend_->wait(Instant::min()).empty());
  EXPECT_LT(now() - before, 1s);
}

TEST_F(SocketsBackendTest, AWakeUpBeforeTheWaitIsNotLost) {
  backend_->wake();
  backend_->wake();
  EXPECT_TRUE(backend_->wait(std::nullopt).empty());
  EXPECT_TRUE(backend_->wait(now() + 1ms).empty());  // both are spent
}

TEST_F(SocketsBackendTest, AnotherThreadEndsTheWait) {
  std::jthread other([this] { backend_->wake(); });
  EXPECT_TRUE(backend_->wait(std::nullopt).empty());
}

}  // namespace
}  // namespace causeway::io
