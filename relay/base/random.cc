#include "relay/base/random.h"

#include "relay/base/sip_hash.h"

namespace causeway {

std::uint64_t Random::next() { return sip_hash(key_, counter_++); }

}  // namespace causeway
