#include "relay/wire/stun.h"

#include <algorithm>

namespace causeway::wire {

namespace {

constexpr std::size_t kAttributeHeadOctets = 4;
constexpr std::uint32_t kFingerprintXor = 0x5354554e;  // "STUN", RFC 8489 14.7
constexpr std::uint8_t kFamilyV4 = 1;
constexpr std::uint8_t kFamilyV6 = 2;

std::size_t padded(std::size_t octets) { return (octets + 3) & ~std::size_t{3}; }

/// CRC-32 as ISO/IEC/IEEE 8802-3 has it, the polynomial reflected.
constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1U) != 0 ? 0xedb88320U : 0U);
    table[i] = value;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

std::uint32_t crc32(std::uint32_t crc, Bytes octets) {
  for (const std::byte octet : octets) {
    crc = kCrcTable[(crc ^ std::to_integer<std::uint32_t>(octet)) & 0xffU] ^ (crc >> 8);
  }
  return crc;
}

using Header = std::array<std::byte, kStunHeaderOctets>;

/// The header as MESSAGE-INTEGRITY and FINGERPRINT cover it: its length ends with the attribute.
Header header_until(Bytes message, std::size_t end) {
  Header header;
  std::ranges::copy(message.first(kStunHeaderOctets), header.begin());
  store_be16(&header[2], static_cast<std::uint16_t>(end - kStunHeaderOctets));
  return header;
}

/// Of a message whose FINGERPRINT attribute stands at `offset`.
std::uint32_t fingerprint_of(Bytes message, std::size_t offset) {
  const Header header = header_until(message, offset + kStunFingerprintOctets);
  const std::uint32_t crc = crc32(crc32(0xffffffffU, header),
                                  message.subspan(kStunHeaderOctets, offset - kStunHeaderOctets));
  return ~crc ^ kFingerprintXor;
}

HmacSha1::Digest integrity_of(Bytes message, std::size_t offset, const HmacSha1& key) {
  const Header header = header_until(message, offset + kStunIntegrityOctets);
  return key.digest(header, message.subspan(kStunHeaderOctets, offset - kStunHeaderOctets));
}

bool must_be_understood(std::uint16_t type) { return type < 0x8000; }

bool is_understood(std::uint16_t type) {
  switch (static_cast<StunAttribute>(type)) {
    case StunAttribute::MappedAddress:
    case StunAttribute::Username:
    case StunAttribute::MessageIntegrity:
    case StunAttribute::ErrorCode:
    case StunAttribute::UnknownAttributes:
    case StunAttribute::Realm:
    case StunAttribute::Nonce:
    case StunAttribute::XorMappedAddress:
    case StunAttribute::Priority:
    case StunAttribute::UseCandidate:
      return true;
    default:
      return false;
  }
}

/// The address xor the cookie and, for IPv6, the transaction id (RFC 8489 14.2).
std::array<std::uint8_t, 16> mask_of(const StunTransaction& transaction) {
  std::array<std::uint8_t, 16> mask{0x21, 0x12, 0xa4, 0x42};
  for (std::size_t i = 0; i < transaction.size(); ++i) mask[4 + i] = load_u8(&transaction[i]);
  return mask;
}

}  // namespace

// -------------------------------------------------------------------------------------- reading

template <typename Visit>
void StunView::each(Visit&& visit) const {
  bool is_covered = true;
  for (std::size_t at = kStunHeaderOctets; at + kAttributeHeadOctets <= message_.size();) {
    const std::uint16_t type = load_be16(&message_[at]);
    const std::size_t octets = load_be16(&message_[at + 2]);
    if (at + kAttributeHeadOctets + octets > message_.size()) return;
    const bool is_fingerprint = type == static_cast<std::uint16_t>(StunAttribute::Fingerprint);
    if (is_covered || is_fingerprint) {
      if (!visit(type, at, message_.subspan(at + kAttributeHeadOctets, octets))) return;
    }
    if (type == static_cast<std::uint16_t>(StunAttribute::MessageIntegrity)) is_covered = false;
    at += kAttributeHeadOctets + padded(octets);
  }
}

