#pragma once

#include <cstdint>
#include <optional>

#include "relay/base/address.h"
#include "relay/base/random.h"
#include "relay/base/static_vector.h"
#include "relay/base/time.h"
#include "relay/ice/transaction_ids.h"
#include "relay/wire/stun.h"

namespace causeway::ice {

/// A candidate of the endpoint's (RFC 8839 5.1): UDP, component 1, its address known as a number.
struct Candidate {
  SocketAddress address;
  std::uint32_t priority = 0;
};
inline constexpr std::size_t kMaxCandidates = 16;
using Candidates = StaticVector<Candidate, kMaxCandidates>;

/// The checks of a full agent that has one candidate (RFC 8445 6.1.4, 14): one new or repeated
/// request each Ta, a request repeated six times with a doubling wait, then given up; and, over the
/// pair that is used, one for consent every 4 to 6 s (RFC 7675 5.1).
///
///     Waiting --due, Ta--> InProgress --response--> Succeeded --choose()--> Waiting, nominates
///                              '--after 39.5 s, error--> Failed
///
/// An only candidate is nominated by its first check. Of several the first that answers is chosen
/// and nominated by a second check, and the others are forgotten: one pair is nominated in a
/// generation (RFC 8445 8.1.1, 8.1.2).
class CheckList {
 public:
  static constexpr Duration kTa = std::chrono::milliseconds(50);
  static constexpr Duration kRto = std::chrono::milliseconds(500);
  static constexpr unsigned kRequests = 7;   // Rc
  static constexpr unsigned kLastWait = 16;  // Rm, in RTOs

  /// A request, and what it says; a repeated one says the same.
  struct Request {
    SocketAddress to;
    wire::StunTransaction transaction{};
    std::uint32_t priority = 0;  ///< Of the candidate.
    bool is_controlling = false;
    bool nominates = false;
    bool is_consent = false;
  };

  /// Adds a candidate; known ones, those beyond the room, and any once one is chosen are passed
  /// over.
  void add(const Candidate& candidate);
  /// A check out of turn (RFC 8445 7.3.1.4): the endpoint has checked this pair, or another role is
  /// to be tried.
  void trigger(const SocketAddress& address, std::uint32_t priority);
  void set_transaction_ids(const TransactionIds& ids) { ids_ = ids; }
  /// This one and no other is to be nominated, by a further check.
  void choose(const SocketAddress& address);
  /// This one has been nominated.
  void settle(const SocketAddress& address);
  [[nodiscard]] bool is_chosen() const { return is_chosen_; }
  /// Begins anew with other candidates.
  void restart(const Candidates& candidates);
  /// From now on consent is asked for over this pair.
  void watch(Instant now, const SocketAddress& pair);
  void unwatch() { consent_.reset(); }

  /// What is due, one request a call; nothing when nothing more is. `is_controlling`: our role now.
  [[nodiscard]] std::optional<Request> due(Instant now, bool is_controlling, Random& random);
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  /// What a response from there is to; nothing where we have asked nothing of the kind, or have an
  /// answer to it. From elsewhere than it was sent to it is none (RFC 8445 7.2.5.2.1).
  [[nodiscard]] std::optional<Request> asked(const wire::StunTransaction& transaction,
                                             const SocketAddress& from) const;
  /// Its outcome, of what asked() found.
  void conclude(const wire::StunTransaction& transaction, bool has_succeeded);
  /// Every check has failed, and there was one.
  [[nodiscard]] bool has_failed() const;

 private:
  enum class State : std::uint8_t { Waiting, InProgress, Succeeded, Failed };
  struct Check {
    Request request;
    State state = State::Waiting;
    unsigned requests = 0;
    Instant due_at{};
  };
  /// A response may be to an earlier request than the last (RFC 7675 5.1).
  struct Consent {
    SocketAddress pair;
    Instant due_at;
    std::optional<Request> last{};
    std::optional<Request> before{};
  };

  [[nodiscard]] Check* find(const SocketAddress& address);
  [[nodiscard]] Check* best_due(Instant now);
  [[nodiscard]] Request ask_for_consent(Instant now, bool is_controlling, Random& random);

  TransactionIds ids_;
  StaticVector<Check, kMaxCandidates> checks_;
  bool is_chosen_ = false;
  std::optional<Consent> consent_;
  Instant may_send_at_;
};

}  // namespace causeway::ice
