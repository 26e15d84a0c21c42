#include "control/proto_time.h"

#include <string>

namespace causeway::control {

namespace {

constexpr std::int64_t kNanos = 1'000'000'000;

/// A span in words that people use: `30 s`, `100 ms`.
std::string in_words(Duration span) {
  if (span % std::chrono::seconds(1) == Duration::zero()) {
    return std::to_string(span / std::chrono::seconds(1)) + " s";
  }
  return std::to_string(span / std::chrono::milliseconds(1)) + " ms";
}

}  // namespace

void set(google::protobuf::Duration& out, Duration value) {
  out.set_seconds(value.count() / kNanos);
  out.set_nanos(static_cast<std::int32_t>(value.count() % kNanos));
}

void set(google::protobuf::Timestamp& out, Duration unix_time) {
  out.set_seconds(unix_time.count() / kNanos);
  out.set_nanos(static_cast<std::int32_t>(unix_time.count() % kNanos));
}

void set(v1::SocketAddress& out, const SocketAddress& value) {
  out.set_ip(value.ip.to_string());
  out.set_port(value.port.raw());
}

void set(v1::RtpAddress& out, const std::optional<SocketAddress>& rtp,
         const std::optional<SocketAddress>& rtcp) {
  if (rtp) set(*out.mutable_rtp(), *rtp);
  if (rtcp) set(*out.mutable_rtcp(), *rtcp);
}

Answer<Duration> read_duration(const google::protobuf::Duration& value, const Field& field,
                               Duration min, Duration max) {
  const std::string allowed = in_words(min) + " to " + in_words(max);
  // Half a century is no setting of ours, and fits 64 bits of nanoseconds.
  constexpr std::int64_t kMaxSeconds = std::int64_t{50} * 365 * 86'400;
  const bool is_valid =
      value.seconds() >= -kMaxSeconds && value.seconds() <= kMaxSeconds &&
      value.nanos() > -kNanos && value.nanos() < kNanos &&
      (value.seconds() == 0 || value.nanos() == 0 || (value.seconds() < 0) == (value.nanos() < 0));
  if (!is_valid)
    return failure(invalid(field, "This is no duration; allowed are " + allowed + "."));
  const Duration span(value.seconds() * kNanos + value.nanos());
  if (span < min || span > max) return failure(invalid(field, "Allowed are " + allowed + "."));
  return span;
}

Answer<SocketAddress> read_address(const v1::SocketAddress& value, const Field& field) {
  const Field ip_field{"ip", &field};
  if (value.ip().empty()) return failure(required(ip_field, "An address has an IP address."));
  const auto ip = IpAddress::parse(value.ip());
  if (!ip) {
    return failure(invalid(ip_field, "This is no IPv4 or IPv6 address; names are not looked up."));
  }
  if (ip->is_unspecified() || ip->is_multicast()) {
    return failure(invalid(ip_field, "This address is not that of one host."));
  }
  const Field port_field{"port", &field};
  if (value.port() == 0) return failure(required(port_field, "An address has a port."));
  if (value.port() > 65'535) return failure(invalid(port_field, "A port is 1 to 65535."));
  return SocketAddress{*ip, UdpPort(static_cast<std::uint16_t>(value.port()))};
}

}  // namespace causeway::control
