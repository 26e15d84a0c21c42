#pragma once

#include <cstdint>
#include <vector>

namespace causeway::bench {

/// Values of which the order is asked for after the run. All of them are kept, in memory that is
/// there before: the percentiles are exact, and adding one writes four octets.
class Values {
 public:
  explicit Values(std::size_t room) { values_.reserve(room); }
  /// In microseconds times ten. Beyond the room, nothing is kept (and the count says so).
  void add_ns(std::int64_t ns);
  [[nodiscard]] std::size_t count() const { return values_.size(); }
  /// In microseconds; 0 where there are none. Sorts.
  [[nodiscard]] double percentile(double percent);
  [[nodiscard]] double max() { return percentile(100); }

 private:
  std::vector<std::int32_t> values_;
  bool is_sorted_ = false;
};

}  // namespace causeway::bench
