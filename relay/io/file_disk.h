#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "relay/base/bytes.h"
#include "relay/base/result.h"
#include "relay/io/backend.h"
#include "relay/io/file_descriptor.h"

namespace causeway::io {

/// A file that is being written. Belongs to one thread; its calls may block for as long as the disk
/// likes.
class File {
 public:
  virtual ~File() = default;
  /// Writes at `offset`; returns how many octets were written, at least 1. Errors: ENOSPC, EIO ...
  [[nodiscard]] virtual Result<std::size_t, Errno> write_at(std::uint64_t offset, Bytes octets) = 0;
  /// Makes the file at least this large; what nobody wrote reads as zeros and takes no room.
  [[nodiscard]] virtual Result<void, Errno> extend_to(std::uint64_t octets) = 0;
};

/// Where files are made: the seam behind which a test lies about disks. Paths are relative, of
/// ordinary components: an empty one, "." and ".." are refused with EINVAL. One thread.
class Disk {
 public:
  virtual ~Disk() = default;
  /// Makes a new file and the folders above it. Errors: EEXIST (it is there already), ELOOP or
  /// ENOTDIR (a component is a symbolic link or a file), EINVAL, ENOSPC, EACCES ...
  [[nodiscard]] virtual Result<std::unique_ptr<File>, Errno> create(std::string_view path) = 0;
  /// Puts a whole file in the place of `path` at once, or nothing. Errors: as create(), but EEXIST.
  [[nodiscard]] virtual Result<void, Errno> replace(std::string_view path, Bytes octets) = 0;
  /// Removes a file; the folders above it stay. Errors: ENOENT, and as create().
  [[nodiscard]] virtual Result<void, Errno> remove(std::string_view path) = 0;
};

/// The files below one folder of the operating system, readable by their owner (write) and group,
/// mode 0640, folders 0750. No symbolic link below the folder is ever followed, so whoever may
/// write there cannot lead the relay elsewhere.
class DirectoryDisk final : public Disk {
 public:
  /// `root` is made if it is not there; links in its own path are the operator's and are followed.
  [[nodiscard]] static Result<std::unique_ptr<DirectoryDisk>, Errno> open(const std::string& root);

  [[nodiscard]] Result<std::unique_ptr<File>, Errno> create(std::string_view path) override;
  [[nodiscard]] Result<void, Errno> replace(std::string_view path, Bytes octets) override;
  [[nodiscard]] Result<void, Errno> remove(std::string_view path) override;

 private:
  explicit DirectoryDisk(FileDescriptor root) : root_(std::move(root)) {}

  FileDescriptor root_;
};

}  // namespace causeway::io
