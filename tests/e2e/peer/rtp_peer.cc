// An RTP endpoint for the end-to-end tests: libsrtp and sockets, and nothing of the relay. It sends
// payloads at their pace and writes down what it sent and what it received, in the clear. Or it
// opens a capture that was taken elsewhere, such as at the relay's ingress.

#include <arpa/inet.h>
#include <poll.h>
#include <srtp2/srtp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Octets = std::vector<unsigned char>;

// What is on its way when SIGTERM comes is still received.
constexpr auto kAfterTheEnd = std::chrono::milliseconds(300);
volatile std::sig_atomic_t is_ended = 0;

constexpr char kUsage[] =
    "usage: rtp_peer --port N --remote IP:PORT [options]\n"
    "       rtp_peer --open FILE [--suite NAME --receive-key HEX]\n"
    "  --open FILE         prints the lines `<ns> <hex>` of a capture of SRTP in the clear\n"
    "  --send FILE         payloads to send, one a line in hexadecimal\n"
    "  --sent-log FILE     `<ns> <hex of the RTP packet in the clear>` of each packet sent\n"
    "  --received-log FILE the same of each packet that was received and opened\n"
    "  --type N --ticks N --interval-ms N --ssrc N --seq N --timestamp N\n"
    "  --suite NAME --send-key HEX --receive-key HEX   SRTP, key and salt\n"
    "  --start-file FILE   wait for it: it says when to begin, in ns of CLOCK_MONOTONIC\n"
    "  --linger-ms N       after the last packet is sent, end when none has come for so long\n"
    "                      (default 500); SIGTERM ends that\n"
    "  --drop N            do not send the Nth packet (0 is the first); may be repeated\n"
    "Prints `sent N received N refused N`.\n";

Octets from_hex(const std::string& text) {
  Octets octets;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    octets.push_back(static_cast<unsigned char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return octets;
}

void write_line(std::ostream& log, const std::string& ns, const unsigned char* data,
                std::size_t size) {
  static const char kDigits[] = "0123456789abcdef";
  std::string line = ns + " ";
  for (std::size_t i = 0; i < size; ++i) {
    line += kDigits[data[i] >> 4];
    line += kDigits[data[i] & 15];
  }
  log << line << "\n";
}

void write_line(std::ostream& log, const unsigned char* data, std::size_t size) {
  write_line(log, std::to_string(Clock::now().time_since_epoch().count()), data, size);
}

class Arguments {
 public:
  Arguments(int argc, char** argv) {
    for (int i = 1; i + 1 < argc; i += 2) values_[argv[i]].emplace_back(argv[i + 1]);
    if (argc % 2 == 0 || (!has("--port") && !has("--open"))) throw std::invalid_argument(kUsage);
  }
  [[nodiscard]] bool has(const std::string& name) const { return values_.count(name) != 0; }
  [[nodiscard]] std::string text(const std::string& name, const std::string& fallback = "") const {
    return has(name) ? values_.at(name).back() : fallback;
  }
  [[nodiscard]] long number(const std::string& name, long fallback) const {
    return has(name) ? std::stol(values_.at(name).back()) : fallback;
  }
  [[nodiscard]] std::vector<std::string> all(const std::string& name) const {
    return has(name) ? values_.at(name) : std::vector<std::string>();
  }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

/// One direction of SRTP, or none.
class Security {
 public:
  Security(const std::string& suite, Octets key, srtp_ssrc_type_t direction)
      : key_(std::move(key)) {
    if (suite.empty()) return;
    srtp_policy_t policy{};
    set_suite(suite, policy);
    policy.ssrc.type = direction;
    policy.key = key_.data();
    policy.window_size = 1024;
    if (srtp_create(&session_, &policy) != srtp_err_status_ok) {
      throw std::runtime_error("libsrtp refuses the suite or the key");
    }
  }
  Security(const Security&) = delete;
  Security& operator=(const Security&) = delete;
  ~Security() {
    if (session_ != nullptr) srtp_dealloc(session_);
  }
  bool protect(Octets& packet) {
    if (session_ == nullptr) return true;
    int size = static_cast<int>(packet.size());
    packet.resize(packet.size() + SRTP_MAX_TRAILER_LEN);
    const bool is_ok = srtp_protect(session_, packet.data(), &size) == srtp_err_status_ok;
    packet.resize(static_cast<std::size_t>(size));
    return is_ok;
  }
  bool unprotect(unsigned char* data, int& size) {
    return session_ == nullptr || srtp_unprotect(session_, data, &size) == srtp_err_status_ok;
  }

 private:
  static void set_suite(const std::string& suite, srtp_policy_t& policy) {
    const auto both = [&](void (*set)(srtp_crypto_policy_t*)) {
      set(&policy.rtp);
      set(&policy.rtcp);
    };
    if (suite == "AES_CM_128_HMAC_SHA1_80") return both(srtp_crypto_policy_set_rtp_default);
    if (suite == "AES_256_CM_HMAC_SHA1_80") {
      return both(srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80);
    }
    if (suite == "AEAD_AES_128_GCM") return both(srtp_crypto_policy_set_aes_gcm_128_16_auth);
    if (suite == "AEAD_AES_256_GCM") return both(srtp_crypto_policy_set_aes_gcm_256_16_auth);
    if (suite == "AES_CM_128_HMAC_SHA1_32") {
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
      return srtp_crypto_policy_set_rtp_default(&policy.rtcp);
    }
    if (suite == "AES_256_CM_HMAC_SHA1_32") {
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&policy.rtp);
      return srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp);
    }
    throw std::runtime_error("unknown suite " + suite);
  }

  Octets key_;
  srtp_t session_ = nullptr;
};

