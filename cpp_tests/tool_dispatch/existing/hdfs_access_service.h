// A STAND-IN for what the reader of docs/tool-dispatch.md already has: an HDFS access service, here over a folder of
// the local disk. Its habits are those of libhdfs, also where they are awkward.
#ifndef COMPTASK_UPGRADE_TESTS_EXISTING_HDFS_ACCESS_SERVICE_H_
#define COMPTASK_UPGRADE_TESTS_EXISTING_HDFS_ACCESS_SERVICE_H_

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace hdfsa {

/// What lies at a path, as hdfsFileInfo has it.
struct FileInfo {
  /// The whole URI, not the last part of it.
  std::string name;
  bool is_folder = false;
  std::int64_t size = 0;
  /// In seconds.
  std::int64_t last_modified_s = 0;
};

/// HDFS by absolute paths, from any thread. Every call answers 0, or -1 with errno.
class IHdfsAccessService {
 public:
  virtual ~IHdfsAccessService() = default;
  /// The children of a folder; of a file, the file.
  virtual int List(const std::string& path, std::vector<FileInfo>& found) = 0;
  /// One path.
  virtual int GetPathInfo(const std::string& path, FileInfo& found) = 0;
  /// The whole file.
  virtual int ReadFile(const std::string& path, std::string& bytes) = 0;
  /// A file with these bytes. Overwrites one that is there, and makes missing parents. With sync the bytes are on the
  /// disks of the DataNodes when it returns, else in their memory.
  virtual int WriteFile(const std::string& path, std::string_view bytes, bool sync) = 0;
  /// A folder and its missing parents.
  virtual int CreateDirectory(const std::string& path) = 0;
  /// Where the target is a folder it moves INTO it; where it is a file, and for most other reasons, EIO.
  virtual int Rename(const std::string& from, const std::string& to) = 0;
  /// A file, or a folder; EIO where nothing is there.
  virtual int Delete(const std::string& path, bool recursive) = 0;
};

/// The service over a folder that stands for the root of HDFS.
class LocalHdfsAccessService : public IHdfsAccessService {
 public:
  explicit LocalHdfsAccessService(std::filesystem::path root) : root_(std::move(root)) {}

  int List(const std::string& path, std::vector<FileInfo>& found) override {
    found.clear();
    FileInfo self;
    if (GetPathInfo(path, self) != 0) return -1;
    if (!self.is_folder) {
      found.push_back(self);
      return 0;
    }
    std::error_code error;
    for (std::filesystem::directory_iterator entry(Local(path), error), end; !error && entry != end;
         entry.increment(error)) {
      FileInfo child;
      if (GetPathInfo(path + "/" + entry->path().filename().string(), child) != 0) return -1;
      found.push_back(child);
    }
    return Answer(error);
  }

  int GetPathInfo(const std::string& path, FileInfo& found) override {
    struct stat status {};
    if (lstat(Local(path).c_str(), &status) != 0) return -1;
    found = {"hdfs://stand-in:8020" + path, S_ISDIR(status.st_mode), S_ISDIR(status.st_mode) ? 0 : status.st_size,
             status.st_mtim.tv_sec};
    return 0;
  }

  int ReadFile(const std::string& path, std::string& bytes) override {
    FileInfo info;
    if (GetPathInfo(path, info) != 0) return -1;
    std::ifstream file(Local(path), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    return file.is_open() && !file.bad() ? 0 : Fail(EIO);
  }

  int WriteFile(const std::string& path, std::string_view bytes, bool sync) override {
    std::error_code error;
    std::filesystem::create_directories(Local(path).parent_path(), error);
    if (error) return Answer(error);
    const int descriptor = open(Local(path).c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) return -1;
    const bool whole = write(descriptor, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
    const bool kept = !sync || fsync(descriptor) == 0;
    return close(descriptor) == 0 && whole && kept ? 0 : Fail(EIO);
  }

  int CreateDirectory(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(Local(path), error);
    return Answer(error);
  }

  int Rename(const std::string& from, const std::string& to) override {
    FileInfo target;
    std::string into = to;
    if (GetPathInfo(to, target) == 0) {
      if (!target.is_folder) return Fail(EIO);
      into = to + from.substr(from.rfind('/'));
      if (GetPathInfo(into, target) == 0) return Fail(EIO);
    }
    return rename(Local(from).c_str(), Local(into).c_str()) == 0 ? 0 : Fail(EIO);
  }

  int Delete(const std::string& path, bool recursive) override {
    FileInfo info;
    if (GetPathInfo(path, info) != 0) return Fail(EIO);
    std::error_code error;
    if (recursive) {
      std::filesystem::remove_all(Local(path), error);
    } else {
      std::filesystem::remove(Local(path), error);
    }
    return Answer(error);
  }

 private:
  [[nodiscard]] std::filesystem::path Local(const std::string& path) const { return root_.string() + path; }
  static int Fail(int reason) {
    errno = reason;
    return -1;
  }
  static int Answer(const std::error_code& error) { return error ? Fail(error.value()) : 0; }

  const std::filesystem::path root_;
};

}  // namespace hdfsa

#endif  // COMPTASK_UPGRADE_TESTS_EXISTING_HDFS_ACCESS_SERVICE_H_
