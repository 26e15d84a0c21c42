#include "relay/wire/rtp.h"

#include <algorithm>

namespace causeway::wire {

Result<RtpLayout, DropReason> parse_rtp_header(Bytes packet) {
  if (packet.size() < kRtpFixedHeaderOctets) return failure(DropReason::Truncated);
  const unsigned first = load_u8(packet.data());
  if ((first >> 6) != 2) return failure(DropReason::BadVersion);
  std::size_t at = kRtpFixedHeaderOctets + std::size_t{4} * (first & 0x0fU);
  RtpLayout layout;
  if ((first & 0x10U) != 0) {
    if (packet.size() < at + 4) return failure(DropReason::BadHeader);
    layout.extension_offset = static_cast<std::uint16_t>(at + 4);
    const std::size_t octets = std::size_t{4} * load_be16(&packet[at + 2]);
    at += 4 + octets;
    if (packet.size() < at) return failure(DropReason::BadHeader);
    layout.extension_octets = static_cast<std::uint16_t>(octets);
  }
  if (packet.size() < at) return failure(DropReason::BadHeader);
  layout.header_octets = static_cast<std::uint16_t>(at);
  return layout;
}

Result<SealedRtp, DropReason> SealedRtp::parse(PacketBuf&& packet) {
  const auto layout = parse_rtp_header(packet.data());
  if (!layout) return failure(layout.error());
  return SealedRtp(std::move(packet), *layout);
}

Result<OpenRtp, DropReason> OpenRtp::from_opened(SealedRtp&& opened) {
  RtpLayout layout = opened.layout_;
  const Bytes bytes = opened.bytes();
  if ((load_u8(bytes.data()) & 0x20U) != 0) {
    if (bytes.size() == layout.header_octets) return failure(DropReason::BadHeader);
    layout.padding_octets = load_u8(&bytes[bytes.size() - 1]);
    if (layout.padding_octets == 0 || layout.padding_octets > bytes.size() - layout.header_octets) {
      return failure(DropReason::BadHeader);
    }
  }
  return OpenRtp(std::move(opened.packet_), layout);
}

OpenRtp OpenRtp::make(PacketBuf buffer, PayloadType type, bool marker, SeqNum seq,
                      RtpTimestamp timestamp, Ssrc ssrc, Bytes payload) {
  CAUSEWAY_CHECK(payload.size() <= PacketBuf::kMaxData - kRtpFixedHeaderOctets,
                 "a payload of ours fits a packet");
  buffer.resize(kRtpFixedHeaderOctets + payload.size());
  OpenRtp packet(std::move(buffer), RtpLayout{});
  const MutableBytes out = packet.packet_.data();
  out[0] = std::byte{0x80};
  out[1] = std::byte{type.raw()};
  packet.set_marker(marker);
  packet.set_seq(seq);
  packet.set_timestamp(timestamp);
  packet.set_ssrc(ssrc);
  std::ranges::copy(payload, out.begin() + kRtpFixedHeaderOctets);
  return packet;
}

OpenRtp OpenRtp::made_of(PacketBuf octets) {
  const auto layout = parse_rtp_header(octets.data());
  CAUSEWAY_CHECK(layout.has_value(), "a packet of ours has a header");
  auto packet = from_opened(SealedRtp(std::move(octets), *layout));
  CAUSEWAY_CHECK(packet.has_value(), "a packet of ours has the padding that it says");
  return std::move(*packet);
}

void OpenRtp::move_header(std::size_t kept, std::ptrdiff_t octets) {
  if (octets > 0) packet_.move_front(-octets);
  const auto begin = packet_.data().begin();
  const auto size = static_cast<std::ptrdiff_t>(kept);
  if (octets > 0) {
    std::copy(begin + octets, begin + octets + size, begin);
  } else if (octets < 0) {
    std::copy_backward(begin, begin + size, begin - octets + size);
    packet_.move_front(-octets);
  }
}

bool OpenRtp::set_extension(std::uint16_t profile, Bytes body) {
  CAUSEWAY_CHECK(body.size() % 4 == 0, "a header extension is of whole words");
  const std::size_t before = octets_before_extension();
  const std::size_t header = before + 4 + body.size();
  const auto growth =
      static_cast<std::ptrdiff_t>(header) - static_cast<std::ptrdiff_t>(layout_.header_octets);
  if (growth > static_cast<std::ptrdiff_t>(packet_.head_room())) return false;
  move_header(before, growth);
  const MutableBytes out = packet_.data();
  out[0] |= std::byte{0x10};
  store_be16(&out[before], profile);
  store_be16(&out[before + 2], static_cast<std::uint16_t>(body.size() / 4));
  std::ranges::copy(body, out.begin() + static_cast<std::ptrdiff_t>(before + 4));
  layout_.header_octets = static_cast<std::uint16_t>(header);
  layout_.extension_offset = static_cast<std::uint16_t>(before + 4);
  layout_.extension_octets = static_cast<std::uint16_t>(body.size());
  return true;
}

void OpenRtp::remove_extension() {
  if (layout_.extension_offset == 0) return;
  const std::size_t before = octets_before_extension();
  move_header(before, static_cast<std::ptrdiff_t>(before) - layout_.header_octets);
  packet_.data()[0] &= std::byte{0xef};
  layout_.header_octets = static_cast<std::uint16_t>(before);
  layout_.extension_offset = layout_.extension_octets = 0;
}

void OpenRtp::trim_payload_front(std::size_t octets) {
  CAUSEWAY_CHECK(octets <= payload().size(), "no more than there is");
  move_header(layout_.header_octets, -static_cast<std::ptrdiff_t>(octets));
}

OpenRtp OpenRtp::clone(PacketPool& pool) const {
  PacketBuf copy = pool.take();
  if (!copy) return {};
  copy.resize(size());
  std::ranges::copy(bytes(), copy.data().begin());
  return OpenRtp(std::move(copy), layout_);
}

Result<OpenRtp, DropReason> open_plain(SealedRtp&& sealed) {
  return OpenRtp::from_opened(std::move(sealed));
}

}  // namespace causeway::wire
