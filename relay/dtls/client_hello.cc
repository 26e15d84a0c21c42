#include "relay/dtls/client_hello.h"

#include <algorithm>

namespace causeway::dtls {

namespace {

constexpr std::size_t kRandomOctets = 32;
constexpr std::size_t kMaxSessionIdOctets = 32;
constexpr std::uint8_t kMajorVersion = 0xfe;

std::uint32_t load_be24(const std::byte* at) {
  return std::uint32_t{load_u8(at)} << 16 | load_be16(at + 1);
}

/// The next `count` octets, which `octets` then begins behind.
std::optional<Bytes> take(Bytes& octets, std::size_t count) {
  if (octets.size() < count) return std::nullopt;
  const Bytes taken = octets.first(count);
  octets = octets.subspan(count);
  return taken;
}

/// A vector behind its length in one octet.
std::optional<Bytes> take_vector(Bytes& octets) {
  const auto length = take(octets, 1);
  return length ? take(octets, load_u8(length->data())) : std::nullopt;
}

}  // namespace

std::optional<HandshakeFragment> take_fragment(Bytes& octets) {
  if (octets.size() < kFragmentHeadOctets) return std::nullopt;
  HandshakeFragment fragment{.type = load_u8(octets.data()),
                             .length = load_be24(&octets[1]),
                             .message_seq = load_be16(&octets[4]),
                             .offset = load_be24(&octets[6]),
                             .body = {}};
  const std::size_t size = load_be24(&octets[9]);
  if (octets.size() - kFragmentHeadOctets < size || fragment.offset > fragment.length ||
      fragment.length - fragment.offset < size) {
    return std::nullopt;
  }
  fragment.body = octets.subspan(kFragmentHeadOctets, size);
  octets = octets.subspan(kFragmentHeadOctets + size);
  return fragment;
}

bool ClientHello::offers(std::uint16_t cipher_suite) const {
  for (std::size_t at = 0; at + 2 <= cipher_suites.size(); at += 2) {
    if (load_be16(&cipher_suites[at]) == cipher_suite) return true;
  }
  return false;
}

std::optional<ClientHello> parse_client_hello(Bytes datagram) {
  const auto record = take_record(datagram);
  if (!record || record->type != ContentType::Handshake || record->epoch != 0) return std::nullopt;
  Bytes octets = record->fragment;
  const auto fragment = take_fragment(octets);
  if (!fragment || fragment->type != kClientHelloType || fragment->offset != 0) return std::nullopt;
  Bytes body = fragment->body;
  const auto version = take(body, 2);
  const auto random = version ? take(body, kRandomOctets) : std::nullopt;
  const auto session_id = random ? take_vector(body) : std::nullopt;
  const auto cookie = session_id ? take_vector(body) : std::nullopt;
  if (!cookie || load_u8(version->data()) != kMajorVersion ||
      session_id->size() > kMaxSessionIdOctets) {
    return std::nullopt;
  }
  ClientHello hello{.record_sequence = record->sequence,
                    .message_seq = fragment->message_seq,
                    .version = load_be16(version->data()),
                    .random = *random,
                    .session_id = *session_id,
                    .cookie = *cookie,
                    .cipher_suites = {},
                    .is_whole = fragment->is_whole()};
  if (const auto octets_of_suites = take(body, 2)) {
    const std::size_t wanted = load_be16(octets_of_suites->data());
    hello.cipher_suites = body.first(std::min(wanted, body.size()));
  }
  return hello;
}

}  // namespace causeway::dtls
