#include "relay/ice/agent.h"

#include <utility>

namespace causeway::ice {

namespace {

/// A nominated pair that has been silent for this long gives way to any other.
constexpr Duration kSilenceBeforeMove = std::chrono::seconds(2);

std::string_view reason_of(std::uint16_t code) {
  switch (code) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthenticated";
    case 420:
      return "Unknown Attribute";
    default:
      return "Role Conflict";
  }
}

}  // namespace

Agent::Agent(AgentSetup setup)
    : setup_(std::move(setup)),
      local_(std::move(setup_.local)),
      is_controlling_(setup_.role == Role::Controlling) {
  checks_.restart(setup_.candidates);
}

void Agent::start(Instant now) { heard_at_ = now; }

// ------------------------------------------------------------------------------------- requests

void Agent::handle_stun(Instant now, const SocketAddress& from, Bytes datagram, Random& random,
                        Output& out) {
  const auto message = wire::StunView::parse(datagram);
  if (!message || message->method() != wire::StunMethod::Binding) {
    ++counters_.malformed;
    out.dropped = message ? DropReason::Unsupported : message.error();
    return;
  }
  switch (message->message_class()) {
    case wire::StunClass::Request:
      return handle_request(now, from, *message, out);
    case wire::StunClass::Indication:
      ++counters_.indications;  // RFC 8445 11: a keepalive
      return;
    case wire::StunClass::Success:
    case wire::StunClass::Error:
      return handle_response(now, from, *message, random, out);
  }
}

/// Ours, of this generation or the one before, if the request names them and has proved that its
/// sender knows the password.
const Credentials* Agent::credentials_of(const wire::StunView& request) const {
  const auto username = request.username();
  const auto parts = username ? wire::split_username(*username) : std::nullopt;
  if (!parts) return nullptr;
  if (parts->receiver == local_.ufrag) {
    return request.has_integrity(local_.key) ? &local_ : nullptr;
  }
  if (is_local_new_ && parts->receiver == local_before_.ufrag) {
    return request.has_integrity(local_before_.key) ? &local_before_ : nullptr;
  }
  return nullptr;
}

void Agent::handle_request(Instant now, const SocketAddress& from, const wire::StunView& request,
                           Output& out) {
  const Credentials* const proven = credentials_of(request);
  if (proven == nullptr && answers_plain(now, request)) {
    if (answer(from, request, nullptr, out)) ++counters_.answered_plain;
    return;
  }
  // A copy of a check, sent again by whoever has heard it, proves nothing of him and decides
  // nothing.
  const bool is_new = proven != nullptr && !seen_.contains(request.transaction());
  if (!budget_.take(now, from, is_new, is_valid_source(from))) {
    ++counters_.over_budget;
    out.dropped = DropReason::OverBudget;
    return;
  }
  if (proven == nullptr) {
    // RFC 8489 9.1.3: without any proof it is a bad request, with a wrong one unauthenticated.
    const bool has_proof = request.has(wire::StunAttribute::MessageIntegrity) &&
                           request.has(wire::StunAttribute::Username);
    out.dropped = DropReason::AuthFailed;
    return refuse(from, request, has_proof ? 401 : 400, nullptr, out);
  }
  const std::uint16_t refusal = refusal_of(request, is_new);
  if (refusal != 0) {
    if (is_new) seen_.add(request.transaction());
    return refuse(from, request, refusal, proven, out);
  }
  if (!answer(from, request, &proven->key, out)) return;  // they will ask again
  ++counters_.answered;
  if (!is_new) return;
  seen_.add(request.transaction());
  learn(now, from, request, proven == &local_, out);
}

/// Whether it is what a STUN client sends that wants to know its address, and is told.
bool Agent::answers_plain(Instant now, const wire::StunView& request) {
  return setup_.answers_plain_binding && !request.has(wire::StunAttribute::Username) &&
         !request.has(wire::StunAttribute::MessageIntegrity) &&
         request.unknown_attributes().empty() && plain_.take(now);
}

