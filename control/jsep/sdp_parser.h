#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "control/jsep/session_description.h"
#include "relay/base/result.h"

namespace causeway::jsep {

/// Why a text is no session description. Quotes nothing of it: it may hold keys.
struct SdpError {
  int line = 0;  ///< From 1; 0 where it is the text as a whole.
  std::string what;
  /// `line 7: a=rtpmap: the clock rate is not a number`
  [[nodiscard]] std::string to_string() const;
};

/// How much of a description is read. What real ones hold is far below.
struct SdpLimits {
  static constexpr std::size_t kOctets = 64 * 1024;
  static constexpr std::size_t kSections = 32;
  static constexpr std::size_t kFormats = 128;     ///< of a section
  static constexpr std::size_t kCandidates = 128;  ///< of a section
  static constexpr std::size_t kOthers = 256;      ///< of any other list
};

/// Reads a session description (RFC 8866). Polite to what it need not know: attributes without a
/// meaning here are passed over, bare LF ends a line too. Strict with what it looks at: a wrong
/// rtpmap is an error, not a guess.
/// Static payload types without rtpmap get what RFC 3551 says.
[[nodiscard]] Result<SessionDescription, SdpError> parse_sdp(std::string_view text);

}  // namespace causeway::jsep
