#include "relay/engine/port_table.h"

#include "relay/base/check.h"

namespace causeway::engine {

namespace {

std::size_t whole_pairs(UdpPort first, UdpPort last) {
  const unsigned from = (first.raw() + 1U) & ~1U;
  const unsigned to = (last.raw() + 1U) & ~1U;
  return to > from ? (to - from) / 2 : 0;
}

}  // namespace

PortTable::IndexSet::IndexSet(std::size_t bound) : where_(bound, kAbsent) {
  values_.reserve(bound);
}

void PortTable::IndexSet::add(std::uint32_t value) {
  where_[value] = static_cast<std::uint32_t>(values_.size());
  values_.push_back(value);
}

void PortTable::IndexSet::remove(std::uint32_t value) {
  const std::uint32_t hole = where_[value];
  values_[hole] = values_.back();
  where_[values_[hole]] = hole;
  values_.pop_back();
  where_[value] = kAbsent;
}

PortTable::PortTable(UdpPort first, UdpPort last, Duration quarantine)
    : first_(static_cast<std::uint16_t>((first.raw() + 1U) & ~1U)),
      quarantine_(quarantine),
      state_(2 * whole_pairs(first, last), State::Free),
      pairs_(state_.size() / 2),
      singles_(state_.size()),
      resting_(state_.size()) {
  for (std::uint32_t pair = 0; pair < state_.size() / 2; ++pair) pairs_.add(pair);
}

std::optional<UdpPort> PortTable::allocate_pair(Instant now, Random& random) {
  wake(now);
  if (pairs_.empty()) return std::nullopt;
  const std::uint32_t pair = pairs_.pick(random);
  become_used(2 * pair);
  become_used(2 * pair + 1);
  return port_at(2 * pair);
}

std::optional<UdpPort> PortTable::allocate_one(Instant now, Random& random) {
  wake(now);
  std::uint32_t index = 0;
  if (!singles_.empty()) {
    index = singles_.pick(random);
  } else if (!pairs_.empty()) {
    index = 2 * pairs_.pick(random);
  } else {
    return std::nullopt;
  }
  become_used(index);
  return port_at(index);
}

bool PortTable::has_room(Instant now, std::size_t pairs, std::size_t singles) {
  wake(now);
  const std::size_t split = singles > singles_.size() ? (singles - singles_.size() + 1) / 2 : 0;
  return pairs + split <= pairs_.size();
}

bool PortTable::claim(Instant now, UdpPort port) {
  wake(now);
  const std::uint32_t index = static_cast<std::uint32_t>(port.raw()) - first_;
  if (port.raw() < first_ || index >= state_.size() || state_[index] != State::Free) return false;
  become_used(index);
  return true;
}

std::uint32_t PortTable::index_of_used(UdpPort port) const {
  const std::uint32_t index = static_cast<std::uint32_t>(port.raw()) - first_;
  CAUSEWAY_CHECK(index < state_.size() && state_[index] == State::Used, "releases a used port");
  return index;
}

void PortTable::put_back(UdpPort port) {
  const std::uint32_t index = index_of_used(port);
  --used_;
  become_free(index);
}

void PortTable::release(Instant now, UdpPort port) {
  const std::uint32_t index = index_of_used(port);
  state_[index] = State::Quarantined;
  --used_;
  resting_[(rest_head_ + quarantine_count_) % resting_.size()] = {now + quarantine_, index};
  ++quarantine_count_;
}

void PortTable::wake(Instant now) {
  while (quarantine_count_ > 0 && resting_[rest_head_].until <= now) {
    const std::uint32_t index = resting_[rest_head_].index;
    rest_head_ = (rest_head_ + 1) % resting_.size();
    --quarantine_count_;
    become_free(index);
  }
}

void PortTable::become_free(std::uint32_t index) {
  state_[index] = State::Free;
  const std::uint32_t mate = index ^ 1U;
  if (state_[mate] == State::Free) {
    singles_.remove(mate);
    pairs_.add(index / 2);
  } else {
    singles_.add(index);
  }
}

void PortTable::become_used(std::uint32_t index) {
  state_[index] = State::Used;
  ++used_;
  const std::uint32_t mate = index ^ 1U;
  if (state_[mate] == State::Free) {
    pairs_.remove(index / 2);
    singles_.add(mate);
  } else {
    singles_.remove(index);
  }
}

}  // namespace causeway::engine
