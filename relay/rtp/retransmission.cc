#include "relay/rtp/retransmission.h"

#include <algorithm>

#include "relay/base/check.h"

namespace causeway::rtp {

RetransmissionBuffer::RetransmissionBuffer(const RetransmissionLimits& limits)
    : limits_(limits), slots_(limits.packets), octets_(limits.packets * limits.octets) {
  CAUSEWAY_CHECK(limits.packets > 0 && limits.packets < 0x8000 && limits.octets <= 0xffff,
                 "a retransmission buffer of a sensible size");
}

void RetransmissionBuffer::put(SeqNum seq, Bytes octets, Instant now) {
  saved_ = std::min(saved_ + octets.size() / kShare, kMostSaved);
  Slot& slot = slots_[index(seq)];
  // A packet that was overtaken takes no newer one's place.
  if (slot.octets != 0 && slot.seq.distance_from(seq) > 0 && now - slot.sent_at < limits_.longest) {
    return;
  }
  slot = Slot{.sent_at = now, .repeated_at = now, .octets = 0, .seq = seq, .repeats = 0};
  if (octets.size() > limits_.octets) {
    ++counters_.too_large;
    return;
  }
  slot.octets = static_cast<std::uint16_t>(octets.size());
  std::ranges::copy(octets,
                    octets_.begin() + static_cast<std::ptrdiff_t>(index(seq) * limits_.octets));
}

bool RetransmissionBuffer::holds(SeqNum seq, Instant now) const {
  const Slot& slot = slots_[index(seq)];
  return slot.octets != 0 && slot.seq == seq && now - slot.sent_at < limits_.longest;
}

std::optional<Bytes> RetransmissionBuffer::repeat(SeqNum seq, Instant now) {
  if (!holds(seq, now)) return std::nullopt;
  Slot& slot = slots_[index(seq)];
  const bool is_too_soon = slot.repeats != 0 && now - slot.repeated_at < limits_.spacing;
  if (is_too_soon || slot.repeats >= limits_.repeats || slot.octets > saved_) {
    ++counters_.refused;
    return std::nullopt;
  }
  saved_ -= slot.octets;
  ++slot.repeats;
  slot.repeated_at = now;
  ++counters_.repeated;
  return Bytes(octets_).subspan(index(seq) * limits_.octets, slot.octets);
}

void RetransmissionBuffer::clear() {
  for (Slot& slot : slots_) slot.octets = 0;
}

}  // namespace causeway::rtp
