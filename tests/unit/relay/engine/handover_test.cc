#include <gtest/gtest.h>

#include "tests/sim/world.h"

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;
using sim::address;
using sim::LegParts;
using sim::World;

/// A transcoding bridge whose path holds a packet that came early. What leaves the engine is freed
/// on another thread, so no packet of the worker's pool may be in it.
struct HandOver : testing::Test {
  const SocketAddress a = address("192.0.2.1:4000");
  const SocketAddress b = address("192.0.2.2:5000");
  World world{1};
  LegParts leg_a;
  LegParts leg_b;
  std::unique_ptr<OpenSession> session;

  HandOver() {
    leg_a.number = 1;
    leg_a.spec.remote_rtp = a;
    leg_a.spec.codecs = {sim::make_codec(0, "PCMU")};
    leg_b.number = 2;
    leg_b.spec.remote_rtp = b;
    leg_b.spec.codecs = {sim::make_codec(8, "PCMA")};
    world.attach(a, [](Instant, const sim::Flying&) {});
    world.attach(b, [](Instant, const sim::Flying&) {});
    session = world.open(sim::make_bridge(leg_a, leg_b, world.random()));
    for (std::uint16_t seq = 1; seq <= 3; ++seq) speak(seq);
    // 4 comes after 5: given up, then late, it teaches the window to wait. So 8 waits for 7.
    world.send(a, port_a(), packet(5));
    world.run_for(12ms);
    speak(4);
    speak(6);
    world.send(a, port_a(), packet(8));
    world.run_for(2ms);
  }
  [[nodiscard]] SocketAddress port_a() const { return session->addresses[0].rtp; }
  static std::vector<std::byte> packet(std::uint16_t seq) {
    return sim::rtp_packet(0, seq, 160U * seq, 77, std::vector<std::byte>(160, std::byte{0x5a}));
  }
  void speak(std::uint16_t seq) {
    world.send(a, port_a(), packet(seq));
    world.run_for(20ms);
  }
  [[nodiscard]] std::size_t held() { return world.pool().size() - world.pool().available(); }
};

TEST_F(HandOver, AClosedSessionTakesNoPacketAlong) {
  ASSERT_EQ(held(), 1U);
  auto close = std::make_unique<CloseSession>();
  close->session = session->handle;
  world.call(std::move(close));
  ASSERT_EQ(world.events_of<SessionClosed>().size(), 1U);
  EXPECT_EQ(held(), 0U);
}

TEST_F(HandOver, ARemovedConnectionTakesNoPacketAlong) {
  ASSERT_EQ(held(), 1U);
  auto remove = std::make_unique<SetConnection>();
  remove->session = session->handle;
  remove->from = 1;
  remove->to = 2;
  const auto removed = world.call(std::move(remove));
  ASSERT_NE(removed->connection, nullptr);
  EXPECT_EQ(held(), 0U);
}

TEST_F(HandOver, ARemovedLegTakesNoPacketAlong) {
  ASSERT_EQ(held(), 1U);
  auto remove = std::make_unique<RemoveLeg>();
  remove->leg = {session->handle, 2};
  const auto removed = world.call(std::move(remove));
  ASSERT_EQ(removed->connections.size(), 2U);
  EXPECT_EQ(held(), 0U);
}

}  // namespace
}  // namespace causeway::engine
