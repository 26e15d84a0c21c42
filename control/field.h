#pragma once

#include <string>
#include <string_view>

namespace causeway::control {

/// Where in a request something stands: a chain of names on the stack, written out only when there
/// is something to say about it (`session.legs[0].codecs[1].payload_type`).
///
///     const Field legs{"legs", &session};
///     const Field codec{"codecs", &leg, 1};
class Field {
 public:
  /// `parent` outlives this. `index` below 0: not of a repeated field.
  explicit Field(std::string_view name, const Field* parent = nullptr, int index = -1)
      : parent_(parent), name_(name), index_(index) {}

  [[nodiscard]] std::string text() const;

 private:
  const Field* parent_;
  std::string_view name_;
  int index_;
};

}  // namespace causeway::control
