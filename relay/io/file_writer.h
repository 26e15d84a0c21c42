#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "relay/io/file_disk.h"

namespace causeway::io {

/// Writes a file in order, and outlives a disk that refuses: what cannot be written waits, in a
/// backlog that is bounded, and is tried again by retry(). What no longer fits the backlog is left
/// out, oldest first, as a hole of zeros; later writes keep their places. Belongs to one thread.
class FileWriter {
 public:
  FileWriter(std::unique_ptr<File> file, std::size_t max_backlog_octets);

  /// Writes, or keeps for later if the disk refuses or something waits already.
  void write(std::uint64_t offset, std::vector<std::byte> octets);
  /// Tries again to write what waits. A no-op when nothing does.
  void retry();

  /// Why something waits or was left out since the backlog was last empty; nothing when all is
  /// well.
  [[nodiscard]] std::optional<Errno> trouble() const { return trouble_; }
  [[nodiscard]] bool has_backlog() const { return !backlog_.empty(); }
  [[nodiscard]] std::size_t backlog_octets() const { return backlog_octets_; }
  /// Octets that were left out, ever.
  [[nodiscard]] std::uint64_t dropped_octets() const { return dropped_octets_; }

 private:
  struct Waiting {
    std::uint64_t offset = 0;
    std::vector<std::byte> octets;
    std::size_t done = 0;
  };
  bool try_write(Waiting& waiting);
  void leave_out_oldest();

  std::unique_ptr<File> file_;
  const std::size_t max_backlog_octets_;
  std::deque<Waiting> backlog_;
  std::size_t backlog_octets_ = 0;
  std::uint64_t dropped_octets_ = 0;
  std::optional<Errno> trouble_;
};

}  // namespace causeway::io
