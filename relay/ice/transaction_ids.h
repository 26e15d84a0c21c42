#pragma once

#include <cstdint>
#include <optional>

#include "relay/base/random.h"
#include "relay/base/sip_hash.h"
#include "relay/wire/stun.h"

namespace causeway::ice {

/// Makes the transaction ids of one agent: 96 random bits (RFC 8489 5). Where several agents share
/// a port each id also names its agent's place among them, so that an answer finds its way; who
/// lacks the key sees random bits all the same.
///
///     | r: 64 random bits | place ^ the lower half of SipHash(key, r) |
class TransactionIds {
 public:
  /// Of an agent that has its port for itself.
  TransactionIds() = default;
  TransactionIds(const SipKey& key, std::uint32_t place) : shared_(Shared{key, place}) {}

  [[nodiscard]] wire::StunTransaction make(Random& random) const {
    wire::StunTransaction id;
    store_be64(id.data(), random.next());
    store_be32(&id[8], shared_ ? shared_->place ^ mask_of(id, shared_->key)
                               : static_cast<std::uint32_t>(random.next()));
    return id;
  }
  /// The place in an id that was made with this key; in any other a number of no meaning.
  [[nodiscard]] static std::uint32_t place_in(const wire::StunTransaction& id, const SipKey& key) {
    return load_be32(&id[8]) ^ mask_of(id, key);
  }

 private:
  struct Shared {
    SipKey key;
    std::uint32_t place;
  };
  [[nodiscard]] static std::uint32_t mask_of(const wire::StunTransaction& id, const SipKey& key) {
    return static_cast<std::uint32_t>(sip_hash(key, load_be64(id.data())));
  }

  std::optional<Shared> shared_;
};

}  // namespace causeway::ice
