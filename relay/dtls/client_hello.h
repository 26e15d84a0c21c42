#pragma once

#include <cstdint>
#include <optional>

#include "relay/base/bytes.h"
#include "relay/dtls/record.h"

namespace causeway::dtls {

/// The head of a fragment of a handshake message (RFC 6347 4.2.2):
///
///     | type | length: 3 | message_seq: 2 | fragment_offset: 3 | fragment_length: 3 | body ...
inline constexpr std::size_t kFragmentHeadOctets = 12;
inline constexpr std::uint8_t kClientHelloType = 1;
inline constexpr std::uint8_t kHelloVerifyRequestType = 3;

/// A fragment: `body` is the message's octets from `offset` on, and lies within its `length`.
struct HandshakeFragment {
  std::uint8_t type = 0;
  std::uint32_t length = 0;  ///< Of the whole message, in octets.
  std::uint16_t message_seq = 0;
  std::uint32_t offset = 0;
  Bytes body;

  [[nodiscard]] bool is_whole() const { return offset == 0 && body.size() == length; }
};

/// The first fragment of a record's `octets`, which then begin behind it; nothing where what is
/// left is no whole fragment.
[[nodiscard]] std::optional<HandshakeFragment> take_fragment(Bytes& octets);

/// What stands at the front of a ClientHello (RFC 6347 4.2.1), so that its first fragment has it
/// even where the rest is in other datagrams:
///
///     | version: 2 | random: 32 | 0..32 session_id | 0..255 cookie | cipher_suites ...
///
/// Views into the datagram.
struct ClientHello {
  std::uint64_t record_sequence = 0;
  std::uint16_t message_seq = 0;
  std::uint16_t version = 0;
  Bytes random;
  Bytes session_id;
  Bytes cookie;
  /// As many of its cipher suites, two octets each, as this fragment holds.
  Bytes cipher_suites;
  bool is_whole = false;

  [[nodiscard]] bool offers(std::uint16_t cipher_suite) const;
};

/// The ClientHello that a datagram begins with, in the clear, whole or its first fragment. Nothing
/// for anything else: later fragments, other versions, lengths that do not fit.
[[nodiscard]] std::optional<ClientHello> parse_client_hello(Bytes datagram);

}  // namespace causeway::dtls
