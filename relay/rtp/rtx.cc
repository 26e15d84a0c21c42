#include "relay/rtp/rtx.h"

#include <algorithm>

#include "relay/base/check.h"

namespace causeway::rtp {

namespace {

constexpr std::size_t kOsnOctets = 2;  // the original sequence number
constexpr unsigned kPaddingBit = 0x20;

}  // namespace

bool RtxTypes::add(PayloadType rtx, PayloadType apt) {
  const auto known = std::ranges::find(pairs_, rtx, &Pair::rtx);
  if (known != pairs_.end()) {
    known->apt = apt;
    return true;
  }
  if (pairs_.full()) return false;
  pairs_.push_back({rtx, apt});
  return true;
}

std::optional<PayloadType> RtxTypes::rtx_of(PayloadType apt) const {
  const auto known = std::ranges::find(pairs_, apt, &Pair::apt);
  return known == pairs_.end() ? std::nullopt : std::optional(known->rtx);
}

std::optional<PayloadType> RtxTypes::apt_of(PayloadType rtx) const {
  const auto known = std::ranges::find(pairs_, rtx, &Pair::rtx);
  return known == pairs_.end() ? std::nullopt : std::optional(known->apt);
}

std::optional<wire::OpenRtp> RtxSender::wrap(Bytes original, const RtxTypes& types,
                                             PacketBuf buffer) {
  const auto layout = wire::parse_rtp_header(original);
  CAUSEWAY_CHECK(layout.has_value(), "what was kept is an open packet");
  const auto rtx = types.rtx_of(PayloadType(load_u8(&original[1]) & 0x7fU));
  const std::uint8_t first = load_u8(original.data());
  const std::size_t padding = (first & kPaddingBit) == 0 ? 0 : load_u8(&original.back());
  const std::size_t octets = original.size() + kOsnOctets - padding;
  if (!rtx || octets > PacketBuf::kMaxData) return std::nullopt;
  const Bytes header = original.first(layout->header_octets);
  buffer.resize(octets);
  const MutableBytes out = buffer.data();
  std::ranges::copy(header, out.begin());
  store_u8(out.data(), static_cast<std::uint8_t>(first & ~kPaddingBit));
  store_be16(&out[header.size()], load_be16(&original[2]));
  std::ranges::copy(original.subspan(header.size(), original.size() - header.size() - padding),
                    out.subspan(header.size() + kOsnOctets).begin());
  wire::OpenRtp packet = wire::OpenRtp::made_of(std::move(buffer));
  packet.set_payload_type(*rtx);
  packet.set_ssrc(ssrc_);
  packet.set_seq(next_);
  next_ = next_.plus(1);
  return packet;
}

void RtxReceiver::pair(Ssrc original, Ssrc rtx) { add({original, rtx, true}); }

void RtxReceiver::add(const Pair& pair) {
  const auto remove = [&](const Pair* at) {
    // Keeps the order, which is that of age.
    StaticVector<Pair, kMostPairs> kept;
    for (const Pair& known : pairs_) {
      if (&known != at) kept.push_back(known);
    }
    pairs_ = kept;
  };
  const auto known = std::ranges::find(pairs_, pair.rtx, &Pair::rtx);
  if (known != pairs_.end()) {
    *known = pair;
    return;
  }
  if (pairs_.full()) {
    const auto found_out = std::ranges::find(pairs_, false, &Pair::is_signalled);
    remove(found_out == pairs_.end() ? pairs_.begin() : found_out);
  }
  pairs_.push_back(pair);
}

void RtxReceiver::on_request(Ssrc original, SeqNum seq, Instant now) {
  const auto known = std::ranges::find_if(requests_, [&](const Request& request) {
    return request.original == original && request.seq == seq;
  });
  if (known != requests_.end()) {
    known->at = now;
  } else if (!requests_.full()) {
    requests_.push_back({original, seq, now});
  } else {
    requests_[next_request_] = {original, seq, now};
    next_request_ = (next_request_ + 1) % kMostRequests;
  }
}

std::optional<Ssrc> RtxReceiver::original_of(Ssrc rtx) const {
  const auto known = std::ranges::find(pairs_, rtx, &Pair::rtx);
  return known == pairs_.end() ? std::nullopt : std::optional(known->original);
}

std::optional<Ssrc> RtxReceiver::find_out(Ssrc rtx, SeqNum original_seq, Instant now) {
  std::optional<Ssrc> found;
  for (const Request& request : requests_) {
    if (request.seq != original_seq || now - request.at > kRequestLife) continue;
    if (found && *found != request.original) return std::nullopt;
    found = request.original;
  }
  if (found) add({*found, rtx, false});
  return found;
}

Result<wire::OpenRtp, DropReason> RtxReceiver::unwrap(wire::OpenRtp packet, Instant now) {
  const auto type = types_.apt_of(packet.payload_type());
  if (!type) return failure(DropReason::UnknownPayloadType);
  if (packet.payload().empty()) return failure(DropReason::Probe);
  if (packet.payload().size() < kOsnOctets) return failure(DropReason::BadPayload);
  const SeqNum seq(load_be16(packet.payload().data()));
  auto original = original_of(packet.ssrc());
  if (!original) original = find_out(packet.ssrc(), seq, now);
  if (!original) return failure(DropReason::NoPath);
  packet.trim_payload_front(kOsnOctets);
  packet.set_payload_type(*type);
  packet.set_ssrc(*original);
  packet.set_seq(seq);
  return packet;
}

}  // namespace causeway::rtp
