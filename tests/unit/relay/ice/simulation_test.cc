#include <deque>
#include <utility>

#include "tests/unit/relay/ice/rig.h"

namespace causeway::ice {
namespace {

using namespace test;

/// A full agent and a lite one, a network with faults between them, a NAT before the full one, and
/// somebody who sprays the lite one. Everything follows from the seed.
class World {
 public:
  explicit World(std::uint64_t seed) : random_({seed, 9}), full_(full()), lite_(lite()) {
    full_.start(now_);
    lite_.start(now_);
  }

  void run(Duration span) {
    const Instant until = now_ + span;
    while (now_ < until) {
      now_ += 5ms;
      deliver();
      tick(full_, true);
      tick(lite_, false);
      if (random_.below(4) == 0) spray();
      for (int i = 0; i < copies_each_tick; ++i) copy();
      is_deceived_ = is_deceived_ || lite_.is_valid_source(kAttacker) ||
                     lite_.selected() == kAttacker || full_.selected() == kAttacker;
    }
  }
  void rebind() { nat_.port = UdpPort(static_cast<std::uint16_t>(nat_.port.raw() + 1)); }
  void restart() {
    ++generation_;
    const std::string number = std::to_string(generation_);
    AgentUpdate at_lite;
    at_lite.local = Credentials("lite" + number, kOurPassword);
    lite_.update(at_lite, now_);
    AgentUpdate at_full;
    at_full.local = Credentials("full" + number, kTheirPassword);
    at_full.remote = Remote{Credentials("lite" + number, kOurPassword), true};
    at_full.candidates.push_back({kLite, 100});
    full_.update(at_full, now_);
  }
  [[nodiscard]] bool are_connected() const {
    return full_.selected() == kLite && lite_.selected() == nat_;
  }
  [[nodiscard]] std::string text() const {
    const auto of = [](const Agent& agent) {
      return agent.selected() ? agent.selected()->to_string() : std::string("nobody");
    };
    return " full sends to " + of(full_) + ", lite to " + of(lite_) + ", NAT " + nat_.to_string();
  }
  /// At any instant.
  [[nodiscard]] bool is_attacked_successfully() const { return is_deceived_; }
  /// Whether either has lost its consent since the last call.
  [[nodiscard]] bool has_lost_consent() { return std::exchange(has_lost_consent_, false); }
  std::uint32_t loss = 150;  ///< In 1/1000.
  int copies_each_tick = 0;  ///< Of what was heard, sent again, as it is, each 5 ms.

 private:
  struct Flying {
    Instant at;
    bool to_full;
    SocketAddress from;
    Octets octets;
  };
  static inline const SocketAddress kLite = at("198.51.100.1:20000");
  static inline const SocketAddress kAttacker = at("203.0.113.66:666");

  static AgentSetup full() {
    AgentSetup setup;
    setup.role = Role::Controlling;
    setup.local = Credentials("full0", kTheirPassword);
    setup.remote = Remote{Credentials("lite0", kOurPassword), true};
    setup.candidates.push_back({kLite, 100});
    setup.tie_breaker = 3;
    return setup;
  }
  static AgentSetup lite() {
    AgentSetup setup;
    setup.local = Credentials("lite0", kOurPassword);
    return setup;
  }

