#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "relay/srtp/options.h"

namespace causeway::srtp {

/// The SSRCs of one direction: a few live ones, each with an `Entry`, and what has to be known
/// about those that were live before. Allocates in its constructor only.
///
/// Entry: clear(), StreamIndex position() const (without SSRC), restore(const StreamIndex&).
template <typename Entry>
class StreamTable {
 public:
  /// How many SSRCs that are not live any more are remembered.
  static constexpr std::size_t kPast = 32;

  /// An SSRC that is not live: where it stood, and under which key. Packed: there are many.
  struct Past {
    Past(const StreamIndex& at, bool under_earlier_key)
        : rtp_index(at.rtp_index),
          ssrc(at.ssrc),
          srtcp_index(at.srtcp_index),
          has_rtp(at.has_rtp),
          has_srtcp(at.has_srtcp),
          is_of_earlier_key(under_earlier_key) {}

    [[nodiscard]] StreamIndex at() const {
      return {.ssrc = ssrc,
              .rtp_index = rtp_index,
              .srtcp_index = srtcp_index,
              .has_rtp = has_rtp,
              .has_srtcp = has_srtcp};
    }

    std::uint64_t rtp_index;
    Ssrc ssrc;
    std::uint32_t srtcp_index;
    bool has_rtp;
    bool has_srtcp;
    /// These indices were used under an earlier key only: they say where to expect the SSRC, and
    /// are not spent.
    bool is_of_earlier_key;
  };

  StreamTable(std::size_t max_live, const Entry& blank) : slots_(max_live, Slot{blank}) {
    past_.reserve(kPast);
  }

  /// The live entry of `ssrc`, or null. Looking is no use: see touch().
  [[nodiscard]] Entry* find(Ssrc ssrc) {
    Slot* const slot = find_slot(ssrc);
    return slot == nullptr ? nullptr : &slot->entry;
  }
  /// A packet of `ssrc` was authentic, or sealed: it is the most recently used one.
  void touch(Ssrc ssrc) {
    if (Slot* const slot = find_slot(ssrc)) slot->used_at = ++uses_;
  }
  /// What is remembered of an SSRC that is not live, or is live without RTP; or null.
  [[nodiscard]] const Past* find_past(Ssrc ssrc) const {
    const auto found = std::ranges::find(past_, ssrc, &Past::ssrc);
    return found == past_.end() ? nullptr : &*found;
  }

  /// Whether `ssrc` can be added without forgetting another one for good.
  [[nodiscard]] bool has_room_for(Ssrc ssrc) const {
    return past_.size() < kPast || find_past(ssrc) != nullptr ||
           std::ranges::any_of(slots_, [](const Slot& slot) { return !slot.is_live; });
  }

  struct Added {
    Entry& entry;
    std::optional<Ssrc> replaced;
  };
  /// Makes `ssrc` live, replacing the least recently used one if need be. Where it was live under
  /// this key before, it goes on from there. REQUIRES: find(ssrc) == nullptr.
  Added add(Ssrc ssrc) {
    Slot& slot = *std::ranges::min_element(slots_, {},
                                           [](const Slot& s) { return s.is_live ? s.used_at : 0; });
    std::optional<StreamIndex> goes_on;
    if (const Past* const past = find_past(ssrc); past != nullptr && !past->is_of_earlier_key) {
      goes_on = past->at();
      forget_past(ssrc);
    }
    std::optional<Ssrc> replaced;
    if (slot.is_live) {
      replaced = slot.ssrc;
      remember({position_of(slot), false});
    }
    slot.ssrc = ssrc;
    slot.is_live = true;
    slot.used_at = ++uses_;
    slot.entry.clear();
    if (goes_on) slot.entry.restore(*goes_on);
    return {slot.entry, replaced};
  }
  void forget_past(Ssrc ssrc) {
    std::erase_if(past_, [&](const Past& p) { return p.ssrc == ssrc; });
  }
  /// Remembers where every SSRC of `earlier`, a table of a key that is replaced by this one's,
  /// stood.
  void expect_all_of(const StreamTable& earlier) {
    for (const Past& past : earlier.past_) remember({past.at(), true});
    for (const Slot& slot : earlier.slots_) {
      if (slot.is_live) remember({position_of(slot), true});
    }
  }
  void forget_all_past() { past_.clear(); }

  [[nodiscard]] std::size_t size() const {
    return static_cast<std::size_t>(std::ranges::count_if(slots_, &Slot::is_live));
  }
  /// REQUIRES: i < size().
  [[nodiscard]] StreamIndex position(std::size_t i) const {
    auto slot = slots_.begin();
    while (!slot->is_live || i-- > 0) ++slot;
    return position_of(*slot);
  }
  /// Calls `act` with every live SSRC and its entry.
  template <typename F>
  void for_each(F act) {
    for (Slot& slot : slots_) {
      if (slot.is_live) act(slot.ssrc, slot.entry);
    }
  }
  [[nodiscard]] std::size_t capacity() const { return slots_.size(); }

 private:
  struct Slot {
    Entry entry;
    Ssrc ssrc{};
    bool is_live = false;
    std::uint64_t used_at = 0;
  };

  [[nodiscard]] static StreamIndex position_of(const Slot& slot) {
    StreamIndex at = slot.entry.position();
    at.ssrc = slot.ssrc;
    return at;
  }
  [[nodiscard]] Slot* find_slot(Ssrc ssrc) {
    if (slots_[last_found_].is_live && slots_[last_found_].ssrc == ssrc) [[likely]] {
      return &slots_[last_found_];
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].is_live || slots_[i].ssrc != ssrc) continue;
      last_found_ = i;
      return &slots_[i];
    }
    return nullptr;
  }
  // Full, the oldest is given up: a sender asks has_room_for() before it comes to that.
  void remember(const Past& past) {
    forget_past(past.ssrc);
    if (past_.size() == kPast) past_.erase(past_.begin());
    past_.push_back(past);
  }

  std::vector<Slot> slots_;
  std::vector<Past> past_;
  std::size_t last_found_ = 0;
  std::uint64_t uses_ = 0;
};

}  // namespace causeway::srtp
