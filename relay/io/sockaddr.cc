#include "relay/io/sockaddr.h"

#include <netinet/in.h>

#include <array>
#include <cstring>

namespace causeway::io {

// The kernel's structures are filled and read as octets: no aliasing, no alignment to think of.

socklen_t to_sockaddr(const SocketAddress& address, sockaddr_storage& out) {
  if (address.ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port.raw());
    std::memcpy(&v4.sin_addr, address.ip.octets().data(), sizeof v4.sin_addr);
    std::memcpy(&out, &v4, sizeof v4);
    return sizeof v4;
  }
  if (address.ip.is_v6()) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port.raw());
    std::memcpy(&v6.sin6_addr, address.ip.octets().data(), sizeof v6.sin6_addr);
    std::memcpy(&out, &v6, sizeof v6);
    return sizeof v6;
  }
  return 0;
}

SocketAddress from_sockaddr(const sockaddr_storage& in) {
  if (in.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &in, sizeof v4);
    return {IpAddress::v4(ntohl(v4.sin_addr.s_addr)), UdpPort(ntohs(v4.sin_port))};
  }
  if (in.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &in, sizeof v6);
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), &v6.sin6_addr, octets.size());
    return {IpAddress::v6(octets), UdpPort(ntohs(v6.sin6_port))};
  }
  return {};
}

}  // namespace causeway::io
