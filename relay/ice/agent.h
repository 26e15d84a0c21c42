#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "relay/base/address.h"
#include "relay/base/budget.h"
#include "relay/base/packet_buf.h"
#include "relay/base/random.h"
#include "relay/base/result.h"
#include "relay/base/static_vector.h"
#include "relay/base/time.h"
#include "relay/ice/answer_budget.h"
#include "relay/ice/check_list.h"
#include "relay/ice/credentials.h"
#include "relay/ice/pairs.h"
#include "relay/wire/stun.h"

namespace causeway::ice {

/// Lite answers checks and makes none (RFC 8445 2.5). Controlling is the full agent, towards peers
/// that are lite; it too has one candidate.
enum class Role : std::uint8_t { Lite, Controlling };

enum class State : std::uint8_t {
  Checking,      ///< No pair has been nominated yet.
  Connected,     ///< There is a pair to send over.
  Disconnected,  ///< Consent was lost (RFC 7675): nothing is sent until a pair is nominated again.
  Failed,        ///< Controlling only: no candidate of the endpoint's answers.
};

/// The endpoint's side, as its description has it.
struct Remote {
  Credentials credentials;
  bool is_lite = false;
};

struct AgentSetup {
  Role role = Role::Lite;
  Credentials local;
  std::optional<Remote> remote;  ///< Nothing: not known yet.
  Candidates candidates;         ///< The endpoint's; of use to Controlling only.
  /// False: more may come (RFC 8838), so that failing with those there are is not the end.
  bool has_all_candidates = true;
  std::uint64_t tie_breaker = 0;
  /// Without a sign of consent for this long the pair is given up. Zero: never.
  Duration consent = std::chrono::seconds(30);
  /// Tells whoever asks without credentials, as STUN clients do, which address he has: five at once
  /// and five a second in all. The answer is 40 octets to IPv4, the least request 20; so only where
  /// that is wanted.
  bool answers_plain_binding = false;
};

/// What changes in an agent; what is not set stays. The agent swaps what it replaces into it, so
/// that nothing is freed on the worker.
struct AgentUpdate {
  /// Our new credentials: an ICE restart (RFC 8445 9). Those of before are good until the first
  /// nomination with the new ones; where several restarts come before that, those that the pair in
  /// use was nominated with.
  std::optional<Credentials> local;
  std::optional<Remote> remote;  ///< The endpoint's description, or its new one.
  Candidates candidates;         ///< Further ones; with new credentials of theirs, all of them.
  std::optional<bool> has_all_candidates;  ///< As in AgentSetup.
};

/// What a call makes an agent want. Filled by it, read and cleared by the caller.
struct Output {
  explicit Output(PacketPool& packets) : pool(packets) {}

  struct Send {
    SocketAddress to;
    PacketBuf packet;
  };
  PacketPool& pool;
  StaticVector<Send, 4> sends;
  std::optional<State> changed;       ///< The new state, or Connected over another pair.
  bool is_reachable = false;          ///< From now on there is where to send: reachable().
  std::optional<DropReason> dropped;  ///< The datagram was not looked at, and why.
  /// The datagram was a new authentic check, or the answer to one of ours: the endpoint is where
  /// it came from.
  bool is_proof = false;
};

/// Counters of one agent, for its leg's report.
struct AgentCounters {
  std::uint64_t answered = 0;           ///< Success responses.
  std::uint64_t answered_plain = 0;     ///< Those to requests without credentials.
  std::uint64_t bad_requests = 0;       ///< 400: no proof at all.
  std::uint64_t unauthenticated = 0;    ///< 401: another fragment or another password.
  std::uint64_t not_understood = 0;     ///< 420: authentic, with attributes we do not know.
  std::uint64_t role_conflicts = 0;     ///< 487: authentic, from somebody in our role.
  std::uint64_t over_budget = 0;        ///< Requests that got no answer.
  std::uint64_t malformed = 0;          ///< Not STUN, or a wrong FINGERPRINT.
  std::uint64_t indications = 0;        ///< Accepted silently.
  std::uint64_t strange_responses = 0;  ///< To nothing that we asked, or not understood.

  /// Requests that prove nothing, or ask for what cannot be; answered with an error or silence.
  [[nodiscard]] std::uint64_t refused() const {
    return bad_requests + unauthenticated + not_understood + role_conflicts;
  }
};

/// An agent, written down (law 4); its credentials are with whoever made it.
struct AgentSnapshot {
  std::optional<SocketAddress> selected;
  std::uint32_t selected_priority = 0;
};

/// ICE for a component with one candidate of ours (RFC 8445). Sans-I/O: told of STUN datagrams, of
/// time and of authentic media; says what to send and which pair to use. Single-threaded; does not
/// allocate after construction.
///
///     state        | nominated check, or ours succeeds | consent runs out | checks all fail
///     Checking     | Connected                         | Disconnected     | Failed
///     Connected    | Connected (perhaps another pair)  | Disconnected     | -
///     Disconnected | Connected                         | -                | Failed
///     Failed       | Connected                         | -                | -
///
/// What cannot be authenticated changes nothing but counters. A request that proves nothing gets an
/// error only where that is no longer than the request, else silence.
class Agent {
 public:
  explicit Agent(AgentSetup setup);

