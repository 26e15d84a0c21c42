#include "relay/base/fmtp.h"

#include <algorithm>
#include <charconv>

#include "relay/base/text.h"

namespace causeway {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The profile of an H.264 stream (RFC 6184 8.1): profile_idc, and whether it is the constrained
/// one.
std::string h264_profile(std::string_view fmtp) {
  std::string id = to_lower(fmtp_value(fmtp, "profile-level-id").value_or("42000a"));
  if (id.size() != 6) return id;
  const bool is_constrained = std::string_view("4567cdef").find(id[2]) != std::string_view::npos;
  return id.substr(0, 2) + (is_constrained ? "c" : "");
}

}  // namespace

std::optional<std::string_view> fmtp_value(std::string_view fmtp, std::string_view name) {
  while (!fmtp.empty()) {
    const auto end = std::min(fmtp.find(';'), fmtp.size());
    const std::string_view parameter = fmtp.substr(0, end);
    fmtp.remove_prefix(std::min(end + 1, fmtp.size()));
    const auto equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    if (equal_ignoring_case(trimmed(parameter.substr(0, equals)), name)) {
      return trimmed(parameter.substr(equals + 1));
    }
  }
  return std::nullopt;
}

std::optional<std::uint32_t> fmtp_number(std::string_view fmtp, std::string_view name) {
  const auto value = fmtp_value(fmtp, name);
  if (!value) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc{} || end != value->data() + value->size()) return std::nullopt;
  return number;
}

bool reads_alike(std::string_view encoding_name, std::string_view fmtp, std::string_view other) {
  const auto is_named = [&](std::string_view name) {
    return equal_ignoring_case(encoding_name, name);
  };
  const auto has_same = [&](std::string_view parameter, std::string_view otherwise) {
    return equal_ignoring_case(fmtp_value(fmtp, parameter).value_or(otherwise),
                               fmtp_value(other, parameter).value_or(otherwise));
  };
  if (is_named("opus") || is_named("telephone-event") || is_named("CN") || is_named("VP8")) {
    return true;
  }
  if (is_named("VP9")) return has_same("profile-id", "0");
  if (is_named("AV1")) return has_same("profile", "0");
  if (is_named("H264")) {
    return has_same("packetization-mode", "0") && h264_profile(fmtp) == h264_profile(other);
  }
  return fmtp == other;
}

}  // namespace causeway
