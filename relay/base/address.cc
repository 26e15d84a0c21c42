#include "relay/base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace causeway {

namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress address;
  address.family_ = Family::V4;
  const std::uint32_t network_order = htonl(host_order);
  std::memcpy(address.octets_.data(), &network_order, sizeof network_order);
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& octets) {
  IpAddress address;
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets.begin())) {
    address.family_ = Family::V4;
    std::copy_n(octets.begin() + 12, 4, address.octets_.begin());
  } else {
    address.family_ = Family::V6;
    address.octets_ = octets;
  }
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN + 1> buffer{};
  if (text.empty() || text.size() >= buffer.size()) return std::nullopt;
  // inet_pton would stop there and take the part before for the whole.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::ranges::copy(text, buffer.begin());
  std::array<std::uint8_t, 16> octets{};
  if (::inet_pton(AF_INET, buffer.data(), octets.data()) == 1) {
    IpAddress address;
    address.family_ = Family::V4;
    address.octets_ = octets;
    return address;
  }
  if (::inet_pton(AF_INET6, buffer.data(), octets.data()) == 1) return v6(octets);
  return std::nullopt;
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return octets_[0] == 127;
  return is_v6() && octets_[15] == 1 &&
         std::all_of(octets_.begin(), octets_.begin() + 15, [](auto o) { return o == 0; });
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(octets_, [](auto o) { return o == 0; });
}

bool IpAddress::is_multicast() const {
  return (is_v4() && (octets_[0] & 0xf0U) == 0xe0) || (is_v6() && octets_[0] == 0xff);
}

std::string IpAddress::to_string() const {
  if (is_none()) return "none";
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  ::inet_ntop(is_v4() ? AF_INET : AF_INET6, octets_.data(), buffer.data(), buffer.size());
  return buffer.data();
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool has_brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (has_brackets) host = host.substr(1, host.size() - 2);
  const auto ip = IpAddress::parse(host);
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!ip || !port) return std::nullopt;
  // An IPv6 address needs its brackets, or its last group would read as a port.
  if (!has_brackets && host.find(':') != std::string_view::npos) return std::nullopt;
  return SocketAddress{*ip, UdpPort(*port)};
}

std::string SocketAddress::to_string() const {
  const std::string port_text = std::to_string(port.raw());
  return ip.is_v6() ? "[" + ip.to_string() + "]:" + port_text : ip.to_string() + ":" + port_text;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  const unsigned widest = base->is_v4() ? 32 : 128;
  unsigned prefix = widest;
  if (slash != std::string_view::npos) {
    const auto parsed = parse_number<unsigned>(text.substr(slash + 1));
    if (!parsed || *parsed > widest) return std::nullopt;
    prefix = *parsed;
  }
  Cidr block;
  block.base_ = *base;
  block.prefix_ = static_cast<std::uint8_t>(prefix);
  for (unsigned bit = prefix; bit < widest; ++bit) {
    if ((base->octets()[bit / 8] & (0x80U >> (bit % 8))) != 0) return std::nullopt;
  }
  return block;
}

bool Cidr::contains(const IpAddress& address) const {
  if (address.family() != base_.family() || base_.is_none()) return false;
  const std::size_t whole = prefix_ / 8;
  if (!std::equal(base_.octets().begin(), base_.octets().begin() + static_cast<long>(whole),
                  address.octets().begin())) {
    return false;
  }
  const unsigned rest = prefix_ % 8U;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00U >> rest);
  return (base_.octets()[whole] & mask) == (address.octets()[whole] & mask);
}

std::string Cidr::to_string() const { return base_.to_string() + "/" + std::to_string(prefix_); }

}  // namespace causeway