/// The error that an authentic request gets; 0: none. A lite agent is always the controlled one,
/// and its peer has to be the other. Of two full ones the greater tie-breaker is controlling, ours
/// where they are equal (RFC 8445 7.3.1.1).
std::uint16_t Agent::refusal_of(const wire::StunView& request, bool is_new) {
  if (!request.unknown_attributes().empty()) return 420;
  const auto theirs = request.tie_breaker(is_controlling_ ? wire::StunAttribute::IceControlling
                                                          : wire::StunAttribute::IceControlled);
  if (!theirs) return 0;
  if (setup_.role == Role::Lite) return 487;
  const bool are_we = setup_.tie_breaker >= *theirs;
  if (are_we == is_controlling_) return 487;
  if (is_new) is_controlling_ = are_we;
  return 0;
}

void Agent::refuse(const SocketAddress& from, const wire::StunView& request, std::uint16_t code,
                   const Credentials* proven, Output& out) {
  ++(code == 400   ? counters_.bad_requests
     : code == 401 ? counters_.unauthenticated
     : code == 420 ? counters_.not_understood
                   : counters_.role_conflicts);
  PacketBuf packet = out.sends.full() ? PacketBuf() : out.pool.take();
  if (!packet) return;
  packet.resize(PacketBuf::kMaxData);
  wire::StunWriter writer(packet.data(), wire::StunMethod::Binding, wire::StunClass::Error,
                          request.transaction());
  writer.add_error(code, reason_of(code));
  if (code == 420) writer.add_unknown(request.unknown_attributes());
  const std::size_t octets = writer.finish(proven == nullptr ? nullptr : &proven->key);
  // Who has proved nothing may have given another's address: he gets no more than he sent.
  if (octets == 0 || (proven == nullptr && octets > request.bytes().size())) return;
  packet.resize(octets);
  out.sends.push_back({from, std::move(packet)});
}

/// Tells the source its address. `key` null: without MESSAGE-INTEGRITY. False: no buffer was free.
bool Agent::answer(const SocketAddress& from, const wire::StunView& request,
                   const wire::HmacSha1* key, Output& out) {
  PacketBuf packet = out.sends.full() ? PacketBuf() : out.pool.take();
  if (!packet) return false;
  packet.resize(PacketBuf::kMaxData);
  wire::StunWriter writer(packet.data(), wire::StunMethod::Binding, wire::StunClass::Success,
                          request.transaction());
  writer.add_xor_mapped_address(from);
  packet.resize(writer.finish(key));
  out.sends.push_back({from, std::move(packet)});
  return true;
}

// ---------------------------------------------------------------------------------------- pairs

/// What a new authentic check from there says of its source.
void Agent::learn(Instant now, const SocketAddress& from, const wire::StunView& request,
                  bool is_current, Output& out) {
  pairs_.hear(now, from, reachable());
  out.is_proof = true;
  if (setup_.role == Role::Lite) {
    validate(now, from, out);
    if (reachable() == from) heard_at_ = now;
  }
  if (makes_checks()) checks_.trigger(from, request.priority().value_or(0));
  if (!is_controlling_ && request.has(wire::StunAttribute::UseCandidate)) {
    consider(now, from, request, is_current, out);
  }
}

/// Browsers nominate late, after a round trip or more, and a second where that is long. What they
/// wait for need not wait with it.
void Agent::validate(Instant now, const SocketAddress& from, Output& out) {
  if (state_ != State::Checking || selected_) return;
  if (validated_ && now - heard_at_ < kSilenceBeforeMove) return;
  validated_ = from;
  out.is_reachable = true;
}

