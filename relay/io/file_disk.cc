#include "relay/io/file_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace causeway::io {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kFolderMode = 0750;

class SystemFile final : public File {
 public:
  explicit SystemFile(FileDescriptor file) : file_(std::move(file)) {}

  Result<std::size_t, Errno> write_at(std::uint64_t offset, Bytes octets) override {
    for (;;) {
      const ssize_t written =
          ::pwrite(file_.raw(), octets.data(), octets.size(), static_cast<off_t>(offset));
      if (written > 0) return static_cast<std::size_t>(written);
      // A disk that takes nothing and says nothing is a full one (write(2)).
      if (written == 0) return failure(Errno(ENOSPC));
      if (errno != EINTR) return failure(Errno(errno));
    }
  }

  Result<void, Errno> extend_to(std::uint64_t octets) override {
    struct stat now {};
    if (::fstat(file_.raw(), &now) != 0) return failure(Errno(errno));
    if (static_cast<std::uint64_t>(now.st_size) >= octets) return {};
    if (::ftruncate(file_.raw(), static_cast<off_t>(octets)) != 0) return failure(Errno(errno));
    return {};
  }

 private:
  FileDescriptor file_;
};

/// The open folder of a path, and the name that is left.
struct Place {
  FileDescriptor folder;
  std::string name;
};

bool is_ordinary(std::string_view component) {
  return !component.empty() && component != "." && component != ".." &&
         component.find('\0') == std::string_view::npos;
}

Result<FileDescriptor, Errno> enter(int folder, const std::string& name) {
  if (::mkdirat(folder, name.c_str(), kFolderMode) != 0 && errno != EEXIST) {
    return failure(Errno(errno));
  }
  FileDescriptor inner(
      ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!inner) return failure(Errno(errno));
  return inner;
}

Result<Place, Errno> place_of(int root, std::string_view path) {
  Place place{FileDescriptor(::fcntl(root, F_DUPFD_CLOEXEC, 0)), {}};
  if (!place.folder) return failure(Errno(errno));
  for (;;) {
    const std::size_t slash = path.find('/');
    place.name = std::string(path.substr(0, slash));
    if (!is_ordinary(place.name)) return failure(Errno(EINVAL));
    if (slash == std::string_view::npos) return place;
    Result<FileDescriptor, Errno> inner = enter(place.folder.raw(), place.name);
    if (!inner) return failure(inner.error());
    place.folder = std::move(*inner);
    path.remove_prefix(slash + 1);
  }
}

Result<FileDescriptor, Errno> make_file(const Place& place, const std::string& name, int flags) {
  FileDescriptor file(::openat(place.folder.raw(), name.c_str(),
                               O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | flags, kFileMode));
  if (!file) return failure(Errno(errno));
  return file;
}

Result<void, Errno> write_all(File& file, Bytes octets) {
  for (std::uint64_t offset = 0; !octets.empty();) {
    const Result<std::size_t, Errno> written = file.write_at(offset, octets);
    if (!written) return failure(written.error());
    offset += *written;
    octets = octets.subspan(*written);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<DirectoryDisk>, Errno> DirectoryDisk::open(const std::string& root) {
  std::error_code code;
  std::filesystem::create_directories(root, code);
  if (code) return failure(Errno(code.value()));
  FileDescriptor folder(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return failure(Errno(errno));
  return std::unique_ptr<DirectoryDisk>(new DirectoryDisk(std::move(folder)));
}

Result<std::unique_ptr<File>, Errno> DirectoryDisk::create(std::string_view path) {
  const Result<Place, Errno> place = place_of(root_.raw(), path);
  if (!place) return failure(place.error());
  Result<FileDescriptor, Errno> file = make_file(*place, place->name, O_EXCL);
  if (!file) return failure(file.error());
  return std::make_unique<SystemFile>(std::move(*file));
}

Result<void, Errno> DirectoryDisk::replace(std::string_view path, Bytes octets) {
  const Result<Place, Errno> place = place_of(root_.raw(), path);
  if (!place) return failure(place.error());
  const std::string beside = place->name + ".new";
  ::unlinkat(place->folder.raw(), beside.c_str(), 0);  // of a process that died in between
  Result<FileDescriptor, Errno> made = make_file(*place, beside, O_EXCL);
  if (!made) return failure(made.error());
  SystemFile file(std::move(*made));
  Result<void, Errno> done = write_all(file, octets);
  if (done && ::renameat(place->folder.raw(), beside.c_str(), place->folder.raw(),
                         place->name.c_str()) != 0) {
    done = failure(Errno(errno));
  }
  if (!done) ::unlinkat(place->folder.raw(), beside.c_str(), 0);
  return done;
}

Result<void, Errno> DirectoryDisk::remove(std::string_view path) {
  const Result<Place, Errno> place = place_of(root_.raw(), path);
  if (!place) return failure(place.error());
  if (::unlinkat(place->folder.raw(), place->name.c_str(), 0) != 0) return failure(Errno(errno));
  return {};
}

}  // namespace causeway::io
