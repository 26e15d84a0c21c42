#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "relay/base/address.h"
#include "relay/base/bytes.h"
#include "relay/base/result.h"
#include "relay/base/static_vector.h"
#include "relay/wire/hmac_sha1.h"

namespace causeway::wire {

/// STUN messages (RFC 8489), as far as ICE needs them (RFC 8445 7, 16):
///
///      0                   1                   2                   3
///     |0 0|   type: method and class  |   length, a multiple of 4     |
///     |                  magic cookie 0x2112A442                      |
///     |                  transaction id, 96 bits                      |
///     |     attribute type            |   length without padding      |
///     |     value, padded to a multiple of 4 ...                      |
inline constexpr std::size_t kStunHeaderOctets = 20;
inline constexpr std::uint32_t kStunCookie = 0x2112a442;
inline constexpr std::size_t kStunIntegrityOctets = 24;   ///< The attribute with its head.
inline constexpr std::size_t kStunFingerprintOctets = 8;  ///< The same.

enum class StunClass : std::uint8_t { Request, Indication, Success, Error };

/// Methods (RFC 8489 18.2). Others are carried as their number.
enum class StunMethod : std::uint16_t { Binding = 0x001 };

/// Attribute types (RFC 8489 18.3, RFC 8445 16.1). A receiver must understand those below 0x8000.
enum class StunAttribute : std::uint16_t {
  MappedAddress = 0x0001,
  Username = 0x0006,
  MessageIntegrity = 0x0008,
  ErrorCode = 0x0009,
  UnknownAttributes = 0x000a,
  Realm = 0x0014,
  Nonce = 0x0015,
  MessageIntegritySha256 = 0x001c,
  PasswordAlgorithm = 0x001d,
  Userhash = 0x001e,
  XorMappedAddress = 0x0020,
  Priority = 0x0024,
  UseCandidate = 0x0025,
  Software = 0x8022,
  Fingerprint = 0x8028,
  IceControlled = 0x8029,
  IceControlling = 0x802a,
};

using StunTransaction = std::array<std::byte, 12>;

/// A message whose framing has been checked: a view of octets that outlive it. Nothing in it is
/// known to be true before has_integrity() says so. Where an attribute stands twice the first
/// counts; what stands behind MESSAGE-INTEGRITY is not looked at, FINGERPRINT excepted
/// (RFC 8489 14.5).
class StunView {
 public:
  /// Errors: Truncated, BadHeader (the cookie or a length lies, or a FINGERPRINT that is wrong or
  /// not the last attribute).
  [[nodiscard]] static Result<StunView, DropReason> parse(Bytes message);

  [[nodiscard]] StunClass message_class() const;
  [[nodiscard]] StunMethod method() const;
  [[nodiscard]] StunTransaction transaction() const;
  [[nodiscard]] Bytes bytes() const { return message_; }

  [[nodiscard]] bool has(StunAttribute type) const { return find(type).has_value(); }
  /// The value of an attribute; nothing where it is absent.
  [[nodiscard]] std::optional<Bytes> find(StunAttribute type) const;
  [[nodiscard]] std::optional<std::string_view> username() const;
  [[nodiscard]] std::optional<std::uint32_t> priority() const;
  /// The tie-breaker of ICE-CONTROLLING or ICE-CONTROLLED.
  [[nodiscard]] std::optional<std::uint64_t> tie_breaker(StunAttribute role) const;
  /// 300 to 699.
  [[nodiscard]] std::optional<std::uint16_t> error_code() const;
  [[nodiscard]] std::optional<SocketAddress> xor_mapped_address() const;
  [[nodiscard]] bool has_fingerprint() const { return has_fingerprint_; }
  /// Whether there is a MESSAGE-INTEGRITY and it was made with this key.
  [[nodiscard]] bool has_integrity(const HmacSha1& key) const;

  /// Attributes that a receiver must understand and this one does not, up to eight.
  using Unknown = StaticVector<std::uint16_t, 8>;
  [[nodiscard]] Unknown unknown_attributes() const;

 private:
  explicit StunView(Bytes message) : message_(message) {}
  /// Calls visit(type, offset of the attribute, its value) until it returns false.
  template <typename Visit>
  void each(Visit&& visit) const;

  Bytes message_;
  bool has_fingerprint_ = false;
};

/// The two halves of an ICE USERNAME, `ours:theirs` in a request to us (RFC 8445 7.2.2). The first
/// colon parts them.
struct StunUsername {
  std::string_view receiver;
  std::string_view sender;
};
[[nodiscard]] std::optional<StunUsername> split_username(std::string_view username);

/// Writes one message into octets of the caller's. Once it does not fit any more nothing further is
/// written and finish() returns 0. Attributes first, then finish(), once.
class StunWriter {
 public:
  StunWriter(MutableBytes out, StunMethod method, StunClass message_class,
             const StunTransaction& transaction);

  void add(StunAttribute type, Bytes value);
  void add_text(StunAttribute type, std::string_view value) { add(type, as_octets(value)); }
  void add_u32(StunAttribute type, std::uint32_t value);
  void add_u64(StunAttribute type, std::uint64_t value);
  void add_xor_mapped_address(const SocketAddress& address);
  /// `reason` as RFC 8489 14.8 suggests it.
  void add_error(std::uint16_t code, std::string_view reason);
  void add_unknown(const StunView::Unknown& types);

  /// Ends it with MESSAGE-INTEGRITY, where there is a key, and FINGERPRINT. Returns its octets.
  [[nodiscard]] std::size_t finish(const HmacSha1* key);

 private:
  [[nodiscard]] MutableBytes begin_attribute(StunAttribute type, std::size_t octets);
  void set_length(std::size_t end);

  MutableBytes out_;
  std::size_t end_ = 0;
  bool is_whole_ = true;
};

}  // namespace causeway::wire
