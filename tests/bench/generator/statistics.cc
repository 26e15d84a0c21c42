#include "tests/bench/generator/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace causeway::bench {

void Values::add_ns(std::int64_t ns) {
  if (values_.size() == values_.capacity()) return;
  const std::int64_t limit = std::numeric_limits<std::int32_t>::max();
  values_.push_back(static_cast<std::int32_t>(std::clamp(ns / 100, -limit, limit)));
  is_sorted_ = false;
}

double Values::percentile(double percent) {
  if (values_.empty()) return 0;
  if (!is_sorted_) std::ranges::sort(values_);
  is_sorted_ = true;
  const auto last = static_cast<double>(values_.size() - 1);
  return values_[static_cast<std::size_t>(std::ceil(last * percent / 100))] / 10.0;
}

}  // namespace causeway::bench
