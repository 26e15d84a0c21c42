#include "relay/base/packet_buf.h"

namespace causeway {

PacketPool::PacketPool(std::size_t packets)
    // Not make_unique: it would clear four hundred bytes of every kilobyte twice.
    : slots_(new PacketBuf::Slot[packets]), size_(packets) {
  for (std::size_t i = packets; i-- > 0;) {
    slots_[i].pool = this;
    give_back(&slots_[i]);
  }
}

PacketPool::~PacketPool() { CAUSEWAY_CHECK(available_ == size_, "a packet outlives its pool"); }

}  // namespace causeway
