// relay/wire/stun and relay/ice: no octets read past the end; what cannot be authenticated
// validates no address and is answered with no more than it was; a copy moves nothing; the agent's
// promises hold for every input.

#include <algorithm>
#include <vector>

#include "relay/ice/agent.h"
#include "relay/wire/stun.h"
#include "tests/fuzz/input.h"

namespace causeway {
namespace {

const SocketAddress kFrom{IpAddress::v4(0xc0000201), UdpPort(4000)};
const SocketAddress kElsewhere{IpAddress::v4(0xc0000202), UdpPort(4000)};

void read_view(Bytes message) {
  const auto view = wire::StunView::parse(message);
  if (!view) return;
  fuzz::read_all(view->bytes());
  (void)view->message_class();
  (void)view->method();
  (void)view->priority();
  (void)view->error_code();
  (void)view->xor_mapped_address();
  (void)view->tie_breaker(wire::StunAttribute::IceControlled);
  (void)view->unknown_attributes();
  if (const auto name = view->username()) fuzz::read_all(as_octets(*name));
  (void)view->has_integrity(wire::HmacSha1(as_octets("another")));
}

constexpr std::string_view kPassword = "VOkJxbRl1RmTxUk/WvJxBt";

/// The same message from somebody who has the password, in answer to `asked` where it is one, so
/// that the fuzzer gets behind MESSAGE-INTEGRITY.
std::vector<std::byte> signed_by_the_endpoint(Bytes message, const wire::StunTransaction& asked) {
  std::vector<std::byte> out(message.begin(), message.end());
  out.resize(std::clamp(out.size() / 4 * 4, wire::kStunHeaderOctets, std::size_t{1000}));
  const std::size_t end = out.size();
  out.resize(end + wire::kStunIntegrityOctets);
  store_be16(&out[2], static_cast<std::uint16_t>(out.size() - wire::kStunHeaderOctets));
  store_be32(&out[4], wire::kStunCookie);
  if ((load_u8(out.data()) & 1U) != 0) std::ranges::copy(asked, &out[8]);
  store_be16(&out[end], static_cast<std::uint16_t>(wire::StunAttribute::MessageIntegrity));
  store_be16(&out[end + 2], 20);
  const auto digest = wire::HmacSha1(as_octets(kPassword)).digest(Bytes(out).first(end), {});
  std::ranges::copy(digest, &out[end + 4]);
  return out;
}

void run(fuzz::Input input) {
  const std::uint8_t choice = input.u8();
  Bytes message = input.rest();
  read_view(message);
  PacketPool pool(16);
  Random random({1, 2});
  ice::AgentSetup setup;
  setup.role = (choice & 1U) != 0 ? ice::Role::Controlling : ice::Role::Lite;
  // The password of RFC 5769's vectors, so that the fuzzer has authentic messages to begin with.
  setup.local = ice::Credentials("evtj", kPassword);
  setup.remote = ice::Remote{ice::Credentials("h6vY", kPassword), false};
  setup.candidates.push_back({kFrom, 1});
  ice::Agent agent(std::move(setup));
  Instant now{std::chrono::hours(1)};
  agent.start(now);
  ice::Output out(pool);
  agent.handle_timeout(now, random, out);
  wire::StunTransaction asked{};
  if (!out.sends.empty()) asked = wire::StunView::parse(out.sends[0].packet.data())->transaction();
  out.sends.clear();
  std::vector<std::byte> authentic;
  if ((choice & 2U) != 0) message = authentic = signed_by_the_endpoint(message, asked);
  agent.handle_stun(now, kFrom, message, random, out);
  CAUSEWAY_CHECK(out.sends.size() <= 1, "one datagram, one answer");
  for (const auto& send : out.sends) {
    CAUSEWAY_CHECK(send.to == kFrom, "the answer goes where it came from");
    const auto answer = wire::StunView::parse(send.packet.data());
    CAUSEWAY_CHECK(answer.has_value(), "what the relay says is STUN");
    const bool is_proven =
        agent.counters().answered != 0 || answer->has(wire::StunAttribute::MessageIntegrity);
    CAUSEWAY_CHECK(is_proven || send.packet.size() <= message.size(), "amplification");
  }
  if (agent.counters().answered == 0 && agent.state() != ice::State::Connected) {
    CAUSEWAY_CHECK(!agent.is_valid_source(kFrom), "validated by nothing");
  }
  if ((choice & 1U) != 0) return;
  const auto consent_ends = agent.next_timeout();
  const auto selected = agent.selected();
  agent.handle_stun(now + std::chrono::seconds(1), kElsewhere, message, random, out);
  CAUSEWAY_CHECK(!agent.is_valid_source(kElsewhere), "validated by a copy");
  agent.handle_stun(now + std::chrono::seconds(2), kFrom, message, random, out);
  CAUSEWAY_CHECK(agent.selected() == selected, "moved by a copy");
  CAUSEWAY_CHECK(agent.next_timeout() == consent_ends, "consent by a copy");
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  causeway::run(causeway::fuzz::Input(data, size));
  return 0;
}
