#include "control/cli/suggest.h"

#include <algorithm>
#include <numeric>

namespace causeway::cli {

namespace {

/// Levenshtein's distance, one row of the table at a time.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kFarthest = 2;
  std::optional<std::string> best;
  std::size_t best_distance = std::min(kFarthest, (word.size() - (word.empty() ? 0 : 1)) / 2) + 1;
  for (const std::string& each : known) {
    const std::size_t far = distance(word, each);
    if (far >= best_distance) continue;
    best_distance = far;
    best = each;
  }
  return best;
}

}  // namespace causeway::cli
