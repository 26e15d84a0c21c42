#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace causeway {

/// An integer with a meaning: explicit to make, ordered, without arithmetic.
///
/// `Tag` is never defined; it only keeps two meanings of one width apart. A value type without
/// thread rules. `raw()` is the way out, to be used where a wire or a system call wants the number.
template <typename Tag, typename T>
class Strong {
 public:
  using Raw = T;

  constexpr Strong() = default;
  constexpr explicit Strong(T raw) : raw_(raw) {}

  [[nodiscard]] constexpr T raw() const { return raw_; }

  friend constexpr bool operator==(Strong, Strong) = default;
  // What <=> is compared with is 0, which clang-tidy 14 takes for a pointer.
  // NOLINTNEXTLINE(modernize-use-nullptr)
  friend constexpr auto operator<=>(Strong, Strong) = default;

 private:
  T raw_{};
};

}  // namespace causeway

template <typename Tag, typename T>
struct std::hash<causeway::Strong<Tag, T>> {
  std::size_t operator()(causeway::Strong<Tag, T> value) const noexcept {
    return std::hash<T>{}(value.raw());
  }
};
