#pragma once

#include <unistd.h>

#include <utility>

namespace causeway::io {

/// Owns one file descriptor and closes it. Move-only; belongs to one thread.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int raw) : raw_(raw) {}
  FileDescriptor(FileDescriptor&& other) noexcept : raw_(std::exchange(other.raw_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      reset();
      raw_ = std::exchange(other.raw_, -1);
    }
    return *this;
  }
  ~FileDescriptor() { reset(); }

  [[nodiscard]] int raw() const { return raw_; }
  [[nodiscard]] explicit operator bool() const { return raw_ >= 0; }
  void reset() {
    // Not retried on EINTR: Linux has then closed it already, and the number may be another's.
    if (raw_ >= 0) ::close(std::exchange(raw_, -1));
  }

 private:
  int raw_ = -1;
};

}  // namespace causeway::io
