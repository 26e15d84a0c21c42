#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace causeway::engine {

/// Numbers found by 64-bit keys in O(1): open addressing, probed one by one, never more than half
/// full. The keys are hashes under a secret key, so they are spread evenly, whoever chose what was
/// hashed. Nothing allocates after construction. Single-threaded.
class KeyTable {
 public:
  /// Room for `most` keys.
  explicit KeyTable(std::size_t most);

  /// The number that was put under this key.
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t key) const;
  /// In the place of the one before, where there is one. REQUIRES: a known key, or size() < most.
  void put(std::uint64_t key, std::uint32_t value);
  /// A key that is not there is ignored.
  void remove(std::uint64_t key);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t value = 0;
    bool is_used = false;
  };
  /// Where the key stands, or would be put.
  [[nodiscard]] std::size_t place_of(std::uint64_t key) const;

  std::size_t most_;
  std::vector<Entry> entries_;  // a power of two of them
  std::size_t size_ = 0;
};

}  // namespace causeway::engine
