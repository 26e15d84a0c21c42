// Makes DTLS handshakes with legs of a relay, at a pace, over a real socket: the endpoints' side of
// them, as clients. All legs know the same address of an endpoint; the relay tells them apart by
// its own ports, and so does this.
//
//   bench_handshakes IP:PORT [--core N]
//
// It says `fingerprint AB:CD:...` (sha-256) of all its endpoints, then reads lines:
//   leg IP:PORT AB:CD:...   a leg of the relay and its fingerprint; each is used once
//   run RATE SECONDS        a handshake every 1/RATE s with the legs in their order; answered with
//   a
//                           line of JSON: how many, and how long from the hello to the end of one

#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "relay/dtls/association.h"
#include "relay/io/sockaddr.h"
#include "tests/bench/generator/clock.h"
#include "tests/bench/generator/statistics.h"

namespace causeway::bench {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
/// Loopback loses nothing: what has not ended after this long was dropped by somebody.
constexpr std::int64_t kPatience = 2 * kSecond;

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "bench_handshakes: " << why << "\n";
  std::exit(2);
}

SocketAddress address_of(const std::string& text) {
  const auto address = SocketAddress::parse(text);
  if (!address) give_up("no address: " + text);
  return *address;
}

/// One socket for all endpoints.
class Socket {
 public:
  explicit Socket(const SocketAddress& local)
      : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_storage name{};
    const socklen_t size = io::to_sockaddr(local, name);
    const int buffer = 4 << 20;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&name), size) != 0) {
      give_up("cannot bind " + local.to_string());
    }
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { ::close(fd_); }

  void send(const dtls::Flight& flight, const SocketAddress& to) const {
    sockaddr_storage name{};
    const socklen_t size = io::to_sockaddr(to, name);
    for (const auto& datagram : flight) {
      (void)::sendto(fd_, datagram.data(), datagram.size(), 0,
                     reinterpret_cast<const sockaddr*>(&name), size);
    }
  }
  /// Hands what arrives until `until_ns` to `take(datagram, from)`.
  template <typename Take>
  void receive(std::int64_t until_ns, Take&& take) {
    std::array<std::byte, dtls::kMaxDatagram> datagram;
    for (;;) {
      sockaddr_storage name{};
      socklen_t size = sizeof name;
      const ssize_t octets = ::recvfrom(fd_, datagram.data(), datagram.size(), 0,
                                        reinterpret_cast<sockaddr*>(&name), &size);
      if (octets > 0) {
        take(Bytes(datagram).first(static_cast<std::size_t>(octets)), io::from_sockaddr(name));
      }
      const std::int64_t left = until_ns - now_ns();
      if (left <= 0) return;
      if (octets > 0) continue;
      const timespec timeout{left / kSecond, left % kSecond};
      pollfd waits{fd_, POLLIN, 0};
      if (::ppoll(&waits, 1, &timeout, nullptr) <= 0) return;
    }
  }

 private:
  int fd_;
};

struct Leg {
  SocketAddress address;
  dtls::Fingerprint fingerprint;
};

/// What came of the handshakes of a run.
struct Tally {
  explicit Tally(std::size_t room) : latency(room) {}
  Values latency;
  std::uint64_t begun = 0, failed = 0;
  std::int64_t worst_lateness = 0;
};

class Endpoints {
 public:
  explicit Endpoints(const SocketAddress& local) : socket_(local) {
    auto made = dtls::Identity::create();
    if (!made) give_up("no certificate");
    identity_ = std::move(*made);
  }
  [[nodiscard]] std::string fingerprint() const { return identity_->fingerprint().value(); }
  void add(Leg leg) { legs_.push_back(std::move(leg)); }

