#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace causeway::cli {

/// The one of `known` that `word` is most likely a misspelling of: at most two letters inserted,
/// left out, replaced, and fewer than half of it. Nothing where none is that near.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 const std::vector<std::string>& known);

}  // namespace causeway::cli