sockaddr_in ipv4(const std::string& text) {
  const auto colon = text.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1))));
  if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    throw std::runtime_error(text + " is no address");
  }
  return address;
}

class Peer {
 public:
  explicit Peer(const Arguments& arguments)
      : arguments_(arguments),
        send_security_(arguments.text("--suite"), from_hex(arguments.text("--send-key")),
                       ssrc_any_outbound),
        receive_security_(arguments.text("--suite"), from_hex(arguments.text("--receive-key")),
                          ssrc_any_inbound),
        received_log_(arguments.text("--received-log", "/dev/null")),
        sent_log_(arguments.text("--sent-log", "/dev/null")) {
    socket_ = socket(AF_INET, SOCK_DGRAM, 0);
    const sockaddr_in local = ipv4("127.0.0.1:" + arguments.text("--port"));
    if (bind(socket_, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
      throw std::runtime_error("cannot bind port " + arguments.text("--port"));
    }
  }
  ~Peer() { close(socket_); }

  void run() {
    std::vector<Octets> payloads;
    std::ifstream file(arguments_.text("--send", "/dev/null"));
    for (std::string line; std::getline(file, line);) payloads.push_back(from_hex(line));
    const auto interval = std::chrono::milliseconds(arguments_.number("--interval-ms", 20));
    auto due = start();
    for (std::size_t i = 0; i < payloads.size(); ++i, due += interval) {
      listen_until(due);
      send(i, payloads[i]);
    }
    linger(std::chrono::milliseconds(arguments_.number("--linger-ms", 500)));
    if (is_ended != 0) listen_until(Clock::now() + kAfterTheEnd);
    std::cout << "sent " << sent_ << " received " << received_ << " refused " << refused_
              << std::endl;
  }

 private:
  // When to begin: now, or at the moment (ns of the monotonic clock) that --start-file says once it
  // is there, so that endpoints begin together however long each takes to be started.
  Clock::time_point start() {
    const std::string path = arguments_.text("--start-file");
    const auto deadline = Clock::now() + std::chrono::seconds(30);
    while (!path.empty()) {
      std::ifstream file(path);
      std::int64_t ns = 0;
      if (file >> ns) {
        return std::max(Clock::now(), Clock::time_point(std::chrono::nanoseconds(ns)));
      }
      if (Clock::now() > deadline) throw std::runtime_error("nobody wrote " + path);
      listen_until(Clock::now() + std::chrono::milliseconds(10));
    }
    return Clock::now();
  }

  void send(std::size_t index, const Octets& payload) {
    for (const std::string& dropped : arguments_.all("--drop")) {
      if (std::stoul(dropped) == index) return;
    }
    const auto seq =
        static_cast<std::uint16_t>(arguments_.number("--seq", 1000) + static_cast<long>(index));
    const auto timestamp =
        static_cast<std::uint32_t>(arguments_.number("--timestamp", 4000) +
                                   static_cast<long>(index) * arguments_.number("--ticks", 160));
    const auto ssrc = static_cast<std::uint32_t>(arguments_.number("--ssrc", 0x1234abcd));
    Octets packet = {0x80, static_cast<unsigned char>(arguments_.number("--type", 0))};
    for (int shift = 8; shift >= 0; shift -= 8) packet.push_back((seq >> shift) & 0xff);
    for (int shift = 24; shift >= 0; shift -= 8) packet.push_back((timestamp >> shift) & 0xff);
    for (int shift = 24; shift >= 0; shift -= 8) packet.push_back((ssrc >> shift) & 0xff);
    packet.insert(packet.end(), payload.begin(), payload.end());
    write_line(sent_log_, packet.data(), packet.size());
    if (!send_security_.protect(packet)) throw std::runtime_error("libsrtp cannot protect");
    const sockaddr_in to = ipv4(arguments_.text("--remote"));
    sendto(socket_, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to),
           sizeof to);
    ++sent_;
  }

