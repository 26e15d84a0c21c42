#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "relay/wire/rtcp_writer.h"
#include "tests/sim/world.h"

namespace causeway::attack {

using Octets = std::vector<std::byte>;

/// A call of SRTP on one side (endpoint a) and plain RTP on the other (b), which lasts six seconds
/// and says something different in every packet, RTCP both ways included. Whatever runs beside it:
/// all that the endpoints and the stranger were sent, to the bit, and what the relay thinks of it.
/// Two calls of which one is attacked can so be compared; nothing but the attack differs.
class CallUnderAttack {
 public:
  static constexpr int kTicks = 300;
  static constexpr Duration kTick = std::chrono::milliseconds(20);

  const SocketAddress a = sim::address("192.0.2.1:4000");
  const SocketAddress a_rtcp = sim::address("192.0.2.1:4001");
  const SocketAddress b = sim::address("192.0.2.2:5000");
  const SocketAddress b_rtcp = sim::address("192.0.2.2:5001");
  const SocketAddress stranger = sim::address("198.51.100.66:6000");
  static constexpr Ssrc kSsrcA{0xa0a0a0a0};
  static constexpr Ssrc kSsrcB{0xb0b0b0b0};

  /// `suite`: that of a.
  explicit CallUnderAttack(wire::SrtpSuite suite = wire::SrtpSuite::AesCm128HmacSha1_80) {
    sim::LegParts leg_a;
    leg_a.number = 1;
    leg_a.spec.id = "a";
    leg_a.spec.remote_rtp = a;
    leg_a.spec.codecs = {sim::make_codec(0, "PCMU")};
    sim::LegParts leg_b = leg_a;
    leg_b.number = 2;
    leg_b.spec.id = "b";
    leg_b.spec.remote_rtp = b;
    leg_a.spec.security = engine::Security::Sdes;
    leg_a.keys = {suite, 0x11, 0x22};
    phone_ = std::move(*srtp::SrtpSender::create(sim::make_keys(suite, 0x11), {}));
    hear(a, heard_a);
    hear(a_rtcp, heard_a);
    hear(b, heard_b);
    hear(b_rtcp, heard_b);
    hear(stranger, heard_stranger);
    buffers_ = world.pool().available();
    session = world.open(sim::make_bridge(leg_a, leg_b, world.random()));
  }

  /// Speaks for six seconds; `beside(tick)` may send what it likes before each packet.
  void run(const std::function<void(int tick)>& beside) {
    for (int tick = 0; tick < kTicks; ++tick) {
      beside(tick);
      const auto seq = static_cast<std::uint16_t>(tick * stride);
      send_a(sealed(seq, tick));
      world.send(b, port(1), clear(kSsrcB, seq, tick));
      if (tick % 50 == 49) {
        send_a_rtcp(sealed(report(kSsrcA)));
        world.send(b_rtcp, rtcp_port(1), report(kSsrcB));
      }
      world.run_for(kTick);
    }
    world.run_for(std::chrono::seconds(1));
  }

  // ---- what the endpoints say

  [[nodiscard]] Octets clear(Ssrc ssrc, std::uint16_t seq, int tick) const {
    Octets payload(160);
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = static_cast<std::byte>(i * 7 + static_cast<std::size_t>(tick));
    }
    return sim::rtp_packet(0, seq, static_cast<std::uint32_t>(tick) * 160, ssrc.raw(), payload);
  }
  /// Sealed by a itself; each number once.
  [[nodiscard]] Octets sealed(std::uint16_t seq, int tick) {
    auto open = wire::open_plain(*wire::SealedRtp::parse(buffer(clear(kSsrcA, seq, tick))));
    const auto packet = phone_->seal(std::move(*open));
    return copy(packet->data());
  }
  [[nodiscard]] Octets sealed(const Octets& compound) {
    const auto packet = phone_->seal_rtcp(buffer(compound));
    return copy(packet->data());
  }
  [[nodiscard]] Octets report(Ssrc ssrc) const {
    std::array<std::byte, 200> room{};
    wire::RtcpWriter writer(room);
    wire::SenderInfo sender;
    sender.ssrc = ssrc;
    EXPECT_TRUE(writer.sender_report(sender, {}) && writer.sdes_cname(ssrc, "endpoint"));
    return copy(writer.written());
  }

  // ---- how anything reaches the relay

  [[nodiscard]] SocketAddress port(std::size_t leg) const { return session->addresses[leg].rtp; }
  [[nodiscard]] SocketAddress rtcp_port(std::size_t leg) const {
    return *session->addresses[leg].rtcp;
  }
  /// To all four ports of the call.
  void send_everywhere(const SocketAddress& from, const Octets& packet) {
    for (const std::size_t leg : {0U, 1U}) {
      world.send(from, port(leg), packet);
      world.send(from, rtcp_port(leg), packet);
    }
  }

  // ---- what came of it

  [[nodiscard]] engine::LegReport report_of(std::uint16_t leg) {
    auto read = std::make_unique<engine::ReadReport>();
    read->leg = {session->handle, leg};
    return world.call(std::move(read))->report;
  }
  [[nodiscard]] std::uint64_t drops(std::uint16_t leg, DropReason reason) {
    return report_of(leg).drops[static_cast<std::size_t>(reason)];
  }
  /// The SSRCs, rollover counters and indices that the relay has of a.
  [[nodiscard]] std::vector<srtp::StreamIndex> indices() {
    auto take = std::make_unique<engine::TakeSnapshot>();
    take->session = session->handle;
    take->snapshot = std::make_unique<engine::SessionSnapshot>();
    take = world.call(std::move(take));
    const auto& received = take->snapshot->legs[0].received_indices;
    return {received.begin(), received.end()};
  }
  [[nodiscard]] bool has_all_buffers_back() { return world.pool().available() == buffers_; }

  sim::World world{1};
  std::unique_ptr<engine::OpenSession> session;
  std::vector<Octets> heard_a;
  std::vector<Octets> heard_b;
  std::vector<Octets> heard_stranger;
  std::vector<Octets> sent_by_a;  ///< RTP, then in rtcp_sent_by_a RTCP: an eavesdropper's capture.
  std::vector<Octets> rtcp_sent_by_a;
  int stride = 1;  ///< Of the sequence numbers: more than one is loss on the way.

 private:
  void hear(const SocketAddress& at, std::vector<Octets>& into) {
    world.attach(at, [&into](Instant, const sim::Flying& in) { into.push_back(in.octets); });
  }
  void send_a(Octets packet) {
    world.send(a, port(0), packet);
    sent_by_a.push_back(std::move(packet));
  }
  void send_a_rtcp(Octets packet) {
    world.send(a_rtcp, rtcp_port(0), packet);
    rtcp_sent_by_a.push_back(std::move(packet));
  }
  [[nodiscard]] PacketBuf buffer(const Octets& octets) {
    PacketBuf packet = world.pool().take();
    packet.resize(octets.size());
    std::ranges::copy(octets, packet.data().begin());
    return packet;
  }
  static Octets copy(Bytes octets) { return {octets.begin(), octets.end()}; }

  std::unique_ptr<srtp::SrtpSender> phone_;
  std::size_t buffers_ = 0;
};

}  // namespace causeway::attack
