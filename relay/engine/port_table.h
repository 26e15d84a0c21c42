#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "relay/base/random.h"
#include "relay/base/time.h"
#include "relay/base/types.h"

namespace causeway::engine {

/// The ports of one network that belong to one worker. Hands them out at random (RFC 6056), in
/// pairs (even RTP, odd RTCP) or singly (rtcp-mux), and keeps a port that was given back out of use
/// for a while, so that a new call does not inherit a late sender. Every operation is O(1),
/// amortised over the ports that leave quarantine; nothing allocates after construction.
/// Single-threaded.
///
/// Invariant: free() + used() + quarantined() == size().
///
///     free pair --allocate_pair--> used --release--> quarantined --time--> free
///                                       \--put_back----------------------> free
///     free pair --allocate_one--> used + its mate in singles
class PortTable {
 public:
  /// Owns the ports first..last; an odd first or an even last port is left out.
  PortTable(UdpPort first, UdpPort last, Duration quarantine);

  /// The even port of a free pair, chosen at random; nothing when no pair is free.
  [[nodiscard]] std::optional<UdpPort> allocate_pair(Instant now, Random& random);
  /// One free port, the mate of a single in use where there is one, so that pairs stay whole.
  [[nodiscard]] std::optional<UdpPort> allocate_one(Instant now, Random& random);
  /// Whether that many pairs and single ports could be allocated now, in any order.
  [[nodiscard]] bool has_room(Instant now, std::size_t pairs, std::size_t singles);
  /// Takes one named port, for a session that is restored. False if it is not free.
  [[nodiscard]] bool claim(Instant now, UdpPort port);
  /// Gives one used port back; it is free again after the quarantine. REQUIRES: port is in use.
  void release(Instant now, UdpPort port);
  /// Gives one port back that nobody was ever told of; it is free at once. REQUIRES: port is in
  /// use.
  void put_back(UdpPort port);

  [[nodiscard]] std::size_t size() const { return state_.size(); }
  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] std::size_t quarantined() const { return quarantine_count_; }
  [[nodiscard]] std::size_t free() const { return size() - used_ - quarantine_count_; }

 private:
  enum class State : std::uint8_t { Free, Used, Quarantined };
  struct Resting {
    Instant until;
    std::uint32_t index;
  };
  /// A set of numbers below a bound: O(1) add, remove and random choice.
  class IndexSet {
   public:
    explicit IndexSet(std::size_t bound);
    void add(std::uint32_t value);
    void remove(std::uint32_t value);
    [[nodiscard]] bool contains(std::uint32_t value) const { return where_[value] != kAbsent; }
    [[nodiscard]] bool empty() const { return values_.empty(); }
    [[nodiscard]] std::size_t size() const { return values_.size(); }
    [[nodiscard]] std::uint32_t pick(Random& random) const {
      return values_[random.below(static_cast<std::uint32_t>(values_.size()))];
    }

   private:
    static constexpr std::uint32_t kAbsent = 0xffffffff;
    std::vector<std::uint32_t> values_;
    std::vector<std::uint32_t> where_;
  };

  void wake(Instant now);
  void become_free(std::uint32_t index);
  void become_used(std::uint32_t index);
  [[nodiscard]] std::uint32_t index_of_used(UdpPort port) const;
  [[nodiscard]] UdpPort port_at(std::uint32_t index) const {
    return UdpPort(static_cast<std::uint16_t>(first_ + index));
  }

  std::uint16_t first_ = 0;
  Duration quarantine_;
  std::vector<State> state_;
  IndexSet pairs_;                // pairs of which both ports are free
  IndexSet singles_;              // free ports whose mate is not free
  std::vector<Resting> resting_;  // a ring: quarantine is first in, first out
  std::size_t rest_head_ = 0;
  std::size_t quarantine_count_ = 0;
  std::size_t used_ = 0;
};

}  // namespace causeway::engine
