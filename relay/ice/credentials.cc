#include "relay/ice/credentials.h"

#include <algorithm>

namespace causeway::ice {

namespace {

bool is_ice_text(std::string_view text, std::size_t least) {
  return text.size() >= least && text.size() <= 256 &&
         text.find_first_not_of(kIceChars) == std::string_view::npos;
}

}  // namespace

std::string to_ice_chars(Bytes random) {
  std::string text;
  for (const std::byte octet : random) text += kIceChars[load_u8(&octet) % kIceChars.size()];
  return text;
}

bool is_ufrag(std::string_view text) { return is_ice_text(text, 4); }
bool is_password(std::string_view text) { return is_ice_text(text, 22); }

}  // namespace causeway::ice
