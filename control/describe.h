#pragma once

#include <string>
#include <vector>

#include "causeway/v1/session.pb.h"

namespace causeway::control {

/// A session in words for people: a paragraph for each leg, a line for each connection and
/// recording. Holds no keys.
[[nodiscard]] std::string describe(const v1::Session& session);

}  // namespace causeway::control
