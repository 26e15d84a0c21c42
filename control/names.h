#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "control/ids.h"
#include "relay/base/result.h"

namespace causeway::control {

/// 128 random bits from OpenSSL in 32 lower-case hexadecimal characters. It begins with a letter or
/// a digit, so it is an id.
[[nodiscard]] std::string make_id();
/// `octets` from OpenSSL's generator, which is the only source of keys and ids here.
void fill_random(void* out, std::size_t octets);
/// The lower-case hexadecimal form.
[[nodiscard]] std::string to_hex(std::string_view octets);

/// What hangs below a session.
enum class ChildKind : unsigned char { Leg, Connection, Recording, Playback };

/// `sessions/{session}`.
[[nodiscard]] std::string session_name(std::string_view session);
/// `sessions/{session}/legs/{leg}` and so on.
[[nodiscard]] std::string child_name(std::string_view session, ChildKind kind, std::string_view id);

/// The name of something below a session, taken apart. Views of the name.
struct ChildName {
  std::string_view session;
  std::string_view id;
};

/// What is wrong with a name, in one sentence.
using NameProblem = std::string;

/// The id in `sessions/{session}`.
[[nodiscard]] Result<std::string_view, NameProblem> parse_session_name(std::string_view name);
/// The ids in a full name, `sessions/{session}/legs/{leg}`.
[[nodiscard]] Result<ChildName, NameProblem> parse_child_name(std::string_view name,
                                                              ChildKind kind);
/// The id in a short name, `legs/{leg}`, or in the full name if it is of `session`.
[[nodiscard]] Result<std::string_view, NameProblem> parse_reference(std::string_view name,
                                                                    ChildKind kind,
                                                                    std::string_view session);

}  // namespace causeway::control
