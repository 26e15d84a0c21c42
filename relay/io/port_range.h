#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "relay/base/result.h"
#include "relay/base/types.h"

namespace causeway::io {

/// The UDP ports first..last.
struct PortRange {
  UdpPort first;
  UdpPort last;

  [[nodiscard]] bool contains(const PortRange& other) const {
    return first <= other.first && other.last <= last;
  }
  friend bool operator==(const PortRange&, const PortRange&) = default;
};

/// Which ports the system gives to whoever asks for any port (outgoing connections, port 0).
struct SystemPorts {
  std::optional<PortRange> ephemeral;  ///< net.ipv4.ip_local_port_range; nothing: unknown.
  std::vector<PortRange> reserved;     ///< net.ipv4.ip_local_reserved_ports: never given that way.
};

/// `32768	60999`, the text of ip_local_port_range.
[[nodiscard]] std::optional<PortRange> parse_ephemeral_ports(std::string_view text);
/// `8080,20000-29999`, the text of ip_local_reserved_ports. What does not parse is left out.
[[nodiscard]] std::vector<PortRange> parse_reserved_ports(std::string_view text);
/// Reads both from /proc; also for IPv6, which shares them.
[[nodiscard]] SystemPorts read_system_ports();

/// Whether `media` can serve as a range of media ports: at least one pair, no privileged port, and
/// none that the system may give to another program meanwhile. A call would then fail at random.
/// The error (PORT_RANGE_INVALID, PORT_RANGE_OVERLAP) says what to change.
[[nodiscard]] Result<void, Error> check_port_range(const PortRange& media,
                                                   const SystemPorts& system);

}  // namespace causeway::io
