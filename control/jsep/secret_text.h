#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "relay/base/secret.h"

namespace causeway::jsep {

/// Text that holds a key or a password. It cannot be copied or printed by accident, moves leave
/// nothing behind, and the destructor wipes it.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string_view text) : text_(text) {}
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  SecretText(SecretText&& other) noexcept { take(other); }
  SecretText& operator=(SecretText&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  ~SecretText() { clear(); }

  [[nodiscard]] std::string_view reveal() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

 private:
  void take(SecretText& other) {
    clear();
    text_ = other.text_;  // a short string is copied by a move as well, so both are wiped alike
    other.clear();
  }
  void clear() {
    wipe(text_.data(), text_.size());
    text_.clear();
  }

  std::string text_;
};

}  // namespace causeway::jsep
