#pragma once

#include <algorithm>

#include "relay/base/packet_buf.h"
#include "relay/srtp/rules.h"

namespace causeway::srtp {

/// Where the master key identifier stands in a packet: before the last `after` octets, which are
/// the tag, or at the very end with AEAD (RFC 3711 3.1, RFC 7714 7.2). Taking it out and putting it
/// in here keeps it out of the transforms.
///
///     ... | MKI | after         <->        ... | after
template <typename R = Rules>
class MkiPlace {
 public:
  constexpr MkiPlace(std::size_t mki_octets, std::size_t tag_octets, bool is_aead)
      : octets_(mki_octets), after_(is_aead || !R::kMkiPrecedesTag ? 0 : tag_octets) {}

  /// The MKI in `packet`. REQUIRES: packet.size() >= MKI and tag.
  [[nodiscard]] Bytes find(Bytes packet) const {
    return packet.subspan(packet.size() - after_ - octets_, octets_);
  }
  void take_out(PacketBuf& packet) const {
    const MutableBytes tail = packet.data().last(after_ + octets_);
    std::copy(tail.begin() + static_cast<std::ptrdiff_t>(octets_), tail.end(), tail.begin());
    packet.resize(packet.size() - octets_);
  }
  /// REQUIRES: mki has the octets given above, packet.tail_room() >= mki.size().
  void put_in(PacketBuf& packet, Bytes mki) const {
    packet.resize(packet.size() + octets_);
    const MutableBytes tail = packet.data().last(after_ + octets_);
    std::copy_backward(tail.begin(), tail.begin() + static_cast<std::ptrdiff_t>(after_),
                       tail.end());
    std::ranges::copy(mki, tail.begin());
  }

 private:
  std::size_t octets_;
  std::size_t after_;
};

}  // namespace causeway::srtp
