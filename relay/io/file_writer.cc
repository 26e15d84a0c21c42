#include "relay/io/file_writer.h"

#include <utility>

namespace causeway::io {

FileWriter::FileWriter(std::unique_ptr<File> file, std::size_t max_backlog_octets)
    : file_(std::move(file)), max_backlog_octets_(max_backlog_octets) {}

void FileWriter::write(std::uint64_t offset, std::vector<std::byte> octets) {
  Waiting waiting{offset, std::move(octets)};
  // In order: a head that counts samples must not go before them.
  if (backlog_.empty() && try_write(waiting)) return;
  backlog_octets_ += waiting.octets.size();
  backlog_.push_back(std::move(waiting));
  while (backlog_octets_ > max_backlog_octets_) leave_out_oldest();
}

void FileWriter::retry() {
  while (!backlog_.empty() && try_write(backlog_.front())) {
    backlog_octets_ -= backlog_.front().octets.size();
    backlog_.pop_front();
  }
  if (backlog_.empty()) trouble_.reset();
}

bool FileWriter::try_write(Waiting& waiting) {
  while (waiting.done < waiting.octets.size()) {
    const auto written =
        file_->write_at(waiting.offset + waiting.done, Bytes(waiting.octets).subspan(waiting.done));
    if (!written) {
      trouble_ = written.error();
      return false;
    }
    waiting.done += *written;
  }
  return true;
}

void FileWriter::leave_out_oldest() {
  const Waiting& oldest = backlog_.front();
  // The hole takes no room on a full disk, and later heads will count it. Should even this be
  // refused, the next write behind it makes the hole.
  (void)file_->extend_to(oldest.offset + oldest.octets.size());
  dropped_octets_ += oldest.octets.size() - oldest.done;
  backlog_octets_ -= oldest.octets.size();
  backlog_.pop_front();
}

}  // namespace causeway::io
