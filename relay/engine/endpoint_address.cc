#include "relay/engine/endpoint_address.h"

#include <utility>

namespace causeway::engine {

namespace {

std::optional<SocketAddress> port_above(std::optional<SocketAddress> address) {
  if (address) address->port = UdpPort(static_cast<std::uint16_t>(address->port.raw() + 1));
  return address;
}

DropReason refusal(const SourceFilter& filter) {
  return filter.learned() ? DropReason::UnexpectedSource : DropReason::NotLatched;
}

Result<bool, DropReason> answer(SourceFilter::Verdict verdict, const SourceFilter& filter) {
  if (verdict == SourceFilter::Verdict::Reject) return failure(refusal(filter));
  return verdict == SourceFilter::Verdict::AcceptAndLearned;
}

}  // namespace

void EndpointAddress::start(Instant now) {
  arm(now);
  if (setup_.ice) setup_.ice->start(now);
}

void EndpointAddress::set_secure(bool is_secure, Instant now) {
  if (setup_.is_secure == is_secure) return;
  setup_.is_secure = is_secure;
  arm(now);
}

/// Whom the endpoint's packets are expected from: a source of its own where one was named, else
/// the address we send to. RTCP comes from the next higher port unless said (RFC 3550 section 11).
void EndpointAddress::arm(Instant now) {
  const AcceptFrom& accept = setup_.accept_from;
  const auto rtp = accept.source_rtp ? accept.source_rtp : setup_.remote_rtp;
  auto rtcp = accept.source_rtcp;
  if (!rtcp) rtcp = accept.source_rtp ? port_above(rtp) : signalled_rtcp();
  rtp_.arm(accept, rtp, setup_.is_secure, now);
  rtcp_.arm(accept, rtcp, setup_.is_secure, now);
}

void EndpointAddress::change(std::optional<std::optional<SocketAddress>>& remote_rtp,
                             std::optional<std::optional<SocketAddress>>& remote_rtcp,
                             std::optional<AcceptFrom>& accept_from, Instant now) {
  if (!remote_rtp && !remote_rtcp && !accept_from) return;
  if (remote_rtp) std::swap(setup_.remote_rtp, *remote_rtp);
  if (remote_rtcp) std::swap(setup_.remote_rtcp, *remote_rtcp);
  if (accept_from) std::swap(setup_.accept_from, *accept_from);
  arm(now);
}

Result<bool, DropReason> EndpointAddress::on_rtp(Instant now, const SourceFilter::Seen& seen) {
  if (setup_.ice) {
    setup_.ice->note_authentic(now, seen.from);
    return false;
  }
  return answer(rtp_.on_authentic(now, seen), rtp_);
}

Result<bool, DropReason> EndpointAddress::on_rtcp(Instant now, const SocketAddress& from) {
  if (!setup_.has_rtcp_mux) return answer(rtcp_.on_authentic_rtcp(now, from, rtp_), rtcp_);
  if (setup_.ice) {
    setup_.ice->note_authentic(now, from);
    return false;
  }
  // On the shared port RTP does the learning; RTCP is only heard from whom RTP has found.
  if (rtp_.is_latching() && rtp_.learned() != from) return failure(refusal(rtp_));
  return false;
}

std::optional<SocketAddress> EndpointAddress::rtcp() const {
  if (setup_.has_rtcp_mux) return rtp();
  return rtcp_.learned() ? rtcp_.learned() : signalled_rtcp();
}

std::optional<SocketAddress> EndpointAddress::signalled_rtcp() const {
  return setup_.remote_rtcp ? setup_.remote_rtcp : port_above(setup_.remote_rtp);
}

void EndpointAddress::restore(const std::optional<SocketAddress>& learned_rtp,
                              const std::optional<SocketAddress>& learned_rtcp, Instant now) {
  if (learned_rtp) rtp_.restore_learned(*learned_rtp, Ssrc(0), SeqNum(0), now);
  if (learned_rtcp) rtcp_.restore_learned(*learned_rtcp, Ssrc(0), SeqNum(0), now);
}

}  // namespace causeway::engine
