#include "report_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

// What lies where the report file is to be.
enum class Content { kNothing, kError, kReport, kForeign };

// An error document of this tool: no other program's error has a name like that.
bool IsError(std::string_view head) {
  constexpr std::string_view kBegin = "{\"error\":{\"code\":";
  if (head.substr(0, kBegin.size()) != kBegin) return false;
  head.remove_prefix(kBegin.size());
  head.remove_prefix(std::min(head.find_first_not_of("0123456789"), head.size()));
  constexpr std::string_view kName = ",\"name\":\"CTU_";
  return head.substr(0, kName.size()) == kName;
}

Content ContentOf(std::string_view head) {
  if (head.empty()) return Content::kNothing;
  if (IsError(head)) return Content::kError;
  const bool is_report = head.front() == '{' && head.find("\"comptask-upgrade/report/") != std::string_view::npos;
  return is_report ? Content::kReport : Content::kForeign;
}

// What is there; throws Error where it is nothing of this tool's.
Content Look(const std::string& path) {
  struct stat facts {};
  if (lstat(path.c_str(), &facts) != 0) {
    if (errno == ENOENT) return Content::kNothing;
    throw Unwritable(errno, path);
  }
  Content content = Content::kForeign;
  if (S_ISREG(facts.st_mode)) {
    std::array<char, kHeadBytes> head{};
    // A pipe that took the place since is not waited for.
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) throw Unwritable(errno, path);
    const ssize_t length = read(descriptor, head.data(), head.size());
    close(descriptor);
    if (length >= 0) content = ContentOf({head.data(), static_cast<std::size_t>(length)});
  }
  if (content == Content::kForeign) {
    throw Error(Code::kAlreadyExists, English(Text::kReportFileForeign), path, "", English(Text::kReportFileNext));
  }
  return content;
}

}  // namespace

ReportFile::ReportFile(std::string path) : path_(std::move(path)) {
  (void)Look(path_);
  // That the folder can be written is better known before the run than after it.
  const FileBeside probe(path_);
}

void ReportFile::WriteReport(std::string_view document) const { (void)Write(document, true); }

bool ReportFile::WriteError(std::string_view document) const { return Write(document, false); }

bool ReportFile::Write(std::string_view document, bool may_replace_report) const {
  FileBeside file(path_);
  std::string text(document);
  if (text.empty() || text.back() != '\n') text += '\n';
  file.Write(text);
  // Looked at last, since somebody may have put something there since.
  if (Look(path_) == Content::kReport && !may_replace_report) return false;
  file.Rename();
  return true;
}

}  // namespace cirrodata_tool
