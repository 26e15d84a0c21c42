#pragma once

#include <cstdint>
#include <optional>

#include "relay/base/bytes.h"

namespace causeway::dtls {

/// The head of a DTLS record (RFC 6347 4.1), of which a datagram holds one or more:
///
///     | type | version: 2 | epoch: 2 | sequence: 6 | length: 2 | fragment ...
inline constexpr std::size_t kRecordHeadOctets = 13;

enum class ContentType : std::uint8_t {
  ChangeCipherSpec = 20,
  Alert = 21,
  Handshake = 22,
  ApplicationData = 23,
};

struct Record {
  ContentType type = ContentType::Handshake;
  std::uint16_t epoch = 0;
  std::uint64_t sequence = 0;  ///< Within its epoch: 48 bits.
  Bytes fragment;
};

/// The first record of `octets`, which then begins behind it; nothing where what is left is no
/// whole record of DTLS 1.0 or 1.2.
[[nodiscard]] std::optional<Record> take_record(Bytes& octets);

/// Whether every record of a datagram is whole, and none is an alert in the clear: anybody can send
/// those, so nobody is believed one.
[[nodiscard]] bool is_acceptable(Bytes datagram);

/// Whether a datagram begins with a fragment of a ClientHello in the clear (RFC 6347 4.2.2).
[[nodiscard]] bool is_client_hello(Bytes datagram);

}  // namespace causeway::dtls
