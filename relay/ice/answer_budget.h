#pragma once

#include <algorithm>

#include "relay/base/address.h"
#include "relay/base/budget.h"
#include "relay/base/static_vector.h"
#include "relay/base/time.h"

namespace causeway::ice {

/// How many requests are answered. Each takes from a bucket of its source, and where no valid pair
/// has that source, from one that all such sources share:
///
///     request                               | of its source | shared
///     authentic, its transaction is new     | 50, 50 a s    | newcomers, 100, 100 a s
///     copy of one, or proves nothing        | 50, 50 a s    | strangers, 100, 100 a s
///
/// The two rows have nothing in common. So whoever lacks the password cannot use up what answers
/// him who has it: neither with requests that prove nothing, nor with copies of true ones, nor
/// under the endpoint's own address. A full agent makes about 20 checks a second while it looks for
/// a pair (RFC 8445 14.2), and one in 5 s for consent.
class AnswerBudget {
 public:
  /// `is_new`: authentic, and its transaction has not been seen. `is_valid`: a valid pair has this
  /// source.
  [[nodiscard]] bool take(Instant now, const SocketAddress& source, bool is_new, bool is_valid) {
    Source& own = of(now, source);
    if (!(is_new ? own.new_ones : own.others).take(now)) return false;
    return is_valid || (is_new ? newcomers_ : strangers_).take(now);
  }

 private:
  static constexpr std::size_t kSources = 16;
  static constexpr Budget kOfSource{50, std::chrono::milliseconds(20)};
  static constexpr Budget kShared{100, std::chrono::milliseconds(10)};
  struct Source {
    SocketAddress address;
    Budget new_ones = kOfSource;
    Budget others = kOfSource;
    Instant used_at;
  };

  /// The one used longest ago makes room for a new one, whose buckets are full: what holds those
  /// back who change their address with each request is the shared bucket.
  Source& of(Instant now, const SocketAddress& address) {
    auto* found = std::ranges::find(sources_, address, &Source::address);
    if (found == sources_.end()) {
      found = sources_.full() ? std::ranges::min_element(sources_, {}, &Source::used_at)
                              : &sources_.push_back({});
      *found = {address, kOfSource, kOfSource, now};
    }
    found->used_at = now;
    return *found;
  }

  StaticVector<Source, kSources> sources_;
  Budget newcomers_ = kShared;
  Budget strangers_ = kShared;
};

}  // namespace causeway::ice
