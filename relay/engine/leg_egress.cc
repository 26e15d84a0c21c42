#include "relay/engine/leg.h"

#include <algorithm>

#include "relay/engine/outbox.h"

namespace causeway::engine {

// To the endpoint: media, repeats, RTCP, digits.

void Leg::send_rtp(Instant now, wire::OpenRtp&& packet, rtp::KeptStreams* kept, Outbox& out) {
  if (!sends(setup_.direction)) return count_drop(DropReason::Paused);
  const auto& to = endpoint_.rtp();
  if (!to) return count_drop(DropReason::NoRemote);
  if (setup_.extensions.says_mid()) say_mid(packet);
  tap(RecordTap::Point::AsSent, packet.bytes(), now, out);
  const std::size_t payload_octets = packet.payload().size();
  if (packet.ssrc() == rtcp_.ssrc()) {
    rtcp_.on_sent(packet.timestamp(), now, streams_.audio().clock_rate(), payload_octets);
  }
  using Form = rtp::KeptStreams::Form;
  const PayloadType type = packet.payload_type();
  const Ssrc ssrc = packet.ssrc();
  const SeqNum seq = packet.seq();
  const bool is_kept = kept != nullptr && setup_.repair.kept.test(type.raw());
  const bool has_rtx = is_kept && setup_.repair.to_endpoint.rtx_of(type).has_value();
  if (has_rtx) kept->put(ssrc, seq, packet.bytes(), Form::Open, now);
  PacketBuf octets = sealed(now, std::move(packet), out);
  if (!octets) return;
  if (is_kept && !has_rtx) kept->put(ssrc, seq, octets.data(), Form::OnTheWire, now);
  ++sent_.packets;
  sent_.octets += octets.size();
  out.transmits.push_back({rtp_port.socket, *to, std::move(octets)});
}

void Leg::say_mid(wire::OpenRtp& packet) const {
  if (setup_.repair.kept.test(packet.payload_type().raw())) {
    const std::uint8_t section = streams_.section_of(packet.ssrc());
    // A section that is gone has no name; its last packets go without.
    const auto& mids = setup_.extensions.video_mids;
    if (section < mids.size()) mids[section].put_into(packet);
  } else if (packet.ssrc() == streams_.audio().ssrc()) {
    setup_.extensions.audio_mid.put_into(packet);
  }
}

PacketBuf Leg::encrypted(Instant now, wire::OpenRtp&& packet, Outbox& out) {
  if (!setup_.sender) {
    count_drop(DropReason::LegNotReady);
    return {};
  }
  auto octets = setup_.sender->seal(std::move(packet));
  if (!octets) {
    count_drop(octets.error());
    return {};
  }
  if (setup_.sender->key_is_low() && !has_said_key_expiring_) {
    has_said_key_expiring_ = true;
    out.events.emplace_back(now, KeyExpiring{handle_});
  }
  return std::move(*octets);
}

void Leg::send_again(Instant now, Ssrc ssrc, SeqNum seq, rtp::KeptStreams& kept, PacketPool& pool,
                     Outbox& out) {
  if (!can_send()) return;
  const auto repeat = kept.repeat(ssrc, seq, now);
  if (!repeat) return;
  PacketBuf octets = pool.take();
  if (!octets) return count_drop(DropReason::PoolEmpty);
  if (repeat->form == rtp::KeptStreams::Form::Open) {
    rtp::RtxSender* const rtx = streams_.rtx_of(ssrc);
    if (rtx == nullptr) return;
    auto packet = rtx->wrap(repeat->octets, setup_.repair.to_endpoint, std::move(octets));
    if (!packet) return;  // its type has been negotiated away
    setup_.extensions.strip_transport_seq(*packet);
    octets = sealed(now, std::move(*packet), out);
    if (!octets) return;
  } else {
    octets.resize(repeat->octets.size());
    std::ranges::copy(repeat->octets, octets.data().begin());
  }
  ++sent_.retransmitted_packets;
  sent_.retransmitted_octets += octets.size();
  out.transmits.push_back({rtp_port.socket, *endpoint_.rtp(), std::move(octets)});
}

void Leg::note_requests(Instant now, Bytes compound) {
  if (!setup_.rtx) return;
  const auto packets = wire::check_rtcp_compound(compound);
  if (!packets) return;
  std::size_t noted = 0;
  rtp::for_each_lost(*packets, [&](Ssrc ssrc, SeqNum seq) {
    if (noted++ < rtp::RtxReceiver::kMostRequests) setup_.rtx->on_request(ssrc, seq, now);
  });
}

void Leg::send_rtcp(PacketBuf packet, Outbox& out) {
  const auto to = endpoint_.rtcp();
  // RFC 3264 8.4: hold stops RTP, RTCP goes on.
  if (!to || setup_.direction == Direction::Inactive) return;
  if (setup_.is_secure) {
    srtp::SrtpSender* const keys = has_rtcp_keys() ? setup_.rtcp_sender.get() : setup_.sender.get();
    if (keys == nullptr) return count_drop(DropReason::LegNotReady);
    auto sealed = keys->seal_rtcp(std::move(packet));
    if (!sealed) return count_drop(sealed.error());
    packet = std::move(*sealed);
  }
  ++sent_.rtcp_packets;
  out.transmits.push_back({way_of_rtcp().socket, *to, std::move(packet)});
}

// -------------------------------------------------------------------------------------- digits

void Leg::make_digit_sender() {
  digits_.reset();
  if (!setup_.telephone_event) return;
  digits_.emplace(*setup_.telephone_event, setup_.audio_clock, std::chrono::milliseconds(20));
}

bool Leg::send_digits(Instant now, std::span<const media::TelephoneEventSender::Digit> digits) {
  if (!digits_ || digits_->room() < digits.size()) return false;
  return std::ranges::all_of(digits,
                             [&](const auto& digit) { return digits_->enqueue(now, digit); });
}

void Leg::play_digits(Instant now, const Means& means, Outbox& out) {
  const bool is_held = !can_send();
  const rtp::OutputStream before = streams_.audio();
  media::Emit emit{means.pool, streams_.audio(), means.sent};
  digits_->handle_timeout(now, emit);
  for (wire::OpenRtp& packet : means.sent) send_rtp(now, std::move(packet), nullptr, out);
  means.sent.clear();
  if (is_held) streams_.audio() = before;
}

}  // namespace causeway::engine
