#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "relay/base/types.h"

namespace causeway::ice {

/// The first characters of the relay's own username fragments: which node and which worker of it
/// a check is for. So whoever carries checks to many nodes can read where each belongs, and a
/// worker tells one that went astray from one that is late.
///
///     N N N W W r r r r r r r r
///
///     N  18 bits: the upper ones of FNV-1a (32 bits) of the node's name
///     W  12 bits: the worker's index
///     r  random
///
/// Each character carries six bits, the most significant first, in the alphabet of ICE
/// (RFC 8839 5.4) as base64 orders it.
inline constexpr std::size_t kRouteChars = 5;

[[nodiscard]] std::string route_of(std::string_view node, WorkerId worker);

}  // namespace causeway::ice
