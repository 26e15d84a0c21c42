#include "tests/sim/world.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace causeway::sim {

World::World(std::uint64_t seed, engine::EngineConfig config) : random_({seed, 0x5eed}) {
  config.random_key = {seed, 0xe61e};
  engine_ = std::make_unique<engine::Engine>(std::move(config), pool_);
  engine_->open_shared_ports(out_);
  drain();
}

World::~World() = default;

engine::EngineConfig World::default_config() {
  engine::EngineConfig config;
  engine::NetworkConfig network;
  network.bind = *IpAddress::parse("10.0.0.1");
  network.advertised = network.bind;
  network.first_port = UdpPort(20000);
  network.last_port = UdpPort(20999);
  config.networks.push_back(network);
  network.bind = network.advertised = *IpAddress::parse("fd00::1");
  config.networks.push_back(network);
  config.max_sessions = 256;
  config.wall = WallClock(std::chrono::seconds(1'700'000'000));
  return config;
}

void World::at(Instant when, std::function<void()> what) {
  due_.push({when, order_++, std::move(what)});
}

void World::run_until(Instant until) {
  while (true) {
    Instant next = until;
    const auto timeout = engine_->next_timeout();
    if (timeout && *timeout < next) next = *timeout;
    const bool has_due = !due_.empty() && due_.top().when <= next;
    if (has_due) {
      now_ = std::max(now_, due_.top().when);
      // The queue only shows its top as const; it is popped before it can run.
      auto what = std::move(const_cast<Due&>(due_.top()).what);
      due_.pop();
      what();
    } else if (timeout && *timeout <= until) {
      now_ = std::max(now_, *timeout);
      engine_->handle_timeout(now_, out_);
      drain();
    } else {
      now_ = until;
      return;
    }
  }
}

void World::attach(const SocketAddress& address, Receive receive) {
  peers_[address].receive = std::move(receive);
}

void World::set_faults(const SocketAddress& address, const Faults& faults) {
  peers_[address].faults = faults;
}

void World::fly(const Faults& faults, std::function<void()> arrive) {
  if (random_.below(1000) < faults.loss) return;
  const int copies = random_.below(1000) < faults.duplicate ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    Duration extra{};
    if (faults.jitter > Duration::zero()) {
      extra = std::chrono::microseconds(
          random_.below(static_cast<std::uint32_t>(faults.jitter / std::chrono::microseconds(1))));
    }
    at(now_ + faults.delay + extra, arrive);
  }
}

void World::send(const SocketAddress& from, const SocketAddress& to,
                 std::vector<std::byte> octets) {
  Flying flying{from, to, std::move(octets)};
  fly(peers_[from].faults, [this, flying] { arrive_at_relay(flying); });
}

void World::arrive_at_relay(const Flying& flying) {
  const auto socket = bound_.find(flying.to);
  if (socket == bound_.end() || flying.octets.size() > PacketBuf::kMaxData) return;
  Datagram datagram{socket->second, flying.from, now_, pool_.take()};
  datagram.packet.resize(flying.octets.size());
  std::ranges::copy(flying.octets, datagram.packet.data().begin());
  engine_->handle_datagrams({&datagram, 1}, out_);
  drain();
}

void World::drain() {
  while (!out_.sockets.empty()) {
    const std::vector<engine::SocketWish> wishes = std::move(out_.sockets);
    out_.sockets.clear();
    for (const engine::SocketWish& wish : wishes) {
      if (wish.kind == engine::SocketWish::Kind::Close) {
        bound_.erase(sockets_[wish.socket.slot]);
        sockets_.erase(wish.socket.slot);
        continue;
      }
      const bool is_open = refuse_sockets == 0 && !bound_.contains(wish.bind);
      if (refuse_sockets > 0) --refuse_sockets;
      if (is_open) bound_[wish.bind] = wish.socket;
      sockets_[wish.socket.slot] = wish.bind;
      engine_->handle_socket_opened(now_, wish.socket, is_open, out_);
    }
  }
  for (Transmit& transmit : out_.transmits) {
    const Bytes data = std::as_const(transmit.packet).data();
    const auto socket = sockets_.find(transmit.socket.slot);
    const SocketAddress from = socket == sockets_.end() ? SocketAddress{} : socket->second;
    const Flying flying{from, transmit.to, {data.begin(), data.end()}};
    if (on_transmit) on_transmit(now_, flying);
    const auto peer = peers_.find(flying.to);
    if (peer == peers_.end() || !peer->second.receive) {
      ++astray_;
      continue;
    }
    fly(peer->second.faults, [this, flying] {
      if (const auto found = peers_.find(flying.to); found != peers_.end()) {
        found->second.receive(now_, flying);
      }
    });
  }
  out_.transmits.clear();
  std::vector<engine::DtlsWish> jobs;
  std::ranges::move(out_.dtls, std::back_inserter(jobs));
  out_.dtls.clear();
  for (engine::DtlsWish& job : jobs) {
    if (on_dtls) on_dtls(now_, job);
  }
  std::ranges::move(out_.events, std::back_inserter(events));
  out_.events.clear();
  std::ranges::move(out_.completions, std::back_inserter(completions_));
  out_.completions.clear();
  record_writer_.flush();
}

void World::report(std::unique_ptr<engine::DtlsReport> report) {
  engine_->handle_command(now_, engine::Command(std::move(report)), out_);
  drain();
}

engine::Command World::take_completion(std::uint64_t token) {
  for (auto it = completions_.begin(); it != completions_.end(); ++it) {
    const bool is_it = std::visit([&](const auto& c) { return c->token == token; }, *it);
    if (!is_it) continue;
    engine::Command command = std::move(*it);
    completions_.erase(it);
    return command;
  }
  ADD_FAILURE() << "a command was not completed";
  std::abort();
}

std::unique_ptr<engine::OpenSession> World::open(std::unique_ptr<engine::Session> session) {
  auto command = std::make_unique<engine::OpenSession>();
  command->session = std::move(session);
  auto done = call(std::move(command));
  EXPECT_EQ(done->status, engine::Status::Ok);
  return done;
}

std::unique_ptr<engine::Leg> make_leg(const LegParts& parts, Random& random) {
  const engine::LegSpec& spec = parts.spec;
  engine::LegSetup setup = engine::make_setup(spec, parts.number, spec.network == "v6" ? 1 : 0);
  if (parts.keys) {
    const LegParts::Keys& keys = *parts.keys;
    setup.receiver =
        std::move(*srtp::SrtpReceiver::create(make_keys(keys.suite, keys.receive_fill), {}));
    setup.sender = std::move(*srtp::SrtpSender::create(make_keys(keys.suite, keys.send_fill), {}));
  }
  setup.cname = rtp::Cname("leg-" + std::to_string(parts.number));
  setup.wall = WallClock(std::chrono::seconds(1'700'000'000));
  if (parts.adjust) parts.adjust(setup);
  return std::make_unique<engine::Leg>(std::move(setup), random);
}

std::unique_ptr<engine::Connection> make_connection(const LegParts& from, const LegParts& to) {
  const auto plan = engine::plan(from.spec, to.spec, {});
  EXPECT_TRUE(plan) << (plan ? "" : plan.error().detail);
  return std::make_unique<engine::Connection>(from.number, to.number,
                                              std::move(*engine::compile(*plan)));
}

std::unique_ptr<engine::Session> make_bridge(const LegParts& a, const LegParts& b, Random& random) {
  auto session = std::make_unique<engine::Session>(std::chrono::hours(1),
                                                   engine::LeaseExpiry::CloseWhenSilent);
  session->add_leg(make_leg(a, random));
  session->add_leg(make_leg(b, random));
  session->add_connection(make_connection(a, b));
  session->add_connection(make_connection(b, a));
  return session;
}

engine::CodecSpec make_codec(std::uint8_t type, const char* name, std::uint32_t clock,
                             engine::MediaKind kind) {
  engine::CodecSpec spec;
  spec.payload_type = PayloadType(type);
  spec.encoding_name = name;
  spec.clock = RtpClockRate(clock);
  spec.kind = kind;
  if (spec.encoding_name == "opus") spec.channels = 2;
  return spec;
}

SocketAddress address(const char* text) {
  const auto parsed = SocketAddress::parse(text);
  EXPECT_TRUE(parsed) << text;
  return *parsed;
}

std::vector<std::byte> rtp_packet(std::uint8_t type, std::uint16_t seq, std::uint32_t timestamp,
                                  std::uint32_t ssrc, Bytes payload, bool marker) {
  std::vector<std::byte> packet(12 + payload.size());
  packet[0] = std::byte{0x80};
  packet[1] = std::byte{static_cast<std::uint8_t>(type | (marker ? 0x80 : 0))};
  store_be16(&packet[2], seq);
  store_be32(&packet[4], timestamp);
  store_be32(&packet[8], ssrc);
  std::ranges::copy(payload, packet.begin() + 12);
  return packet;
}

wire::SrtpKeys make_keys(wire::SrtpSuite suite, std::uint8_t fill) {
  const wire::SrtpSuiteFacts& facts = wire::facts_of(suite);
  const std::vector<std::byte> key(facts.key, std::byte{fill});
  const std::vector<std::byte> salt(facts.salt, std::byte{static_cast<std::uint8_t>(fill ^ 0xff)});
  wire::SrtpKeys keys;
  keys.suite = suite;
  keys.keys.push_back({SecretKey(key), SecretKey(salt), {}});
  return keys;
}

}  // namespace causeway::sim