  // A machine that is slow makes packets late, not fewer: silence ends it, not a span.
  void linger(std::chrono::milliseconds silence) {
    last_heard_ = Clock::now();
    while (is_ended == 0 && Clock::now() < last_heard_ + silence) {
      listen_until(last_heard_ + silence);
    }
  }

  void listen_until(Clock::time_point until) {
    const auto was_ended = is_ended;
    while (is_ended == was_ended) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
      if (left <= 0) return;
      pollfd readable{socket_, POLLIN, 0};
      if (poll(&readable, 1, static_cast<int>(left)) <= 0) return;
      unsigned char data[2048];
      const auto size = recv(socket_, data, sizeof data, 0);
      if (size < 12 || (data[1] >= 192 && data[1] <= 223)) continue;  // RTCP is not looked at
      int clear = static_cast<int>(size);
      if (!receive_security_.unprotect(data, clear)) {
        ++refused_;
        continue;
      }
      ++received_;
      last_heard_ = Clock::now();
      write_line(received_log_, data, static_cast<std::size_t>(clear));
    }
  }

  const Arguments& arguments_;
  Security send_security_;
  Security receive_security_;
  std::ofstream received_log_;
  std::ofstream sent_log_;
  int socket_ = -1;
  Clock::time_point last_heard_;
  unsigned sent_ = 0;
  unsigned received_ = 0;
  unsigned refused_ = 0;
};

void open_capture(const Arguments& arguments) {
  Security security(arguments.text("--suite"), from_hex(arguments.text("--receive-key")),
                    ssrc_any_inbound);
  std::ifstream capture(arguments.text("--open"));
  for (std::string ns, hex; capture >> ns >> hex;) {
    Octets packet = from_hex(hex);
    int clear = static_cast<int>(packet.size());
    if (!security.unprotect(packet.data(), clear))
      throw std::runtime_error("a packet does not open");
    write_line(std::cout, ns, packet.data(), static_cast<std::size_t>(clear));
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Arguments arguments(argc, argv);
    std::signal(SIGTERM, [](int) { is_ended = 1; });
    if (srtp_init() != srtp_err_status_ok) throw std::runtime_error("libsrtp does not start");
    if (arguments.has("--open")) {
      open_capture(arguments);
    } else {
      Peer(arguments).run();
    }
    return 0;
  } catch (const std::invalid_argument& error) {
    std::cerr << error.what();
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "rtp_peer: " << error.what() << "\n";
    return 1;
  }
}
