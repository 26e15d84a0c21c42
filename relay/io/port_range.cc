#include "relay/io/port_range.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>

namespace causeway::io {

namespace {

constexpr std::string_view kBlank = " \t\n";

/// Takes a port number off the front of `text`, with the blanks before it.
std::optional<UdpPort> take_port(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return UdpPort(port);
}

std::string to_string(const PortRange& range) {
  return std::to_string(range.first.raw()) + "-" + std::to_string(range.last.raw());
}

Error refusal(std::string_view reason, std::string detail) {
  return {ErrorCode::InvalidArgument, reason, "", std::move(detail)};
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

PortRange common_part(const PortRange& a, const PortRange& b) {
  return {std::max(a.first, b.first), std::min(a.last, b.last)};
}

}  // namespace

std::optional<PortRange> parse_ephemeral_ports(std::string_view text) {
  const auto first = take_port(text);
  if (!first) return std::nullopt;
  const auto last = take_port(text);
  if (!last || *last < *first) return std::nullopt;
  return PortRange{*first, *last};
}

std::vector<PortRange> parse_reserved_ports(std::string_view text) {
  std::vector<PortRange> ranges;
  while (!text.empty()) {
    std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    const auto first = take_port(item);
    if (!first) continue;
    auto last = first;
    if (item.starts_with('-')) {
      item.remove_prefix(1);
      last = take_port(item);
    }
    if (last && *first <= *last) ranges.push_back({*first, *last});
  }
  return ranges;
}

SystemPorts read_system_ports() {
  return {parse_ephemeral_ports(first_line("/proc/sys/net/ipv4/ip_local_port_range")),
          parse_reserved_ports(first_line("/proc/sys/net/ipv4/ip_local_reserved_ports"))};
}

Result<void, Error> check_port_range(const PortRange& media, const SystemPorts& system) {
  if (media.first < UdpPort(1024)) {
    return failure(refusal("PORT_RANGE_INVALID", "media ports " + to_string(media) +
                                                     " reach below 1024, the privileged ports"));
  }
  const unsigned first_even = (media.first.raw() + 1U) & ~1U;
  if (first_even + 1 > media.last.raw()) {
    return failure(refusal("PORT_RANGE_INVALID",
                           "media ports " + to_string(media) +
                               " hold no pair of an even port and the odd one after it"));
  }
  if (!system.ephemeral) return {};
  const PortRange common = common_part(media, *system.ephemeral);
  if (common.last < common.first ||
      std::ranges::any_of(system.reserved, [&](const auto& r) { return r.contains(common); })) {
    return {};
  }
  return failure(refusal(
      "PORT_RANGE_OVERLAP",
      "media ports " + to_string(media) + " overlap " + to_string(*system.ephemeral) +
          ", from which the system serves other programs (net.ipv4.ip_local_port_range), so calls "
          "would fail at random; choose other media ports, or keep them free with `sysctl -w "
          "net.ipv4.ip_local_reserved_ports=" +
          to_string(common) + "`"));
}

}  // namespace causeway::io