Result<StunView, DropReason> StunView::parse(Bytes message) {
  if (message.size() < kStunHeaderOctets) return failure(DropReason::Truncated);
  const std::size_t length = load_be16(&message[2]);
  const bool is_stun = (load_u8(message.data()) & 0xc0U) == 0 && length % 4 == 0 &&
                       load_be32(&message[4]) == kStunCookie;
  if (!is_stun) return failure(DropReason::BadHeader);
  if (message.size() < kStunHeaderOctets + length) return failure(DropReason::Truncated);
  if (message.size() != kStunHeaderOctets + length) return failure(DropReason::BadHeader);
  StunView view(message);
  std::size_t end = kStunHeaderOctets;
  bool is_wrong = false;
  for (std::size_t at = end; at < message.size(); at = end) {
    const std::size_t octets = load_be16(&message[at + 2]);  // lengths are multiples of 4
    end = at + kAttributeHeadOctets + padded(octets);
    if (end > message.size()) return failure(DropReason::BadHeader);
    if (load_be16(&message[at]) != static_cast<std::uint16_t>(StunAttribute::Fingerprint)) continue;
    is_wrong = octets != 4 || end != message.size() ||
               load_be32(&message[at + kAttributeHeadOctets]) != fingerprint_of(message, at);
    if (is_wrong) return failure(DropReason::BadHeader);
    view.has_fingerprint_ = true;
  }
  return view;
}

// The class's two bits stand amid the method's (RFC 8489 5).
StunClass StunView::message_class() const {
  const unsigned type = load_be16(message_.data());
  return static_cast<StunClass>(((type >> 7) & 2U) | ((type >> 4) & 1U));
}

StunMethod StunView::method() const {
  const unsigned type = load_be16(message_.data());
  return static_cast<StunMethod>((type & 0x000fU) | ((type & 0x00e0U) >> 1) |
                                 ((type & 0x3e00U) >> 2));
}

StunTransaction StunView::transaction() const {
  StunTransaction id;
  std::ranges::copy(message_.subspan(8, id.size()), id.begin());
  return id;
}

std::optional<Bytes> StunView::find(StunAttribute type) const {
  std::optional<Bytes> found;
  each([&](std::uint16_t each_type, std::size_t, Bytes value) {
    if (each_type != static_cast<std::uint16_t>(type)) return true;
    found = value;
    return false;
  });
  return found;
}

std::optional<std::string_view> StunView::username() const {
  const auto value = find(StunAttribute::Username);
  if (!value || value->empty()) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(value->data()), value->size());
}

std::optional<std::uint32_t> StunView::priority() const {
  const auto value = find(StunAttribute::Priority);
  if (!value || value->size() != 4) return std::nullopt;
  return load_be32(value->data());
}

std::optional<std::uint64_t> StunView::tie_breaker(StunAttribute role) const {
  const auto value = find(role);
  if (!value || value->size() != 8) return std::nullopt;
  return load_be64(value->data());
}

std::optional<std::uint16_t> StunView::error_code() const {
  const auto value = find(StunAttribute::ErrorCode);
  if (!value || value->size() < 4) return std::nullopt;
  const unsigned hundreds = load_u8(&(*value)[2]) & 7U;
  const unsigned rest = load_u8(&(*value)[3]);
  if (hundreds < 3 || hundreds > 6 || rest > 99) return std::nullopt;
  return static_cast<std::uint16_t>(hundreds * 100 + rest);
}

std::optional<SocketAddress> StunView::xor_mapped_address() const {
  const auto value = find(StunAttribute::XorMappedAddress);
  if (!value || value->size() < 8) return std::nullopt;
  const std::uint8_t family = load_u8(&(*value)[1]);
  const std::size_t octets = family == kFamilyV4 ? 4 : 16;
  if ((family != kFamilyV4 && family != kFamilyV6) || value->size() != 4 + octets) {
    return std::nullopt;
  }
  const auto mask = mask_of(transaction());
  std::array<std::uint8_t, 16> address{};
  for (std::size_t i = 0; i < octets; ++i) address[i] = load_u8(&(*value)[4 + i]) ^ mask[i];
  const auto port = static_cast<std::uint16_t>(load_be16(&(*value)[2]) ^ (kStunCookie >> 16));
  const IpAddress ip = family == kFamilyV4
                           ? IpAddress::v4(load_be32(std::as_bytes(std::span(address)).data()))
                           : IpAddress::v6(address);
  return SocketAddress{ip, UdpPort(port)};
}

bool StunView::has_integrity(const HmacSha1& key) const {
  bool is_true = false;
  each([&](std::uint16_t type, std::size_t at, Bytes value) {
    if (type != static_cast<std::uint16_t>(StunAttribute::MessageIntegrity)) return true;
    is_true = value.size() == kStunIntegrityOctets - kAttributeHeadOctets &&
              tags_equal(value, integrity_of(message_, at, key));
    return false;
  });
  return is_true;
}

StunView::Unknown StunView::unknown_attributes() const {
  Unknown unknown;
  each([&](std::uint16_t type, std::size_t, Bytes) {
    if (must_be_understood(type) && !is_understood(type)) unknown.push_back(type);
    return !unknown.full();
  });
  return unknown;
}

