#include <algorithm>
#include <array>
#include <utility>

#include "relay/ice/agent.h"

// The full agent's half of Agent: what it asks, and what it makes of the answers.

namespace causeway::ice {

namespace {

/// Of the candidate that our checks may reveal to the endpoint (RFC 8445 7.1.1): type preference
/// 110, the rest as that of our only candidate.
constexpr std::uint32_t kPriority = (110U << 24) + (65535U << 8) + 255U;

}  // namespace

bool Agent::makes_checks() const {
  return setup_.role == Role::Controlling && setup_.remote.has_value();
}

bool Agent::have_checks_failed() const {
  return !selected_ && setup_.has_all_candidates && checks_.has_failed();
}

// ------------------------------------------------------------------------------------- requests

/// Consent is asked for with the credentials that the pair was validated with (RFC 7675 5.1); so
/// are checks until a restart of ours has been answered.
const Credentials& Agent::ours_for(const CheckList::Request& request) const {
  const bool is_of_before = is_local_new_ && (request.is_consent || !is_remote_new_);
  return is_of_before ? local_before_ : local_;
}

const Credentials& Agent::theirs_for(const CheckList::Request& request) const {
  const bool is_of_before = is_remote_new_ && request.is_consent;
  return is_of_before ? remote_before_->credentials : setup_.remote->credentials;
}

void Agent::send_checks(Instant now, Random& random, Output& out) {
  while (!out.sends.full()) {
    const auto request = checks_.due(now, is_controlling_, random);
    if (!request) return;
    send_check(*request, out);
  }
}

void Agent::send_check(const CheckList::Request& request, Output& out) {
  PacketBuf packet = out.pool.take();
  if (!packet) return;  // as if it were lost
  packet.resize(PacketBuf::kMaxData);
  const Credentials& theirs = theirs_for(request);
  std::array<char, 513> username;
  char* end = std::ranges::copy(theirs.ufrag, username.begin()).out;
  *end++ = ':';
  end = std::ranges::copy(ours_for(request).ufrag, end).out;
  wire::StunWriter writer(packet.data(), wire::StunMethod::Binding, wire::StunClass::Request,
                          request.transaction);
  writer.add_text(wire::StunAttribute::Username, {username.data(), end});
  writer.add_u32(wire::StunAttribute::Priority, kPriority);
  writer.add_u64(request.is_controlling ? wire::StunAttribute::IceControlling
                                        : wire::StunAttribute::IceControlled,
                 setup_.tie_breaker);
  if (request.nominates) writer.add(wire::StunAttribute::UseCandidate, {});
  packet.resize(writer.finish(&theirs.key));
  out.sends.push_back({request.to, std::move(packet)});
}

// ------------------------------------------------------------------------------------ responses

void Agent::handle_response(Instant now, const SocketAddress& from, const wire::StunView& response,
                            Random& random, Output& out) {
  const auto asked = makes_checks() ? checks_.asked(response.transaction(), from) : std::nullopt;
  if (!asked || !response.has_integrity(theirs_for(*asked).key)) {
    ++counters_.strange_responses;
    out.dropped = DropReason::AuthFailed;
    return;
  }
  out.is_proof = true;
  // RFC 8489 6.3.3, 6.3.4: what must be understood and is not makes the transaction a failure.
  const bool is_understood = response.unknown_attributes().empty();
  if (!is_understood) ++counters_.strange_responses;
  const bool is_success = response.message_class() == wire::StunClass::Success;
  checks_.conclude(response.transaction(), is_success && is_understood);
  if (!is_understood) return;
  if (is_success) return handle_success(now, *asked, out);
  handle_error(*asked, response.error_code().value_or(0), random, out);
}

void Agent::handle_success(Instant now, const CheckList::Request& asked, Output& out) {
  if (asked.is_consent) {
    if (selected_ == asked.to) heard_at_ = now;
    return;
  }
  pairs_.hear(now, asked.to, selected_);
  if (!asked.is_controlling || !is_controlling_) return;
  if (!asked.nominates) {
    if (!checks_.is_chosen()) checks_.choose(asked.to);
    return;
  }
  checks_.settle(asked.to);
  // A check of before a restart nominates within its own generation.
  const bool is_current = !is_local_new_ || is_remote_new_;
  if (is_current) is_local_new_ = is_remote_new_ = false;
  select(now, asked.to, asked.priority, out);
}

void Agent::handle_error(const CheckList::Request& asked, std::uint16_t code, Random& random,
                         Output& out) {
  // RFC 7675 5.2: the endpoint wants to hear no more.
  if (code == 403 && asked.is_consent && selected_ == asked.to) return lose_consent(out);
  if (code != 487) return;
  // RFC 8445 7.2.5.1. Several requests made in one role may be refused, but it is left once.
  if (is_controlling_ == asked.is_controlling) {
    is_controlling_ = !asked.is_controlling;
    setup_.tie_breaker = random.next();
  }
  if (!asked.is_consent) checks_.trigger(asked.to, asked.priority);
}

}  // namespace causeway::ice
