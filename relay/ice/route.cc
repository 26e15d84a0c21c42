#include "relay/ice/route.h"

#include "relay/ice/credentials.h"

namespace causeway::ice {

namespace {

std::uint32_t fnv1a(std::string_view text) {
  std::uint32_t hash = 2'166'136'261;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16'777'619;
  return hash;
}

}  // namespace

std::string route_of(std::string_view node, WorkerId worker) {
  std::uint32_t bits = (fnv1a(node) >> 14) << 12 | (worker.raw() & 0xfffU);
  std::string text(kRouteChars, ' ');
  for (std::size_t i = kRouteChars; i-- > 0; bits >>= 6) text[i] = kIceChars[bits & 63U];
  return text;
}

}  // namespace causeway::ice
