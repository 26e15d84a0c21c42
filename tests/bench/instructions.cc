// How many instructions a packet costs, from epoll to sendmsg: the Engine of the daemon over its
// back-end of real sockets, a packet a turn (the least that batching can help), under callgrind:
//
//     tests/bench/instructions.py            runs every case and compares with the baseline
//     bench_instructions CASE [PACKETS]      one case, without counting
//
// Sockets are real, time is virtual: a packet comes every 10 ms, so nothing is ever late and the
// count is the same in every run. Only the relay's own turn is counted; what plays the endpoints is
// not.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "codecs/codec.h"
#include "relay/engine/planner.h"
#include "relay/io/clock.h"
#include "relay/io/sockets_backend.h"
#include "relay/srtp/sender.h"
#include "tests/sim/world.h"

namespace causeway::bench {
namespace {

using sim::LegParts;

constexpr Duration kPtime = std::chrono::milliseconds(20);
constexpr int kWarmUp = 50;

void must(bool is_so, const char* what) {
  if (is_so) return;
  std::perror(what);
  std::exit(1);
}

/// What an endpoint speaks: 20 ms of a voice-like sound, encoded.
class Voice {
 public:
  explicit Voice(const engine::CodecSpec& codec) {
    codecs::CodecConfig config = *engine::codec_of(codec);
    if (config.id == codecs::CodecId::Opus) config.rate = SampleRate(48000);
    encoder_ = std::move(*codecs::make_encoder(config));
    rate_ = config.rate.raw();
  }
  std::vector<std::byte> next() {
    std::vector<std::int16_t> pcm(rate_ / 50);
    for (std::int16_t& sample : pcm) {
      const double t = static_cast<double>(at_++) / rate_;
      const double pitch = 140 + 30 * std::sin(2 * t);
      double sum = 0;
      for (int harmonic = 1; harmonic < 12; ++harmonic) {
        sum += std::sin(2 * M_PI * pitch * harmonic * t) / harmonic;
      }
      sample = static_cast<std::int16_t>(4000 * sum * (0.6 + 0.4 * std::sin(9 * t)));
    }
    std::vector<std::byte> packet(1500);
    packet.resize(*encoder_->encode(pcm, packet));
    return packet;
  }

 private:
  std::unique_ptr<codecs::Encoder> encoder_;
  std::uint32_t rate_ = 0;
  std::uint64_t at_ = 0;
};

/// One endpoint: a socket, a stream, keys where its leg has them.
class Endpoint {
 public:
  Endpoint(const LegParts& parts, PacketPool& pool) : codec_(parts.spec.codecs[0]), pool_(pool) {
    if (codec_.kind == engine::MediaKind::Audio) voice_.emplace(codec_);
    if (parts.keys) {
      seal_ = std::move(*srtp::SrtpSender::create(
          sim::make_keys(parts.keys->suite, parts.keys->receive_fill), {}));
    }
  }
  /// Where the leg of `parts` is to send.
  [[nodiscard]] SocketAddress address() const {
    sockaddr_in name{};
    socklen_t length = sizeof name;
    must(::getsockname(socket_, reinterpret_cast<sockaddr*>(&name), &length) == 0, "getsockname");
    return {*IpAddress::parse("127.0.0.1"), UdpPort(ntohs(name.sin_port))};
  }
  void connect(const SocketAddress& to) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(to.port.raw());
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(::connect(socket_, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0, "connect");
  }
  void speak() {
    ++seq_;
    timestamp_ += codec_.clock.raw() / 50;
    const std::vector<std::byte> payload = voice_->next();
    auto packet = wire::OpenRtp::make(pool_.take(), codec_.payload_type, false, SeqNum(seq_),
                                      RtpTimestamp(timestamp_), Ssrc(0x1234), payload);
    const PacketBuf out =
        seal_ ? std::move(*seal_->seal(std::move(packet))) : std::move(packet).take();
    const Bytes octets = out.data();
    must(::send(socket_, octets.data(), octets.size(), 0) > 0, "send");
  }
  /// Reads what has come; returns how many packets.
  int hear() {
    int heard = 0;
    while (::recv(socket_, nullptr, 0, MSG_DONTWAIT | MSG_TRUNC) >= 0) ++heard;
    return heard;
  }

 private:
  static int bound_socket() {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0, "bind");
    return fd;
  }

