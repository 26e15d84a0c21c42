#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "control/jsep/session_description.h"

namespace causeway::jsep {

// The words of SDP for our enumerations, for the parser and the writer.

inline constexpr std::array kDirectionNames{
    std::pair{Direction::SendRecv, std::string_view("sendrecv")},
    std::pair{Direction::SendOnly, std::string_view("sendonly")},
    std::pair{Direction::RecvOnly, std::string_view("recvonly")},
    std::pair{Direction::Inactive, std::string_view("inactive")}};

inline constexpr std::array kSetupNames{std::pair{Setup::ActPass, std::string_view("actpass")},
                                        std::pair{Setup::Active, std::string_view("active")},
                                        std::pair{Setup::Passive, std::string_view("passive")},
                                        std::pair{Setup::HoldConn, std::string_view("holdconn")}};

template <typename Names, typename Value>
[[nodiscard]] constexpr std::string_view word_of(const Names& names, Value value) {
  for (const auto& [each, word] : names) {
    if (each == value) return word;
  }
  return {};
}

/// Nothing where it is none of these words.
template <typename Value, std::size_t N>
[[nodiscard]] constexpr std::optional<Value> value_of(
    const std::array<std::pair<Value, std::string_view>, N>& names, std::string_view word) {
  for (const auto& [value, each] : names) {
    if (each == word) return value;
  }
  return std::nullopt;
}

}  // namespace causeway::jsep
