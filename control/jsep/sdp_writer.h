#pragma once

#include <string>

#include "control/jsep/session_description.h"

namespace causeway::jsep {

/// Writes a description, lines ended by CR LF, in the order that RFC 8866 5 prescribes. Reading it
/// again gives the same description. The text holds the secrets that the description holds.
/// REQUIRES: texts without CR, LF and NUL, as parse_sdp gives them.
[[nodiscard]] std::string write_sdp(const SessionDescription& description);

}  // namespace causeway::jsep