  engine::CodecSpec codec_;
  PacketPool& pool_;
  std::optional<Voice> voice_;
  std::unique_ptr<srtp::SrtpSender> seal_;
  int socket_ = bound_socket();
  std::uint16_t seq_ = 0;
  std::uint32_t timestamp_ = 0;
};

/// What relay/worker does, on the caller's thread and in virtual time.
class Relay {
 public:
  std::unique_ptr<engine::OpenSession> open(std::unique_ptr<engine::Session> session) {
    auto command = std::make_unique<engine::OpenSession>();
    command->session = std::move(session);
    engine_.handle_command(now_, engine::Command(std::move(command)), out_);
    for (std::size_t i = 0; i < out_.sockets.size(); ++i) {
      const engine::SocketWish wish = out_.sockets[i];
      const bool is_open = backend_->open(wish.socket, wish.bind, {wish.dscp}).has_value();
      engine_.handle_socket_opened(now_, wish.socket, is_open, out_);
    }
    out_.sockets.clear();
    auto done = std::get<std::unique_ptr<engine::OpenSession>>(std::move(out_.completions.front()));
    out_.completions.clear();
    must(done->status == engine::Status::Ok, "the session");
    return done;
  }
  void advance(Duration span) { now_ += span; }
  /// What one datagram costs: this alone is counted.
  void turn() {
    CALLGRIND_TOGGLE_COLLECT;
    const std::span<Datagram> batch = backend_->wait(Instant::min());
    for (Datagram& each : batch) each.arrival = now_;
    engine_.handle_datagrams(batch, out_);
    if (const auto due = engine_.next_timeout(); due && *due <= now_) {
      engine_.handle_timeout(now_, out_);
    }
    backend_->send(out_.transmits);
    out_.transmits.clear();
    CALLGRIND_TOGGLE_COLLECT;
    out_.events.clear();
  }

 private:
  static engine::EngineConfig config() {
    engine::EngineConfig config = sim::World::default_config();
    for (auto& network : config.networks) network.bind = *IpAddress::parse("127.0.0.1");
    return config;
  }

  Instant now_{std::chrono::seconds(1000)};
  PacketPool pool_{256};
  engine::Engine engine_{config(), pool_};
  engine::Outbox out_{nullptr};
  std::unique_ptr<io::SocketsBackend> backend_ =
      std::move(*io::SocketsBackend::create({.max_sockets = engine_.max_sockets()}, pool_));
};

LegParts leg(std::uint16_t number, engine::CodecSpec codec,
             std::optional<wire::SrtpSuite> suite = std::nullopt) {
  LegParts parts;
  parts.number = number;
  parts.spec.id = number == 1 ? "a" : "b";
  parts.spec.codecs = {std::move(codec)};
  if (suite) {
    parts.spec.security = engine::Security::Sdes;
    parts.spec.receive_suite = parts.spec.send_suite = *suite;
    const auto fill = static_cast<std::uint8_t>(number * 16);
    parts.keys = {*suite, fill, static_cast<std::uint8_t>(fill + 1)};
  }
  return parts;
}

struct Case {
  std::string_view name;
  LegParts a;
  LegParts b;
};

std::vector<Case> cases() {
  using enum wire::SrtpSuite;
  const auto pcmu = sim::make_codec(0, "PCMU");
  const auto g722 = sim::make_codec(9, "G722");
  const auto opus = sim::make_codec(111, "opus", 48000);
  std::vector<Case> all;
  all.push_back({"forward", leg(1, pcmu), leg(2, pcmu)});
  all.push_back({"rekey-aes-cm", leg(1, pcmu, AesCm128HmacSha1_80), leg(2, pcmu)});
  all.push_back({"rekey-aes-gcm", leg(1, pcmu, AeadAes128Gcm), leg(2, pcmu)});
  all.push_back({"transcode-g722", leg(1, g722), leg(2, pcmu)});
  all.push_back({"transcode-opus", leg(1, opus), leg(2, pcmu)});
  return all;
}

int run(Case& chosen, int packets) {
  Random random({1, 2});
  PacketPool pool(16);
  Relay relay;
  Endpoint a(chosen.a, pool);
  Endpoint b(chosen.b, pool);
  chosen.a.spec.remote_rtp = a.address();
  chosen.b.spec.remote_rtp = b.address();
  const auto opened = relay.open(sim::make_bridge(chosen.a, chosen.b, random));
  a.connect(opened->addresses[0].rtp);
  b.connect(opened->addresses[1].rtp);
  int heard = 0;
  for (int i = -kWarmUp; i < packets / 2; ++i) {
    if (i == 0) {
      CALLGRIND_ZERO_STATS;
      heard = 0;
    }
    for (Endpoint* speaker : {&a, &b}) {
      relay.advance(kPtime / 2);
      speaker->speak();
      relay.turn();
      heard += a.hear() + b.hear();
    }
  }
  std::printf("%d packets, %d heard\n", packets, heard);
  // RTCP of the relay comes on top; anything less and something was not forwarded.
  return heard >= packets ? 0 : 1;
}

}  // namespace
}  // namespace causeway::bench

int main(int argc, char** argv) {
  auto all = causeway::bench::cases();
  const std::string_view name = argc > 1 ? argv[1] : "";
  const int packets = argc > 2 ? std::atoi(argv[2]) : 1000;
  for (auto& each : all) {
    if (each.name == name) return causeway::bench::run(each, packets);
  }
  for (const auto& each : all) std::printf("%s\n", each.name.data());
  return name.empty() ? 0 : 2;
}
