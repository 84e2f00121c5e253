// LogFile: the log that stays.
#ifndef CIRRODATA_TOOL_LOG_FILE_H_
#define CIRRODATA_TOOL_LOG_FILE_H_

#include <optional>
#include <string>
#include <string_view>

#include "comptask_upgrade.hpp"

namespace cirrodata_tool {

/// The time now in the local zone, as RFC 3339 with milliseconds.
std::string TimeNow();

/// A file that lines are appended to, each with its time, level and target. Made for its owner alone. A file that is
/// there is taken only where it is empty or begins with such a line; so is a character device, such as /dev/null. One
/// thread at a time.
class LogFile {
 public:
  /// Opens the file; throws Error, with its path, where it cannot be written or is no log.
  explicit LogFile(const std::string& path);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  /// Appends a message, each line of it as a line of its own. The error, once, where that fails: the run must
  /// go on, and the log ends there.
  std::optional<comptask_upgrade::Error> Write(comptask_upgrade::LogLevel level, std::string_view target,
                                               std::string_view message);

 private:
  void CheckContent();

  const std::string path_;
  int descriptor_;
  bool is_lost_ = false;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_LOG_FILE_H_