/// A nomination. The newest wins, unless it says itself that it is worth less than the pair in use
/// and that pair is alive; and nothing of the old generation moves what the new one has chosen.
void Agent::consider(Instant now, const SocketAddress& from, const wire::StunView& request,
                     bool is_current, Output& out) {
  if (!is_current && selected_) return;
  const std::uint32_t priority = request.priority().value_or(0);
  const bool is_alive = selected_ && now - heard_at_ < kSilenceBeforeMove;
  const bool ends_restart = is_current && is_local_new_;
  if (selected_ && selected_ != from && is_alive && priority < selected_priority_ &&
      !ends_restart) {
    return;
  }
  if (is_current) is_local_new_ = is_remote_new_ = false;
  select(now, from, priority, out);
}

void Agent::select(Instant now, const SocketAddress& address, std::uint32_t priority, Output& out) {
  const bool is_same = selected_ == address && state_ == State::Connected;
  out.is_reachable = out.is_reachable || !reachable();
  selected_ = address;
  validated_.reset();
  selected_priority_ = priority;
  heard_at_ = now;
  if (makes_checks()) checks_.watch(now, address);
  if (!is_same) change(State::Connected, out);
}

void Agent::change(State state, Output& out) {
  state_ = state;
  out.changed = state;
}

// --------------------------------------------------------------------------------------- timers

void Agent::note_authentic(Instant now, const SocketAddress& from) {
  // A full agent asks for consent and takes nothing else for it (RFC 7675 5.1).
  if (setup_.role == Role::Lite && reachable() == from) heard_at_ = now;
}

std::optional<Instant> Agent::consent_ends() const {
  if (!reachable() || setup_.consent == Duration::zero()) return std::nullopt;
  return heard_at_ + setup_.consent;
}

void Agent::lose_consent(Output& out) {
  selected_.reset();
  validated_.reset();
  pairs_.clear();
  checks_.unwatch();
  change(State::Disconnected, out);
}

std::optional<Instant> Agent::next_timeout() const {
  std::optional<Instant> next = consent_ends();
  if (!makes_checks()) return next;
  // What has come to an end between two timeouts is said at once.
  if (state_ != State::Failed && have_checks_failed()) return heard_at_;
  const auto check = checks_.next_timeout();
  return check && (!next || *check < *next) ? check : next;
}

void Agent::handle_timeout(Instant now, Random& random, Output& out) {
  if (const auto ends = consent_ends(); ends && *ends <= now) lose_consent(out);
  if (!makes_checks()) return;
  send_checks(now, random, out);
  if (state_ != State::Failed && have_checks_failed()) change(State::Failed, out);
}

// -------------------------------------------------------------------------------------- changes

void Agent::update(AgentUpdate& update, Instant now) {
  // Those of the pair in use outlast any number of restarts that come to nothing.
  if (update.local) {
    std::swap(local_, *update.local);
    if (!is_local_new_ || !selected_) std::swap(local_before_, *update.local);
    is_local_new_ = true;
  }
  if (update.remote) {
    const bool is_other =
        setup_.remote && setup_.remote->credentials.ufrag != update.remote->credentials.ufrag;
    std::swap(setup_.remote, update.remote);
    if (is_other) {
      if (!is_remote_new_ || !selected_) std::swap(remote_before_, update.remote);
      is_remote_new_ = true;
      checks_.restart({});
    }
  }
  for (const Candidate& candidate : update.candidates) checks_.add(candidate);
  if (update.has_all_candidates) setup_.has_all_candidates = *update.has_all_candidates;
  if (state_ == State::Failed && !have_checks_failed()) state_ = State::Checking;
  if (selected_ && makes_checks()) checks_.watch(now, *selected_);
}

AgentSnapshot Agent::snapshot() const { return {selected_, selected_priority_}; }

void Agent::restore(const AgentSnapshot& snapshot, Instant now) {
  selected_ = snapshot.selected;
  selected_priority_ = snapshot.selected_priority;
  heard_at_ = now;
  if (!selected_) return;
  state_ = State::Connected;
  pairs_.hear(now, *selected_, selected_);
  if (makes_checks()) checks_.watch(now, *selected_);
}

}  // namespace causeway::ice
