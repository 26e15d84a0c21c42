#include "relay/dtls/record.h"

namespace causeway::dtls {

namespace {

constexpr std::uint16_t kDtls10 = 0xfeff;
constexpr std::uint16_t kDtls12 = 0xfefd;
constexpr std::uint8_t kClientHello = 1;

}  // namespace

std::optional<Record> take_record(Bytes& octets) {
  if (octets.size() < kRecordHeadOctets) return std::nullopt;
  const std::uint8_t type = load_u8(octets.data());
  const std::uint16_t version = load_be16(&octets[1]);
  const std::size_t length = load_be16(&octets[11]);
  if (type < 20 || type > 23 || (version != kDtls10 && version != kDtls12) ||
      octets.size() - kRecordHeadOctets < length) {
    return std::nullopt;
  }
  const std::uint64_t epoch_and_sequence = load_be64(&octets[3]);
  const Record record{.type = static_cast<ContentType>(type),
                      .epoch = static_cast<std::uint16_t>(epoch_and_sequence >> 48),
                      .sequence = epoch_and_sequence & 0xffff'ffff'ffff,
                      .fragment = octets.subspan(kRecordHeadOctets, length)};
  octets = octets.subspan(kRecordHeadOctets + length);
  return record;
}

bool is_acceptable(Bytes datagram) {
  if (datagram.empty()) return false;
  while (!datagram.empty()) {
    const auto record = take_record(datagram);
    if (!record || (record->type == ContentType::Alert && record->epoch == 0)) return false;
  }
  return true;
}

bool is_client_hello(Bytes datagram) {
  const auto record = take_record(datagram);
  return record && record->type == ContentType::Handshake && record->epoch == 0 &&
         !record->fragment.empty() && load_u8(record->fragment.data()) == kClientHello;
}

}  // namespace causeway::dtls
