#include "relay/io/file_disk.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>

#include "relay/io/file_writer.h"
#include "tests/support/folder.h"

namespace causeway::io {
namespace {

namespace fs = std::filesystem;
using test::Folder;
using test::text_of;

TEST(DirectoryDisk, MakesFoldersAndFilesThatOnlyOwnerAndGroupRead) {
  Folder folder;
  const auto disk = DirectoryDisk::open((folder.path() / "deep" / "root").string()).value();
  const auto file = disk->create("session/recording.wav").value();
  EXPECT_EQ(file->write_at(2, as_octets("xyz")).value(), 3U);
  const fs::path path = folder.path() / "deep/root/session/recording.wav";
  EXPECT_EQ(text_of(path), std::string("\0\0xyz", 5));
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0137U, 0U);
  ASSERT_EQ(::stat(path.parent_path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0027U, 0U);
}

TEST(DirectoryDisk, RefusesToTakeAnExistingFileForANewOne) {
  Folder folder;
  const auto disk = DirectoryDisk::open(folder.path().string()).value();
  ASSERT_TRUE(disk->create("a.wav"));
  EXPECT_EQ(disk->create("a.wav").error(), Errno(EEXIST));
}

TEST(DirectoryDisk, RefusesPathsThatLeaveItsFolder) {
  Folder folder;
  const auto disk = DirectoryDisk::open((folder.path() / "root").string()).value();
  for (const char* path : {"../a", "s/../../a", "/a", "", "s/", "s//a", ".", "s/.."}) {
    EXPECT_EQ(disk->create(path).error(), Errno(EINVAL)) << path;
    EXPECT_EQ(disk->replace(path, {}).error(), Errno(EINVAL)) << path;
  }
  EXPECT_EQ(disk->create(std::string_view("a\0b", 3)).error(), Errno(EINVAL));
  EXPECT_FALSE(fs::exists(folder.path() / "a"));
}

TEST(DirectoryDisk, FollowsNoSymbolicLink) {
  Folder folder;
  const auto disk = DirectoryDisk::open((folder.path() / "root").string()).value();
  fs::create_directory(folder.path() / "elsewhere");
  fs::create_directory_symlink(folder.path() / "elsewhere", folder.path() / "root/session");
  fs::create_symlink(folder.path() / "elsewhere/stolen", folder.path() / "root/a.wav");
  EXPECT_FALSE(disk->create("session/recording.wav"));
  EXPECT_FALSE(disk->create("a.wav"));
  EXPECT_TRUE(disk->replace("a.wav", as_octets("mine")));  // the link itself is replaced
  EXPECT_TRUE(fs::is_empty(folder.path() / "elsewhere"));
  EXPECT_FALSE(fs::is_symlink(folder.path() / "root/a.wav"));
}

TEST(DirectoryDisk, ReplacesAWholeFileAtOnce) {
  Folder folder;
  const auto disk = DirectoryDisk::open(folder.path().string()).value();
  ASSERT_TRUE(disk->replace("s/r.json", as_octets("a long first text")));
  ASSERT_TRUE(disk->replace("s/r.json", as_octets("short")));
  EXPECT_EQ(text_of(folder.path() / "s/r.json"), "short");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path() / "s"), {}), 1);
}

TEST(DirectoryDisk, ExtendsByAHoleAndNeverShortens) {
  Folder folder;
  const auto disk = DirectoryDisk::open(folder.path().string()).value();
  const auto file = disk->create("a").value();
  ASSERT_TRUE(file->extend_to(1'000'000));
  ASSERT_TRUE(file->extend_to(10));
  EXPECT_EQ(fs::file_size(folder.path() / "a"), 1'000'000U);
}

TEST(FileWriterOnTmpfs, LeavesHolesOnAFullDiskAndGoesOnWhenThereIsRoom) {
  Folder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "mounting a small tmpfs needs root";
  }
  struct Unmount {
    const fs::path& path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } unmount{folder.path()};
  const auto disk = DirectoryDisk::open(folder.path().string()).value();
  const auto ballast = disk->create("ballast").value();
  ASSERT_TRUE(ballast->write_at(0, std::vector<std::byte>(32 * 1024)));
  FileWriter writer(disk->create("a").value(), 16 * 1024);
  const std::size_t piece = 4096;
  for (std::size_t i = 0; i < 20; ++i) {
    writer.write(i * piece, std::vector<std::byte>(piece, std::byte{'a'}));
  }
  ASSERT_TRUE(writer.trouble());
  EXPECT_EQ(writer.trouble(), Errno(ENOSPC));
  EXPECT_LE(writer.backlog_octets(), 16U * 1024);
  EXPECT_GT(writer.dropped_octets(), 0U);

  ASSERT_EQ(::mount("tmpfs", folder.path().c_str(), "tmpfs", MS_REMOUNT, "size=1m"), 0);
  writer.retry();
  EXPECT_FALSE(writer.trouble());
  const std::string text = text_of(folder.path() / "a");
  ASSERT_EQ(text.size(), 20 * piece);
  EXPECT_EQ(text.front(), 'a');
  EXPECT_EQ(text.back(), 'a');
  EXPECT_EQ(static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\0')),
            writer.dropped_octets());
}

}  // namespace
}  // namespace causeway::io
