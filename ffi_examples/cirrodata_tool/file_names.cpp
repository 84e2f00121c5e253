#include "file_names.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>

#include "texts.h"
#include "usage_error.h"

namespace cirrodata_tool {
namespace {

namespace fs = std::filesystem;

// Where a path leads, as far as it is there; none where nobody can tell, which the opening of the file will say.
std::optional<fs::path> Resolved(const std::string& path) {
  std::error_code cause;
  const fs::path absolute = fs::absolute(path, cause);
  if (cause) return std::nullopt;
  const fs::path resolved = fs::weakly_canonical(absolute, cause).lexically_normal();
  if (cause) return std::nullopt;
  return resolved;
}

bool IsWritten(const NamedFile& file) { return file.option == "--log-file" || file.option == "--report-file"; }

bool AreOne(const NamedFile& left, const NamedFile& right) {
  struct stat left_facts {};
  struct stat right_facts {};
  const bool left_is_there = stat(left.path.c_str(), &left_facts) == 0;
  const bool right_is_there = stat(right.path.c_str(), &right_facts) == 0;
  if (left_is_there != right_is_there) return false;
  if (left_is_there) {
    return !S_ISCHR(left_facts.st_mode) && left_facts.st_dev == right_facts.st_dev &&
           left_facts.st_ino == right_facts.st_ino;
  }
  // Whoever would read a file that is not there says so.
  if (!IsWritten(left) && !IsWritten(right)) return false;
  const auto left_path = Resolved(left.path);
  return left_path && left_path == Resolved(right.path);
}

// The folder of a root on the local disk; none for a root elsewhere.
std::optional<fs::path> LocalFolder(const std::string& root) {
  constexpr std::string_view kScheme = "file://";
  if (root.rfind(kScheme, 0) == 0) return Resolved(root.substr(kScheme.size()));
  if (root.empty() || root.find("://") != std::string::npos) return std::nullopt;
  return Resolved(root);
}

}  // namespace

void CheckFilesDiffer(const std::vector<NamedFile>& files) {
  for (std::size_t first = 0; first < files.size(); ++first) {
    for (std::size_t second = first + 1; second < files.size(); ++second) {
      if (!AreOne(files[first], files[second])) continue;
      throw UsageError(English(Text::kSameFile, {files[first].option, files[second].option}), files[second].path);
    }
  }
}

void CheckFilesAreOutside(const std::string& root, const std::vector<NamedFile>& files) {
  const auto folder = LocalFolder(root);
  if (!folder) return;
  for (const NamedFile& file : files) {
    if (!IsWritten(file)) continue;
    const auto path = Resolved(file.path);
    // A root that ends in a slash has an empty last part.
    const auto end = folder->filename().empty() ? std::prev(folder->end()) : folder->end();
    if (path && std::mismatch(folder->begin(), end, path->begin(), path->end()).first == end) {
      throw UsageError(English(Text::kFileInTree, {file.option}), file.path);
    }
  }
}

}  // namespace cirrodata_tool
