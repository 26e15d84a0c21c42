#include "control/page.h"

#include <algorithm>
#include <charconv>

namespace causeway::control {

namespace {

constexpr std::uint32_t kDefaultSize = 100;
constexpr std::uint32_t kMaxSize = 1000;

std::string prefix(std::string_view instance, std::string_view list) {
  return "p1." + std::string(instance) + "." + std::string(list) + ".";
}

}  // namespace

Answer<Page> read_page(std::uint32_t page_size, const std::string& page_token,
                       std::string_view instance, std::string_view list) {
  Page page;
  page.size = page_size == 0 ? kDefaultSize : std::min(page_size, kMaxSize);
  if (page_token.empty()) return page;
  const std::string expected = prefix(instance, list);
  const char* const end = page_token.data() + page_token.size();
  if (page_token.starts_with(expected)) {
    const auto [at, error] = std::from_chars(page_token.data() + expected.size(), end, page.after);
    if (error == std::errc{} && at == end) return page;
  }
  return failure(field_error("TOKEN_INVALID", Field("page_token"),
                             "This is no page token of this list, or from before a restart."));
}

std::string page_token(std::string_view instance, std::string_view list, std::uint64_t after) {
  return prefix(instance, list) + std::to_string(after);
}

}  // namespace causeway::control