  void send_all(Output& out, bool to_full, const SocketAddress& from) {
    for (auto& send : out.sends) {
      // A NAT passes nothing to a mapping that it has given up.
      if (to_full && send.to != nat_) continue;
      const Bytes data = send.packet.data();
      const int copies = random_.below(1000) < 50 ? 2 : 1;
      for (int i = 0; i < copies; ++i) {
        if (random_.below(1000) < loss) continue;
        const auto delay = std::chrono::milliseconds(20 + random_.below(60));
        flying_.push_back({now_ + delay, to_full, from, Octets(data.begin(), data.end())});
      }
    }
    out.sends.clear();
  }
  void tick(Agent& agent, bool is_full) {
    const auto due = agent.next_timeout();
    if (!due || *due > now_) return;
    Output out(pool_);
    agent.handle_timeout(now_, random_, out);
    if (out.changed == State::Disconnected) has_lost_consent_ = true;
    send_all(out, !is_full, is_full ? nat_ : kLite);
  }
  void deliver() {
    for (std::size_t i = flying_.size(); i-- > 0;) {
      if (flying_[i].at > now_) continue;
      Flying in = std::move(flying_[i]);
      flying_.erase(flying_.begin() + static_cast<std::ptrdiff_t>(i));
      // What he hears has been delivered: who keeps a check from us and sends it himself is a NAT.
      if (heard_.size() < 50) heard_.push_back(in.octets);
      Output out(pool_);
      (in.to_full ? full_ : lite_).handle_stun(now_, in.from, in.octets, random_, out);
      send_all(out, !in.to_full, in.to_full ? nat_ : kLite);
    }
  }
  /// Bits of what was heard, turned over; it never has a password.
  void spray() {
    if (heard_.empty()) return;
    Octets octets = heard_[random_.below(static_cast<std::uint32_t>(heard_.size()))];
    octets[random_.below(static_cast<std::uint32_t>(octets.size()))] ^=
        std::byte(1U << random_.below(8));
    Output out(pool_);
    lite_.handle_stun(now_, kAttacker, octets, random_, out);
    out.sends.clear();
    full_.handle_stun(now_, kAttacker, octets, random_, out);
  }
  /// What was heard as it was, from his own address or under the endpoint's.
  void copy() {
    if (heard_.empty()) return;
    const Octets& octets = heard_[random_.below(static_cast<std::uint32_t>(heard_.size()))];
    Output out(pool_);
    lite_.handle_stun(now_, random_.below(2) == 0 ? kAttacker : nat_, octets, random_, out);
    out.sends.clear();
    full_.handle_stun(now_, random_.below(2) == 0 ? kAttacker : kLite, octets, random_, out);
  }

  PacketPool pool_{64};
  Random random_;
  Instant now_{1h};
  Agent full_;
  Agent lite_;
  SocketAddress nat_ = at("203.0.113.7:40000");
  std::deque<Flying> flying_;
  std::vector<Octets> heard_;
  int generation_ = 0;
  bool is_deceived_ = false;
  bool has_lost_consent_ = false;
};

TEST(IceSimulation, TwoAgentsFindEachOtherThroughLossAndKeepEachOther) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    World world(seed);
    world.run(20s);
    ASSERT_TRUE(world.are_connected()) << seed << world.text();
    world.loss = 50;  // at 150 six consent checks in a row do get lost now and then
    world.run(120s);
    ASSERT_TRUE(world.are_connected()) << seed << world.text();
    ASSERT_FALSE(world.is_attacked_successfully()) << seed;
  }
}

TEST(IceSimulation, ARebindingIsFollowedWithinAConsentCheck) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    World world(seed);
    world.loss = 0;
    world.run(2s);
    ASSERT_TRUE(world.are_connected()) << seed << world.text();
    for (int i = 0; i < 5; ++i) {
      world.rebind();
      world.run(8s);
      ASSERT_TRUE(world.are_connected()) << seed << world.text() << i;
    }
  }
}

TEST(IceSimulation, RestartsInARowEndWithOnePair) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    World world(seed);
    world.run(10s);
    for (int i = 0; i < 5; ++i) {
      world.restart();
      world.run(std::chrono::milliseconds(seed * 7));
    }
    world.rebind();
    world.run(40s);
    ASSERT_TRUE(world.are_connected()) << seed << world.text();
    ASSERT_FALSE(world.is_attacked_successfully()) << seed;
  }
}

// 2,000 copies a second, half of them under the other's address: four times what one source is
// answered, and yet each new check is.
TEST(IceSimulation, FloodsOfCopiesKeepNobodyFromHisPair) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    World world(seed);
    world.loss = 20;
    world.copies_each_tick = 10;
    world.run(5s);
    ASSERT_TRUE(world.are_connected()) << seed << world.text();
    for (int i = 0; i < 3; ++i) {
      world.restart();
      world.run(20s);
      ASSERT_TRUE(world.are_connected()) << seed << world.text();
    }
    ASSERT_FALSE(world.is_attacked_successfully()) << seed;
    ASSERT_FALSE(world.has_lost_consent()) << seed;
  }
}

// The pair and its consent go on through restarts that nobody answers in time.
TEST(IceSimulation, ConsentOutlastsRestartsUnderLoss) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    World world(seed);
    world.loss = 50;
    world.run(10s);
    ASSERT_TRUE(world.are_connected()) << seed << world.text();
    for (int i = 0; i < 20; ++i) {
      world.restart();
      world.run(std::chrono::milliseconds(40 + 97 * (seed % 13)));
      ASSERT_TRUE(world.are_connected()) << seed << world.text();
    }
    ASSERT_FALSE(world.has_lost_consent()) << seed;
  }
}

}  // namespace
}  // namespace causeway::ice
