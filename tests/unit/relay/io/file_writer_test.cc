#include "relay/io/file_writer.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace causeway::io {
namespace {

/// A disk that does what the test says.
class FakeFile final : public File {
 public:
  struct Disk {
    std::string text = {};
    int error = 0;               // of every write, while not 0
    std::size_t at_most = 4096;  // octets a write
    std::size_t writes = 0;
  };
  explicit FakeFile(Disk& disk) : disk_(disk) {}

  Result<std::size_t, Errno> write_at(std::uint64_t offset, Bytes octets) override {
    ++disk_.writes;
    if (disk_.error != 0) return failure(Errno(disk_.error));
    const std::size_t count = std::min(octets.size(), disk_.at_most);
    if (disk_.text.size() < offset + count) disk_.text.resize(offset + count, '.');
    for (std::size_t i = 0; i < count; ++i) {
      disk_.text[offset + i] = static_cast<char>(load_u8(&octets[i]));
    }
    return count;
  }
  Result<void, Errno> extend_to(std::uint64_t octets) override {
    if (disk_.text.size() < octets) disk_.text.resize(octets, '.');
    return {};
  }

 private:
  Disk& disk_;
};

std::vector<std::byte> octets(std::string_view text) {
  const Bytes bytes = as_octets(text);
  return {bytes.begin(), bytes.end()};
}

TEST(FileWriter, CompletesShortWrites) {
  FakeFile::Disk disk{.at_most = 2};
  FileWriter writer(std::make_unique<FakeFile>(disk), 100);
  writer.write(0, octets("abcde"));
  EXPECT_EQ(disk.text, "abcde");
  EXPECT_EQ(disk.writes, 3U);
  EXPECT_FALSE(writer.trouble());
}

TEST(FileWriter, KeepsTheOrderWhenTheDiskRefusesForAWhile) {
  FakeFile::Disk disk;
  FileWriter writer(std::make_unique<FakeFile>(disk), 100);
  disk.error = ENOSPC;
  writer.write(2, octets("data"));
  writer.write(0, octets("h1"));
  EXPECT_EQ(writer.trouble(), Errno(ENOSPC));
  EXPECT_EQ(writer.backlog_octets(), 6U);
  EXPECT_EQ(disk.writes, 1U);  // what waits behind a refused write is not tried past it
  disk.error = 0;
  writer.write(6, octets("more"));  // still behind the others
  EXPECT_EQ(disk.text, "");
  writer.retry();
  EXPECT_EQ(disk.text, "h1datamore");
  EXPECT_FALSE(writer.trouble());
  EXPECT_EQ(writer.dropped_octets(), 0U);
}

TEST(FileWriter, LeavesOutTheOldestAsAHoleWhenItsBacklogIsFull) {
  FakeFile::Disk disk{.error = EIO};
  FileWriter writer(std::make_unique<FakeFile>(disk), 8);
  writer.write(0, octets("aaaa"));
  writer.write(4, octets("bbbb"));
  writer.write(8, octets("cccc"));
  EXPECT_EQ(writer.dropped_octets(), 4U);
  EXPECT_EQ(writer.backlog_octets(), 8U);
  disk.error = 0;
  writer.retry();
  EXPECT_EQ(disk.text, "....bbbbcccc");
}

TEST(FileWriter, TellsThatAllIsWellOnlyWhenNothingWaits) {
  FakeFile::Disk disk{.error = EIO};
  FileWriter writer(std::make_unique<FakeFile>(disk), 100);
  writer.write(0, octets("a"));
  writer.retry();
  EXPECT_TRUE(writer.trouble());
  EXPECT_TRUE(writer.has_backlog());
  disk.error = 0;
  writer.retry();
  EXPECT_FALSE(writer.trouble());
  writer.write(1, octets("b"));
  EXPECT_EQ(disk.text, "ab");
}

TEST(FileWriter, GoesOnFromTheMiddleOfAWriteThatWasCutShort) {
  FakeFile::Disk disk{.at_most = 3};
  struct FailsOnce final : File {
    explicit FailsOnce(FakeFile::Disk& disk) : inner(disk), on(disk) {}
    Result<std::size_t, Errno> write_at(std::uint64_t offset, Bytes all) override {
      if (on.writes == 1) {
        ++on.writes;
        return failure(Errno(ENOSPC));
      }
      return inner.write_at(offset, all);
    }
    Result<void, Errno> extend_to(std::uint64_t size) override { return inner.extend_to(size); }
    FakeFile inner;
    FakeFile::Disk& on;
  };
  FileWriter writer(std::make_unique<FailsOnce>(disk), 100);
  writer.write(0, octets("abcdefgh"));
  EXPECT_EQ(disk.text, "abc");
  EXPECT_TRUE(writer.trouble());
  writer.retry();
  EXPECT_EQ(disk.text, "abcdefgh");
}

}  // namespace
}  // namespace causeway::io
