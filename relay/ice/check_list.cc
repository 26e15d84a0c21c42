#include "relay/ice/check_list.h"

#include <algorithm>

namespace causeway::ice {

namespace {

constexpr Duration kConsentLeast = std::chrono::seconds(4);
constexpr std::uint32_t kConsentSpreadMs = 2000;

}  // namespace

CheckList::Check* CheckList::find(const SocketAddress& address) {
  auto* const found = std::ranges::find_if(
      checks_, [&](const Check& check) { return check.request.to == address; });
  return found == checks_.end() ? nullptr : found;
}

void CheckList::add(const Candidate& candidate) {
  if (is_chosen_ || checks_.full() || find(candidate.address) != nullptr) return;
  checks_.push_back({Request{.to = candidate.address, .priority = candidate.priority}});
}

void CheckList::trigger(const SocketAddress& address, std::uint32_t priority) {
  add({address, priority});
  Check* const check = find(address);
  // One under way goes on; one that was given up is made again.
  if (check == nullptr || check->state != State::Failed) return;
  *check = Check{Request{.to = address, .priority = check->request.priority}};
}

void CheckList::choose(const SocketAddress& address) {
  settle(address);
  checks_[0] = Check{Request{.to = address, .priority = checks_[0].request.priority}};
}

void CheckList::settle(const SocketAddress& address) {
  Check* const chosen = find(address);
  if (chosen == nullptr) return;
  const Check kept = *chosen;
  checks_.clear();
  checks_.push_back(kept);
  is_chosen_ = true;
}

void CheckList::restart(const Candidates& candidates) {
  checks_.clear();
  is_chosen_ = false;
  for (const Candidate& candidate : candidates) add(candidate);
}

void CheckList::watch(Instant now, const SocketAddress& pair) {
  if (consent_ && consent_->pair == pair) return;
  consent_ = Consent{pair, now + kConsentLeast};
}

CheckList::Check* CheckList::best_due(Instant now) {
  Check* best = nullptr;
  for (Check& check : checks_) {
    const bool is_open = check.state == State::Waiting || check.state == State::InProgress;
    if (!is_open || check.due_at > now) continue;
    if (check.requests == kRequests) {
      check.state = State::Failed;
      continue;
    }
    if (best == nullptr || check.request.priority > best->request.priority) best = &check;
  }
  return best;
}

CheckList::Request CheckList::ask_for_consent(Instant now, bool is_controlling, Random& random) {
  consent_->before = consent_->last;
  consent_->due_at =
      now + kConsentLeast + std::chrono::milliseconds(random.below(kConsentSpreadMs + 1));
  consent_->last = Request{.to = consent_->pair,
                           .transaction = ids_.make(random),
                           .is_controlling = is_controlling,
                           .nominates = is_controlling,  // some ignore checks that do not
                           .is_consent = true};
  return *consent_->last;
}

std::optional<CheckList::Request> CheckList::due(Instant now, bool is_controlling, Random& random) {
  if (consent_ && consent_->due_at <= now) return ask_for_consent(now, is_controlling, random);
  Check* const check = best_due(now);
  if (check == nullptr || may_send_at_ > now) return std::nullopt;
  if (check->state == State::Waiting) {
    check->state = State::InProgress;
    check->request.transaction = ids_.make(random);
    check->request.is_controlling = is_controlling;
    check->request.nominates = is_controlling && checks_.size() == 1;
  }
  ++check->requests;
  const unsigned wait = check->requests == kRequests ? kLastWait : 1U << (check->requests - 1);
  check->due_at = now + kRto * wait;
  may_send_at_ = now + kTa;
  return check->request;
}

std::optional<Instant> CheckList::next_timeout() const {
  std::optional<Instant> next;
  for (const Check& check : checks_) {
    if (check.state != State::Waiting && check.state != State::InProgress) continue;
    const Instant at =
        check.requests == kRequests ? check.due_at : std::max(check.due_at, may_send_at_);
    if (!next || at < *next) next = at;
  }
  if (consent_ && (!next || consent_->due_at < *next)) next = consent_->due_at;
  return next;
}

std::optional<CheckList::Request> CheckList::asked(const wire::StunTransaction& transaction,
                                                   const SocketAddress& from) const {
  const auto is_it = [&](const Request& request) {
    return request.to == from && request.transaction == transaction;
  };
  if (consent_) {
    for (const auto& request : {consent_->last, consent_->before}) {
      if (request && is_it(*request)) return request;
    }
  }
  for (const Check& check : checks_) {
    if (check.state == State::InProgress && is_it(check.request)) return check.request;
  }
  return std::nullopt;
}

void CheckList::conclude(const wire::StunTransaction& transaction, bool has_succeeded) {
  if (consent_) {
    for (auto* const request : {&consent_->last, &consent_->before}) {
      if (*request && (*request)->transaction == transaction) request->reset();
    }
  }
  for (Check& check : checks_) {
    if (check.state != State::InProgress || check.request.transaction != transaction) continue;
    check.state = has_succeeded ? State::Succeeded : State::Failed;
  }
}

bool CheckList::has_failed() const {
  return !checks_.empty() && std::ranges::all_of(checks_, [](const Check& check) {
    return check.state == State::Failed;
  });
}

}  // namespace causeway::ice
