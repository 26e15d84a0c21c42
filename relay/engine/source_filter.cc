#include "relay/engine/source_filter.h"

#include <algorithm>

namespace causeway::engine {

namespace {

/// Distance within which a packet still continues a stream (RFC 3550 A.1 MAX_DROPOUT).
constexpr int kMaxDropout = 3000;

}  // namespace

constinit const AcceptFrom SourceFilter::kNobody;

void SourceFilter::arm(const AcceptFrom& rule, std::optional<SocketAddress> signalled,
                       bool is_secure, Instant now) {
  accept_ = &rule;
  is_secure_ = is_secure;
  signalled_ = signalled;
  learned_.reset();
  candidates_.clear();
  oldest_candidate_ = 0;
  window_end_ = now + rule.latch_window;
}

bool SourceFilter::admits(const SocketAddress& from) const {
  switch (accept_->rule) {
    case AcceptFrom::Rule::Exact:
      return signalled_ && from == *signalled_;
    case AcceptFrom::Rule::SameIp:
      return signalled_ && from.ip == signalled_->ip;
    case AcceptFrom::Rule::Cidrs:
      return is_in_cidrs(from.ip);
    case AcceptFrom::Rule::Latch:
      if (learned_ && !is_secure_) return from.ip == learned_->ip;
      return accept_->cidrs.empty() || is_in_cidrs(from.ip);
  }
  return false;
}

bool SourceFilter::is_in_cidrs(const IpAddress& ip) const {
  return std::ranges::any_of(accept_->cidrs, [&](const Cidr& block) { return block.contains(ip); });
}

SourceFilter::Verdict SourceFilter::on_authentic(Instant now, const Seen& seen) {
  if (!is_latching()) return Verdict::Accept;
  if (!learned_) return now <= window_end_ ? on_candidate(now, seen) : Verdict::Reject;
  if (seen.from != *learned_) {
    if (!continues_stream(now, seen)) return Verdict::Reject;
    return lock(now, seen);
  }
  if (seen.ssrc != ssrc_ || seen.seq.distance_from(last_seq_) > 0) last_seq_ = seen.seq;
  ssrc_ = seen.ssrc;
  last_heard_ = now;
  return Verdict::Accept;
}

SourceFilter::Verdict SourceFilter::on_authentic_rtcp(Instant now, const SocketAddress& from,
                                                      const SourceFilter& rtp) {
  if (!is_latching()) return Verdict::Accept;
  if (learned_ && from == *learned_) {
    last_heard_ = now;
    return Verdict::Accept;
  }
  const bool is_twin = rtp.learned_ && rtp.learned_->ip == from.ip;
  const bool may_move = !learned_ || now - last_heard_ >= kSilenceBeforeMove;
  if (!(is_twin || (is_secure_ && !learned_)) || !may_move) return Verdict::Reject;
  learned_ = from;
  last_heard_ = now;
  return Verdict::AcceptAndLearned;
}

void SourceFilter::restore_learned(const SocketAddress& address, Ssrc ssrc, SeqNum seq,
                                   Instant now) {
  learned_ = address;
  ssrc_ = ssrc;
  last_seq_ = seq;
  last_heard_ = now;
}

SourceFilter::Verdict SourceFilter::lock(Instant now, const Seen& seen) {
  learned_ = seen.from;
  ssrc_ = seen.ssrc;
  last_seq_ = seen.seq;
  last_heard_ = now;
  candidates_.clear();
  return Verdict::AcceptAndLearned;
}

SourceFilter::Verdict SourceFilter::on_candidate(Instant now, const Seen& seen) {
  if (is_secure_ || seen.from == signalled_) return lock(now, seen);
  const auto known = std::ranges::find_if(
      candidates_, [&](const Candidate& c) { return c.from == seen.from && c.ssrc == seen.ssrc; });
  if (known == candidates_.end()) {
    const Candidate fresh{seen.from, seen.ssrc, seen.seq.plus(1), 1};
    if (!candidates_.full()) {
      candidates_.push_back(fresh);
    } else {
      // A storm of sources turns the oldest candidate out, never a locked one.
      candidates_[oldest_candidate_] = fresh;
      oldest_candidate_ = (oldest_candidate_ + 1) % kMaxCandidates;
    }
    return accept_->latch_packets <= 1 ? lock(now, seen) : Verdict::Reject;
  }
  known->in_sequence =
      seen.seq == known->next ? static_cast<std::uint8_t>(known->in_sequence + 1) : std::uint8_t{1};
  known->next = seen.seq.plus(1);
  return known->in_sequence >= accept_->latch_packets ? lock(now, seen) : Verdict::Reject;
}

bool SourceFilter::continues_stream(Instant now, const Seen& seen) const {
  // Where SRTP vouches for the packet its index decides; the old path may still be draining.
  if (is_secure_) return seen.is_newest;
  const int ahead = seen.seq.distance_from(last_seq_);
  return seen.ssrc == ssrc_ && ahead > 0 && ahead <= kMaxDropout &&
         now - last_heard_ >= kSilenceBeforeMove;
}

}  // namespace causeway::engine
