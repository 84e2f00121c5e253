#include "report_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "comptask_upgrade.hpp"
#include "system_error.h"
#include "texts.h"

namespace cirrodata_tool {
namespace {

using comptask_upgrade::Code;
using comptask_upgrade::Error;

// How far into a document is looked for what it is.
constexpr std::size_t kHeadBytes = 256;

Error Unwritable(int cause, const std::string& path) { return SystemError(Text::kReportFileUnwritable, cause, path); }

// A file beside another, gone again unless it was renamed.
class FileBeside {
 public:
  explicit FileBeside(const std::string& path) : path_(path), name_(path) {
    // A leading dot, so that nobody who looks for reports takes half of one.
    const std::size_t slash = path.rfind('/');
    name_.insert(slash == std::string::npos ? 0 : slash + 1, ".");
    name_ += ".XXXXXX";
    descriptor_ = mkostemp(name_.data(), O_CLOEXEC);
    if (descriptor_ < 0) throw Unwritable(errno, path_);
  }
  FileBeside(const FileBeside&) = delete;
  FileBeside& operator=(const FileBeside&) = delete;
  ~FileBeside() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!is_renamed_) unlink(name_.c_str());
  }

  void Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw Unwritable(errno, path_);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    // Before the rename, so that after a power cut the name has all of it or what was there before.
    if (fsync(descriptor_) != 0) throw Unwritable(errno, path_);
    if (close(std::exchange(descriptor_, -1)) != 0) throw Unwritable(errno, path_);
  }

  void Rename() {
    if (rename(name_.c_str(), path_.c_str()) != 0) throw Unwritable(errno, path_);
    is_renamed_ = true;
  }

 private:
  const std::string path_;
  std::string name_;
  int descriptor_ = -1;
  bool is_renamed_ = false;
};

bool IsOfThisTool(std::string_view head) {
  return head.empty() || head.rfind("{\"error\":{\"code\":", 0) == 0 ||
         (head.front() == '{' && head.find("\"comptask-upgrade/report/") != std::string_view::npos);
}

}  // namespace

ReportFile::ReportFile(std::string path) : path_(std::move(path)) {
  CheckPlace();
  // That the folder can be written is better known before the run than after it.
  const FileBeside probe(path_);
}

void ReportFile::Write(std::string_view document) const {
  FileBeside file(path_);
  std::string text(document);
  if (text.empty() || text.back() != '\n') text += '\n';
  file.Write(text);
  // Somebody may have put something there since.
  CheckPlace();
  file.Rename();
}

void ReportFile::CheckPlace() const {
  struct stat facts {};
  if (lstat(path_.c_str(), &facts) != 0) {
    if (errno == ENOENT) return;
    throw Unwritable(errno, path_);
  }
  std::array<char, kHeadBytes> head{};
  ssize_t length = -1;
  if (S_ISREG(facts.st_mode)) {
    const int descriptor = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) throw Unwritable(errno, path_);
    length = read(descriptor, head.data(), head.size());
    close(descriptor);
  }
  if (length < 0 || !IsOfThisTool({head.data(), static_cast<std::size_t>(length)})) {
    throw Error(Code::kAlreadyExists, English(Text::kReportFileForeign), path_, "", English(Text::kReportFileNext));
  }
}

}  // namespace cirrodata_tool
