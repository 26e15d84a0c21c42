#include "control/translate_address.h"

#include "control/proto_time.h"

namespace causeway::control {

namespace {

using engine::AcceptFrom;
using std::chrono::hours;
using std::chrono::seconds;

constexpr std::uint32_t kMaxLatchPackets = 100;

Answer<AcceptFrom> read_exact(const v1::AcceptExact& exact, const Field& field) {
  AcceptFrom accept;
  if (!exact.has_source()) return accept;
  const auto source = read_rtp_address(exact.source(), Field{"source", &field});
  if (!source) return failure(source.error());
  accept.source_rtp = source->rtp;
  accept.source_rtcp = source->rtcp;
  return accept;
}

/// `cidrs` of `message` into `accept`.
template <typename Message>
Answer<void> read_networks(const Message& message, const Field& field, AcceptFrom& accept) {
  if (static_cast<std::size_t>(message.cidrs_size()) > AcceptFrom::kMaxCidrs) {
    return failure(invalid(Field{"cidrs", &field}, "At most 16 networks."));
  }
  for (int i = 0; i < message.cidrs_size(); ++i) {
    const auto cidr = Cidr::parse(message.cidrs(i));
    if (!cidr) {
      return failure(
          invalid(Field{"cidrs", &field, i},
                  "A network is like 198.51.100.0/24 or 2001:db8::/32, its host bits zero."));
    }
    accept.cidrs.push_back(*cidr);
  }
  return {};
}

Answer<AcceptFrom> read_cidrs(const v1::AcceptCidrs& cidrs, const Field& field) {
  AcceptFrom accept;
  accept.rule = AcceptFrom::Rule::Cidrs;
  if (cidrs.cidrs().empty()) {
    return failure(required(Field{"cidrs", &field}, "At least one network."));
  }
  if (auto done = read_networks(cidrs, field, accept); !done) {
    return failure(std::move(done).error());
  }
  return accept;
}

Answer<AcceptFrom> read_latch(const v1::AcceptLatch& latch, const Field& field) {
  AcceptFrom accept;
  accept.rule = AcceptFrom::Rule::Latch;
  if (auto done = read_networks(latch, field, accept); !done) {
    return failure(std::move(done).error());
  }
  if (latch.packets() > kMaxLatchPackets) {
    return failure(invalid(Field{"packets", &field}, "1 to 100 packets."));
  }
  if (latch.packets() != 0) accept.latch_packets = static_cast<std::uint8_t>(latch.packets());
  if (latch.has_window()) {
    const auto window =
        read_duration(latch.window(), Field{"window", &field}, seconds(1), hours(1));
    if (!window) return failure(window.error());
    accept.latch_window = *window;
  }
  return accept;
}

}  // namespace

Answer<RtpAddresses> read_rtp_address(const v1::RtpAddress& address, const Field& field) {
  const Field rtp_field{"rtp", &field};
  if (!address.has_rtp()) return failure(required(rtp_field, "Where RTP is has to be said."));
  const auto rtp = read_address(address.rtp(), rtp_field);
  if (!rtp) return failure(rtp.error());
  RtpAddresses addresses{*rtp, std::nullopt};
  if (address.has_rtcp()) {
    const auto rtcp = read_address(address.rtcp(), Field{"rtcp", &field});
    if (!rtcp) return failure(rtcp.error());
    addresses.rtcp = *rtcp;
  }
  return addresses;
}

Answer<AcceptFrom> translate_accept_from(const v1::AcceptFrom& accept, const Field& field) {
  switch (accept.rule_case()) {
    case v1::AcceptFrom::RULE_NOT_SET:
      return AcceptFrom{};
    case v1::AcceptFrom::kExact:
      return read_exact(accept.exact(), Field{"exact", &field});
    case v1::AcceptFrom::kSameIp: {
      AcceptFrom same_ip;
      same_ip.rule = AcceptFrom::Rule::SameIp;
      return same_ip;
    }
    case v1::AcceptFrom::kCidrs:
      return read_cidrs(accept.cidrs(), Field{"cidrs", &field});
    case v1::AcceptFrom::kLatch:
      return read_latch(accept.latch(), Field{"latch", &field});
  }
  return AcceptFrom{};
}

}  // namespace causeway::control
