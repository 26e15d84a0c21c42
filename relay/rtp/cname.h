#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "relay/base/check.h"

namespace causeway::rtp {

/// The canonical name of a leg towards its endpoint: one for all its streams, so that the endpoint
/// may synchronise them (RFC 3550 6.5.1, RFC 7022). Never the other side's: it would tell the two
/// endpoints about each other. A value that does not allocate.
class Cname {
 public:
  static constexpr std::size_t kMaxOctets = 64;

  Cname() = default;
  /// REQUIRES: text.size() <= kMaxOctets.
  explicit Cname(std::string_view text) : size_(text.size()) {
    CAUSEWAY_CHECK(text.size() <= kMaxOctets, "a CNAME of ours is short");
    std::ranges::copy(text, text_.begin());
  }
  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }
  friend bool operator==(const Cname&, const Cname&) = default;

 private:
  std::array<char, kMaxOctets> text_{};
  std::size_t size_ = 0;
};

}  // namespace causeway::rtp