  void run(double rate, double seconds) {
    const auto count = static_cast<std::size_t>(rate * seconds);
    if (count > legs_.size()) give_up("there are not so many legs");
    Tally tally(count);
    const std::int64_t start = now_ns();
    const auto take = [&](Bytes datagram, const SocketAddress& from) {
      proceed(datagram, from, tally);
    };
    for (std::size_t i = 0; i < count; ++i) {
      const auto due = start + static_cast<std::int64_t>(static_cast<double>(i) / rate * 1e9);
      socket_.receive(due, take);
      begin(due, tally);
    }
    const std::int64_t end = now_ns();
    while (!under_way_.empty() && now_ns() < end + kPatience) {
      socket_.receive(now_ns() + kSecond / 1000, take);
    }
    print(tally, end - start);
    under_way_.clear();
  }

 private:
  struct Handshake {
    std::unique_ptr<dtls::Association> association;
    std::int64_t begun = 0;
  };

  void begin(std::int64_t due, Tally& tally) {
    const Leg leg = std::move(legs_.front());
    legs_.pop_front();
    auto settings = std::make_shared<dtls::Settings>();
    settings->identity = identity_;
    settings->role = dtls::Role::Active;
    settings->remote_fingerprints = {leg.fingerprint};
    auto made = dtls::Association::create(std::move(settings));
    if (!made) give_up("OpenSSL makes no association");
    Handshake& handshake = under_way_[leg.address];
    handshake.association = std::move(*made);
    handshake.begun = now_ns();
    ++tally.begun;
    tally.worst_lateness = std::max(tally.worst_lateness, handshake.begun - due);
    dtls::Report report;
    handshake.association->start(report);
    socket_.send(report.flight, leg.address);
  }

  void proceed(Bytes datagram, const SocketAddress& from, Tally& tally) {
    const auto found = under_way_.find(from);
    if (found == under_way_.end()) return;
    dtls::Report report;
    found->second.association->handle_datagram(datagram, report);
    socket_.send(report.flight, from);
    if (report.outcome == dtls::Outcome::Going) return;
    if (report.outcome == dtls::Outcome::Up) tally.latency.add_ns(now_ns() - found->second.begun);
    if (report.outcome == dtls::Outcome::Failed) ++tally.failed;
    under_way_.erase(found);
  }

  void print(Tally& tally, std::int64_t span_ns) const {
    const auto made = tally.latency.count();
    std::cout << "{\"begun\": " << tally.begun << ", \"made\": " << made
              << ", \"failed\": " << tally.failed << ", \"unanswered\": " << under_way_.size()
              << ", \"handshakes_per_s\": "
              << static_cast<double>(made) * 1e9 / static_cast<double>(span_ns)
              << ", \"p50\": " << tally.latency.percentile(50)
              << ", \"p99\": " << tally.latency.percentile(99)
              << ", \"max\": " << tally.latency.max()
              << ", \"worst_lateness_us\": " << static_cast<double>(tally.worst_lateness) / 1e3
              << "}" << std::endl;
  }

  Socket socket_;
  std::shared_ptr<const dtls::Identity> identity_;
  std::deque<Leg> legs_;
  std::map<SocketAddress, Handshake> under_way_;
};

int serve(const std::string& local) {
  Endpoints endpoints(address_of(local));
  std::cout << "fingerprint " << endpoints.fingerprint() << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "leg") {
      std::string address, value;
      words >> address >> value;
      const auto fingerprint = dtls::parse_fingerprint(dtls::HashFunction::Sha256, value);
      if (!fingerprint) give_up("no fingerprint: " + line);
      endpoints.add({address_of(address), *fingerprint});
    } else if (verb == "run") {
      double rate = 0, seconds = 0;
      words >> rate >> seconds;
      endpoints.run(rate, seconds);
    } else {
      give_up("what is this? " + line);
    }
  }
  return 0;
}

void pin(int core) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<std::size_t>(core), &cpus);
  if (::sched_setaffinity(0, sizeof cpus, &cpus) != 0) std::perror("bench_handshakes: --core");
}

}  // namespace
}  // namespace causeway::bench

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[2]) == "--core") {
    causeway::bench::pin(std::atoi(argv[3]));
  } else if (argc != 2) {
    std::cerr << "usage: bench_handshakes IP:PORT [--core N]\n";
    return 2;
  }
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
  return causeway::bench::serve(argv[1]);
}
