#include "relay/engine/key_table.h"

#include <bit>

#include "relay/base/check.h"

namespace causeway::engine {

KeyTable::KeyTable(std::size_t most) : most_(most), entries_(std::bit_ceil(2 * most + 1)) {}

std::size_t KeyTable::place_of(std::uint64_t key) const {
  const std::size_t mask = entries_.size() - 1;
  std::size_t at = key & mask;
  while (entries_[at].is_used && entries_[at].key != key) at = (at + 1) & mask;
  return at;
}

std::optional<std::uint32_t> KeyTable::find(std::uint64_t key) const {
  const Entry& entry = entries_[place_of(key)];
  return entry.is_used ? std::optional(entry.value) : std::nullopt;
}

void KeyTable::put(std::uint64_t key, std::uint32_t value) {
  Entry& entry = entries_[place_of(key)];
  if (!entry.is_used) {
    CAUSEWAY_CHECK(size_ < most_, "a table has room for what is put into it");
    ++size_;
  }
  entry = {key, value, true};
}

/// The entries behind it that were pushed on move up, so that no search ends at the hole.
void KeyTable::remove(std::uint64_t key) {
  const std::size_t mask = entries_.size() - 1;
  std::size_t hole = place_of(key);
  if (!entries_[hole].is_used) return;
  --size_;
  for (std::size_t at = (hole + 1) & mask; entries_[at].is_used; at = (at + 1) & mask) {
    const std::size_t home = entries_[at].key & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;  // it stands between hole and here
    entries_[hole] = entries_[at];
    hole = at;
  }
  entries_[hole] = {};
}

}  // namespace causeway::engine
