#pragma once

#include <sys/socket.h>

#include "relay/base/address.h"

namespace causeway::io {

/// Writes `address` as the kernel wants it and returns its length; 0 when there is no address.
[[nodiscard]] socklen_t to_sockaddr(const SocketAddress& address, sockaddr_storage& out);

/// Reads an address of the kernel's; no address where the family is neither IPv4 nor IPv6. The
/// scope of a link-local IPv6 address is not kept.
[[nodiscard]] SocketAddress from_sockaddr(const sockaddr_storage& in);

}  // namespace causeway::io