std::optional<StunUsername> split_username(std::string_view username) {
  const std::size_t colon = username.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return StunUsername{username.substr(0, colon), username.substr(colon + 1)};
}

// -------------------------------------------------------------------------------------- writing

StunWriter::StunWriter(MutableBytes out, StunMethod method, StunClass message_class,
                       const StunTransaction& transaction)
    : out_(out), end_(kStunHeaderOctets), is_whole_(out.size() >= kStunHeaderOctets) {
  if (!is_whole_) return;
  const auto m = static_cast<unsigned>(method);
  const auto c = static_cast<unsigned>(message_class);
  const unsigned type =
      (m & 0x00fU) | ((m & 0x070U) << 1) | ((m & 0xf80U) << 2) | ((c & 1U) << 4) | ((c & 2U) << 7);
  store_be16(out_.data(), static_cast<std::uint16_t>(type));
  store_be32(&out_[4], kStunCookie);
  std::ranges::copy(transaction, out_.begin() + 8);
}

/// The room for a value; empty where it does not fit.
MutableBytes StunWriter::begin_attribute(StunAttribute type, std::size_t octets) {
  const std::size_t whole = kAttributeHeadOctets + padded(octets);
  if (!is_whole_ || out_.size() - end_ < whole) {
    is_whole_ = false;
    return {};
  }
  const MutableBytes attribute = out_.subspan(end_, whole);
  std::ranges::fill(attribute, std::byte{0});
  store_be16(attribute.data(), static_cast<std::uint16_t>(type));
  store_be16(&attribute[2], static_cast<std::uint16_t>(octets));
  end_ += whole;
  return attribute.subspan(kAttributeHeadOctets, octets);
}

void StunWriter::add(StunAttribute type, Bytes value) {
  const MutableBytes room = begin_attribute(type, value.size());
  if (is_whole_) std::ranges::copy(value, room.begin());
}

void StunWriter::add_u32(StunAttribute type, std::uint32_t value) {
  std::array<std::byte, 4> octets;
  store_be32(octets.data(), value);
  add(type, octets);
}

void StunWriter::add_u64(StunAttribute type, std::uint64_t value) {
  std::array<std::byte, 8> octets;
  store_be64(octets.data(), value);
  add(type, octets);
}

void StunWriter::add_xor_mapped_address(const SocketAddress& address) {
  const std::size_t octets = address.ip.is_v4() ? 4 : 16;
  const MutableBytes room = begin_attribute(StunAttribute::XorMappedAddress, 4 + octets);
  if (!is_whole_) return;
  StunTransaction transaction;
  std::ranges::copy(Bytes(out_).subspan(8, transaction.size()), transaction.begin());
  const auto mask = mask_of(transaction);
  store_u8(&room[1], address.ip.is_v4() ? kFamilyV4 : kFamilyV6);
  store_be16(&room[2], static_cast<std::uint16_t>(address.port.raw() ^ (kStunCookie >> 16)));
  for (std::size_t i = 0; i < octets; ++i) {
    store_u8(&room[4 + i], address.ip.octets()[i] ^ mask[i]);
  }
}

void StunWriter::add_error(std::uint16_t code, std::string_view reason) {
  const MutableBytes room = begin_attribute(StunAttribute::ErrorCode, 4 + reason.size());
  if (!is_whole_) return;
  store_u8(&room[2], static_cast<std::uint8_t>(code / 100));
  store_u8(&room[3], static_cast<std::uint8_t>(code % 100));
  std::ranges::copy(as_octets(reason), room.begin() + 4);
}

void StunWriter::add_unknown(const StunView::Unknown& types) {
  const MutableBytes room = begin_attribute(StunAttribute::UnknownAttributes, types.size() * 2);
  if (!is_whole_) return;
  for (std::size_t i = 0; i < types.size(); ++i) store_be16(&room[2 * i], types[i]);
}

void StunWriter::set_length(std::size_t end) {
  store_be16(&out_[2], static_cast<std::uint16_t>(end - kStunHeaderOctets));
}

std::size_t StunWriter::finish(const HmacSha1* key) {
  if (key != nullptr) {
    const std::size_t at = end_;
    const MutableBytes room = begin_attribute(StunAttribute::MessageIntegrity,
                                              kStunIntegrityOctets - kAttributeHeadOctets);
    if (is_whole_) std::ranges::copy(integrity_of(out_, at, *key), room.begin());
  }
  const std::size_t at = end_;
  const MutableBytes room = begin_attribute(StunAttribute::Fingerprint, 4);
  if (!is_whole_) return 0;
  store_be32(room.data(), fingerprint_of(out_, at));
  set_length(end_);
  return end_;
}

}  // namespace causeway::wire
