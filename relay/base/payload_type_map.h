#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "relay/base/check.h"
#include "relay/base/types.h"

namespace causeway {

/// A value for each payload type, 0..127; T{} where none was set. Most types of a leg share that
/// one, so equal values are held once and a type costs an octet. Setting allocates: a map is filled
/// off the worker. A value type; one that was moved from is only fit to be assigned to.
template <typename T>
class PayloadTypeMap {
 public:
  /// REQUIRES: type < 128.
  [[nodiscard]] const T& operator[](PayloadType type) const { return values_[places_[type.raw()]]; }

  /// REQUIRES: type < 128.
  void set(PayloadType type, const T& value) {
    auto place = std::ranges::find(values_, value);
    if (place == values_.end()) place = values_.insert(values_.end(), value);
    CAUSEWAY_CHECK(values_.size() <= kMaxValues, "a payload type was set again and again");
    places_[type.raw()] = static_cast<std::uint8_t>(place - values_.begin());
  }

  /// Whether the value of any type is as `predicate` says.
  template <typename Predicate>
  [[nodiscard]] bool any_of(Predicate predicate) const {
    return std::ranges::any_of(places_,
                               [&](std::uint8_t place) { return predicate(values_[place]); });
  }

 private:
  static constexpr std::size_t kMaxValues = 256;

  std::array<std::uint8_t, 128> places_{};
  std::vector<T> values_ = std::vector<T>(1);
};

}  // namespace causeway
