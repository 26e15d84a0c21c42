#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "relay/ice/agent.h"

namespace causeway::ice::test {

using namespace std::chrono_literals;
using Octets = std::vector<std::byte>;

inline constexpr std::string_view kOurPassword = "oursoursoursoursoursou";
inline constexpr std::string_view kNewPassword = "newnewnewnewnewnewnewn";
inline constexpr std::string_view kTheirPassword = "theirstheirstheirsthei";

inline SocketAddress at(std::string_view text) { return *SocketAddress::parse(text); }

/// A check as the endpoint makes it.
struct Check {
  std::string username = "ours:them";
  std::string_view password = kOurPassword;
  bool nominates = true;
  std::uint32_t priority = 0x6e7f00ff;
  wire::StunAttribute role = wire::StunAttribute::IceControlling;
  std::uint64_t tie_breaker = 7;
  std::uint64_t transaction = 0;  ///< 0: another one each time.
  std::vector<wire::StunAttribute> more{};
  std::string first_username{};  ///< Another USERNAME before the one above.

  [[nodiscard]] Octets octets() const {
    static std::uint64_t last = 0;
    wire::StunTransaction id{};
    store_be64(id.data(), transaction != 0 ? transaction : ++last + (1ULL << 32));
    Octets out(400);
    wire::StunWriter writer(out, wire::StunMethod::Binding, wire::StunClass::Request, id);
    if (!first_username.empty()) writer.add_text(wire::StunAttribute::Username, first_username);
    if (!username.empty()) writer.add_text(wire::StunAttribute::Username, username);
    writer.add_u32(wire::StunAttribute::Priority, priority);
    writer.add_u64(role, tie_breaker);
    if (nominates) writer.add(wire::StunAttribute::UseCandidate, {});
    for (const auto type : more) writer.add(type, {});
    const wire::HmacSha1 key(as_octets(password));
    out.resize(writer.finish(password.empty() ? nullptr : &key));
    return out;
  }
};

/// What a STUN client sends that wants to know its address.
inline Octets bare_request() {
  Octets bare(40);
  wire::StunWriter writer(bare, wire::StunMethod::Binding, wire::StunClass::Request, {});
  bare.resize(20);
  store_be16(&bare[2], 0);
  return bare;
}

/// One agent of ours in virtual time, and what it said.
struct Rig {
  PacketPool pool{64};
  Random random{{1, 2}};
  Instant now{std::chrono::hours(1)};
  Agent agent;
  Output out{pool};

  explicit Rig(AgentSetup setup) : agent(std::move(setup)) { agent.start(now); }

  static AgentSetup lite() {
    AgentSetup setup;
    setup.local = Credentials("ours", kOurPassword);
    return setup;
  }
  static AgentSetup full() {
    AgentSetup setup = lite();
    setup.role = Role::Controlling;
    setup.tie_breaker = 100;
    setup.remote = Remote{Credentials("them", kTheirPassword), true};
    setup.candidates.push_back({at("192.0.2.9:9000"), 2130706431});
    return setup;
  }

  /// Gives it a datagram; the answers, if any, are in `sent`.
  void receive(const SocketAddress& from, const Octets& datagram) {
    out.sends.clear();
    out.changed.reset();
    out.dropped.reset();
    agent.handle_stun(now, from, datagram, random, out);
  }
  void receive(const SocketAddress& from, const Check& check) { receive(from, check.octets()); }
  void wait(Duration span) {
    now += span;
    out.sends.clear();
    out.changed.reset();
    out.dropped.reset();
    agent.handle_timeout(now, random, out);
  }
  /// A view of the only datagram sent. It lives as long as the next call.
  [[nodiscard]] wire::StunView sent() {
    EXPECT_EQ(out.sends.size(), 1U);
    return *wire::StunView::parse(out.sends[0].packet.data());
  }
  [[nodiscard]] bool is_silent() const { return out.sends.empty(); }
  [[nodiscard]] std::optional<std::uint16_t> error() {
    return is_silent() ? std::nullopt : sent().error_code();
  }
  /// Waits until something is sent, or a minute has passed.
  void wait_for_request() {
    const Instant until = now + 1min;
    do {
      const auto next = agent.next_timeout();
      wait(next && *next > now ? *next - now : 0ms);
    } while (is_silent() && now < until);
  }
  /// The endpoint's answer to our request `request`. `error` 0: success.
  static Octets answer(const wire::StunView& request, std::string_view password = kTheirPassword,
                       std::uint16_t error = 0, std::optional<wire::StunAttribute> more = {}) {
    Octets octets(400);
    wire::StunWriter writer(octets, wire::StunMethod::Binding,
                            error == 0 ? wire::StunClass::Success : wire::StunClass::Error,
                            request.transaction());
    if (error == 0) writer.add_xor_mapped_address(at("198.51.100.1:20000"));
    if (error != 0) writer.add_error(error, "");
    if (more) writer.add(*more, {});
    const wire::HmacSha1 key(as_octets(password));
    octets.resize(writer.finish(&key));
    return octets;
  }
};

}  // namespace causeway::ice::test
