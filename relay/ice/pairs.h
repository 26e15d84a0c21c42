#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include "relay/base/address.h"
#include "relay/base/static_vector.h"
#include "relay/base/time.h"
#include "relay/wire/stun.h"

namespace causeway::ice {

/// The endpoint's addresses over which a check has been authenticated: the valid pairs, all with
/// our one candidate. At most eight; the one heard of longest ago makes room.
class Pairs {
 public:
  struct Pair {
    SocketAddress remote;
    Instant heard_at;
  };
  static constexpr std::size_t kMax = 8;

  [[nodiscard]] const Pair* find(const SocketAddress& remote) const {
    const auto* found = std::ranges::find(pairs_, remote, &Pair::remote);
    return found == pairs_.end() ? nullptr : found;
  }
  /// `kept` is not the one to make room.
  void hear(Instant now, const SocketAddress& remote, const std::optional<SocketAddress>& kept) {
    auto* found = std::ranges::find(pairs_, remote, &Pair::remote);
    if (found != pairs_.end()) {
      found->heard_at = now;
    } else if (!pairs_.full()) {
      pairs_.push_back({remote, now});
    } else {
      *std::ranges::min_element(pairs_, {}, [&](const Pair& pair) {
        return pair.remote == kept ? Instant::max() : pair.heard_at;
      }) = {remote, now};
    }
  }
  void clear() { pairs_.clear(); }

 private:
  StaticVector<Pair, kMax> pairs_;
};

/// Which authentic requests were seen lately, so that a copy of one, from wherever it is sent
/// again, decides nothing. It remembers 128: five minutes of the checks of a browser.
class SeenTransactions {
 public:
  static constexpr std::size_t kMax = 128;

  [[nodiscard]] bool contains(const wire::StunTransaction& transaction) const {
    return std::ranges::find(seen_, transaction) != seen_.end();
  }
  void add(const wire::StunTransaction& transaction) {
    if (!seen_.full()) {
      seen_.push_back(transaction);
      return;
    }
    seen_[next_] = transaction;
    next_ = (next_ + 1) % kMax;
  }

 private:
  StaticVector<wire::StunTransaction, kMax> seen_;
  std::size_t next_ = 0;  ///< The oldest, once there is no more room.
};

}  // namespace causeway::ice
