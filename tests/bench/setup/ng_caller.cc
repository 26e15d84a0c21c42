#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "relay/base/address.h"
#include "tests/bench/generator/clock.h"
#include "tests/bench/setup/caller.h"

namespace causeway::bench {

namespace {

constexpr std::string_view kPlaceholder = "CALLID0000000";

std::string with_id(std::string text, std::uint32_t call) {
  std::array<char, 16> id{};
  std::snprintf(id.data(), id.size(), "CALLID%07u", call % 10'000'000);
  for (std::size_t at = text.find(kPlaceholder); at != std::string::npos;
       at = text.find(kPlaceholder, at + 1)) {
    text.replace(at, kPlaceholder.size(), id.data());
  }
  return text;
}

/// One socket, and what was asked over it by the cookie that comes back with the answer.
class NgCaller final : public Caller {
 public:
  NgCaller(const std::string& server, NgTemplates templates) : templates_(std::move(templates)) {
    const auto address = SocketAddress::parse(server);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    if (address) to.sin_port = htons(address->port.raw());
    if (address) std::copy_n(address->ip.octets().begin(), 4, as_octets_of(to.sin_addr));
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int buffer = 4 << 20;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (!address || ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      std::perror("bench_setup: connect");
      std::exit(2);
    }
    // Relays answer a cookie that they have seen from memory.
    cookie_ = static_cast<std::uint64_t>(now_ns());
  }
  ~NgCaller() override { ::close(fd_); }
  NgCaller(const NgCaller&) = delete;
  NgCaller& operator=(const NgCaller&) = delete;

  void create(std::uint32_t call, Done done) override {
    ask(with_id(templates_.offer, call), [this, call, done = std::move(done)](bool is_ok) {
      if (!is_ok) return done(false);
      ask(with_id(templates_.answer, call), done);
    });
  }
  void destroy(std::uint32_t call, Done done) override {
    ask(with_id(templates_.remove, call), std::move(done));
  }

  void poll(std::int64_t until_ns) override {
    std::array<char, 8192> answer;
    do {
      const std::int64_t left = std::max<std::int64_t>(0, until_ns - now_ns());
      const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
      pollfd waits{fd_, POLLIN, 0};
      if (::ppoll(&waits, 1, &timeout, nullptr) <= 0) return;
      const ssize_t octets = ::recv(fd_, answer.data(), answer.size(), MSG_DONTWAIT);
      if (octets > 0) take(std::string_view(answer.data(), static_cast<std::size_t>(octets)));
    } while (now_ns() < until_ns);
  }

 private:
  static std::uint8_t* as_octets_of(in_addr& address) {
    return reinterpret_cast<std::uint8_t*>(&address);
  }
  void ask(const std::string& request, Done done) {
    const std::string cookie = std::to_string(++cookie_);
    const std::string datagram = cookie + " " + request;
    waiting_[cookie] = std::move(done);
    if (::send(fd_, datagram.data(), datagram.size(), 0) < 0)
      waiting_.extract(cookie).mapped()(false);
  }
  void take(std::string_view answer) {
    const std::size_t space = answer.find(' ');
    if (space == std::string_view::npos) return;
    auto found = waiting_.extract(std::string(answer.substr(0, space)));
    if (found) found.mapped()(answer.find("6:result2:ok") != std::string_view::npos);
  }

  NgTemplates templates_;
  int fd_ = -1;
  std::uint64_t cookie_ = 0;
  std::unordered_map<std::string, Done> waiting_;
};

}  // namespace

std::unique_ptr<Caller> make_ng_caller(const std::string& server, NgTemplates templates) {
  return std::make_unique<NgCaller>(server, std::move(templates));
}

}  // namespace causeway::bench