  void start(Instant now);
  /// How its own checks are numbered from now on; before its first one.
  void set_transaction_ids(const TransactionIds& ids) { checks_.set_transaction_ids(ids); }
  /// A datagram that looks like STUN.
  void handle_stun(Instant now, const SocketAddress& from, Bytes datagram, Random& random,
                   Output& out);
  /// Spurious calls are no-ops.
  void handle_timeout(Instant now, Random& random, Output& out);
  [[nodiscard]] std::optional<Instant> next_timeout() const;
  /// Authentic SRTP or SRTCP from there: a sign of life for the lite agent's consent.
  void note_authentic(Instant now, const SocketAddress& from);

  void update(AgentUpdate& update, Instant now);

  /// The nominated pair; nothing while there is none or consent is lost.
  [[nodiscard]] const std::optional<SocketAddress>& selected() const { return selected_; }
  /// Where DTLS and media go: over the nominated pair, and before there is one where the first
  /// check came from that proved to know our password (adr/0021).
  [[nodiscard]] const std::optional<SocketAddress>& reachable() const {
    return selected_ ? selected_ : validated_;
  }
  /// Whether media and DTLS may come from there: a pair with it has been validated.
  [[nodiscard]] bool is_valid_source(const SocketAddress& from) const {
    return selected_ == from || pairs_.find(from) != nullptr;
  }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const AgentCounters& counters() const { return counters_; }
  [[nodiscard]] const std::string& ufrag() const { return local_.ufrag; }
  /// The fragment of before a restart, while it is good; else null.
  [[nodiscard]] const std::string* ufrag_before() const {
    return is_local_new_ ? &local_before_.ufrag : nullptr;
  }

  [[nodiscard]] AgentSnapshot snapshot() const;
  void restore(const AgentSnapshot& snapshot, Instant now);

 private:
  // agent.cc: requests, what they nominate, consent, updates.
  void handle_request(Instant now, const SocketAddress& from, const wire::StunView& request,
                      Output& out);
  [[nodiscard]] const Credentials* credentials_of(const wire::StunView& request) const;
  [[nodiscard]] bool answers_plain(Instant now, const wire::StunView& request);
  [[nodiscard]] std::uint16_t refusal_of(const wire::StunView& request, bool is_new);
  void refuse(const SocketAddress& from, const wire::StunView& request, std::uint16_t code,
              const Credentials* proven, Output& out);
  [[nodiscard]] static bool answer(const SocketAddress& from, const wire::StunView& request,
                                   const wire::HmacSha1* key, Output& out);
  void learn(Instant now, const SocketAddress& from, const wire::StunView& request, bool is_current,
             Output& out);
  void validate(Instant now, const SocketAddress& from, Output& out);
  void consider(Instant now, const SocketAddress& from, const wire::StunView& request,
                bool is_current, Output& out);
  void select(Instant now, const SocketAddress& address, std::uint32_t priority, Output& out);
  void change(State state, Output& out);
  void lose_consent(Output& out);
  [[nodiscard]] std::optional<Instant> consent_ends() const;

  // agent_checks.cc: what the full agent asks.
  void handle_response(Instant now, const SocketAddress& from, const wire::StunView& response,
                       Random& random, Output& out);
  void handle_success(Instant now, const CheckList::Request& asked, Output& out);
  void handle_error(const CheckList::Request& asked, std::uint16_t code, Random& random,
                    Output& out);
  void send_check(const CheckList::Request& request, Output& out);
  void send_checks(Instant now, Random& random, Output& out);
  [[nodiscard]] const Credentials& ours_for(const CheckList::Request& request) const;
  [[nodiscard]] const Credentials& theirs_for(const CheckList::Request& request) const;
  [[nodiscard]] bool makes_checks() const;
  [[nodiscard]] bool have_checks_failed() const;

  AgentSetup setup_;
  Credentials local_;
  // Of the generation that the pair in use was nominated in; good until the next one has nominated.
  Credentials local_before_;
  std::optional<Remote> remote_before_;
  bool is_local_new_ = false;   ///< `local_` has not nominated yet, `local_before_` is good.
  bool is_remote_new_ = false;  ///< The same of theirs.
  bool is_controlling_;
  State state_ = State::Checking;
  AnswerBudget budget_;
  Budget plain_{5, std::chrono::milliseconds(200)};
  Pairs pairs_;
  SeenTransactions seen_;
  CheckList checks_;
  std::optional<SocketAddress> validated_;  ///< Lite, before the first nomination.
  std::optional<SocketAddress> selected_;
  std::uint32_t selected_priority_ = 0;
  Instant heard_at_;  ///< Of the selected pair: the last sign of consent.
  AgentCounters counters_;
};

}  // namespace causeway::ice
