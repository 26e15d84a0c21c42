#pragma once

#include <cstdint>
#include <optional>

#include "relay/base/time.h"

namespace causeway::engine {

/// When an endpoint behind a NAT is to be sent something only so that its mapping stays open (RFC
/// 6263, whose Tr is 15 s). It looks twice in that time at what was sent, so that media pay nothing
/// for it: not even a store a packet. A value.
class Keepalive {
 public:
  static constexpr Duration kMostSilence = std::chrono::seconds(15);

  /// From now on; spurious calls are no-ops.
  void start(Instant now) {
    if (!look_at_) look_at_ = now + kMostSilence / 2;
  }
  void stop() { look_at_.reset(); }

  [[nodiscard]] std::optional<Instant> next_timeout() const { return look_at_; }
  /// Whether one is due. `sent`: how many datagrams have gone that way so far.
  [[nodiscard]] bool handle_timeout(Instant now, std::uint64_t sent) {
    if (!look_at_ || now < *look_at_) return false;
    look_at_ = now + kMostSilence / 2;
    const bool is_silent = sent == sent_;
    sent_ = sent;
    return is_silent;
  }

 private:
  std::optional<Instant> look_at_;
  std::uint64_t sent_ = 0;
};

}  // namespace causeway::engine
