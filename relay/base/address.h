#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "relay/base/types.h"

namespace causeway {

/// An IPv4 or IPv6 address. IPv4-mapped IPv6 addresses are held as the IPv4 address they name, so
/// one host never has two spellings. A value type.
class IpAddress {
 public:
  enum class Family : std::uint8_t { None, V4, V6 };

  constexpr IpAddress() = default;
  static IpAddress v4(std::uint32_t host_order);
  /// Sixteen octets in network order; an IPv4-mapped address becomes IPv4.
  static IpAddress v6(const std::array<std::uint8_t, 16>& octets);
  /// Dotted IPv4 or RFC 4291 IPv6 text, without brackets, port or zone.
  static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] bool is_v4() const { return family_ == Family::V4; }
  [[nodiscard]] bool is_v6() const { return family_ == Family::V6; }
  [[nodiscard]] bool is_none() const { return family_ == Family::None; }
  [[nodiscard]] bool is_loopback() const;
  /// 0.0.0.0 or ::, or no address at all.
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] bool is_multicast() const;
  /// Sixteen octets in network order; an IPv4 address stands in the first four, the rest is zero.
  [[nodiscard]] const std::array<std::uint8_t, 16>& octets() const { return octets_; }
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> octets_{};
  Family family_ = Family::None;
};

/// An address and a UDP port. A value type.
struct SocketAddress {
  IpAddress ip;
  UdpPort port;

  /// `192.0.2.1:4000` or `[2001:db8::1]:4000`.
  static std::optional<SocketAddress> parse(std::string_view text);
  [[nodiscard]] bool is_none() const { return ip.is_none(); }
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
  friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

/// A block of addresses, `192.0.2.0/24` or `2001:db8::/32`. A bare address is a block of one.
class Cidr {
 public:
  constexpr Cidr() = default;
  /// Refuses prefix lengths beyond the family and host bits that are not zero.
  static std::optional<Cidr> parse(std::string_view text);

  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Cidr&, const Cidr&) = default;

 private:
  IpAddress base_;
  std::uint8_t prefix_ = 0;
};

}  // namespace causeway
