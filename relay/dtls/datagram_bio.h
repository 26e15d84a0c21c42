#pragma once

#include <openssl/types.h>

#include <vector>

#include "relay/base/bytes.h"

namespace causeway::dtls {

/// The datagrams of a flight, in the order in which they are to be sent.
using Flight = std::vector<std::vector<std::byte>>;

/// What OpenSSL reads from and writes to instead of a socket: one datagram in, any number out, each
/// whole. Belongs to one thread.
struct DatagramWire {
  Bytes in;               ///< Borrowed; empty once it was read.
  Flight* out = nullptr;  ///< Where what is written goes. Null: nowhere.
};

/// A BIO over `wire`, which must outlive it and stay where it is; the caller owns the BIO. Null:
/// there is no memory for it.
[[nodiscard]] BIO* make_datagram_bio(DatagramWire& wire);

}  // namespace causeway::dtls
