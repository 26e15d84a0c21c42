#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "control/errors.h"

namespace causeway::control {

/// Lists come in pages, in the order of creation. A page token says after which place to go on: the
/// instance of the list's owner, what is listed, and the place.
struct Page {
  std::size_t size = 100;
  std::uint64_t after = 0;  ///< The place of the last element of the page before; 0: none.
};

/// `list`: what is listed, a word without dots. Errors: TOKEN_INVALID.
[[nodiscard]] Answer<Page> read_page(std::uint32_t page_size, const std::string& page_token,
                                     std::string_view instance, std::string_view list);
[[nodiscard]] std::string page_token(std::string_view instance, std::string_view list,
                                     std::uint64_t after);

}  // namespace causeway::control
