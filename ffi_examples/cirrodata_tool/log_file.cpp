#include "log_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "system_error.h"
#include "texts.h"
#include "translation.h"

namespace cirrodata_tool {
namespace {

using comptask_upgrade::Error;
using comptask_upgrade::LogLevel;

const char* LevelWord(LogLevel level) {
  switch (level) {
    case LogLevel::kOff:
      break;
    case LogLevel::kError:
      return "ERROR";
    case LogLevel::kWarn:
      return "WARN";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kTrace:
      return "TRACE";
  }
  return "LOG";
}

// 0, or the cause.
int WriteAll(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

std::string TimeNow() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &local);
  const long minutes = local.tm_gmtoff / 60;
  const long offset = minutes < 0 ? -minutes : minutes;
  std::array<char, 32> rest{};
  std::snprintf(rest.data(), rest.size(), ".%03d%c%02ld:%02ld", static_cast<int>(since % 1000), minutes < 0 ? '-' : '+',
                offset / 60, offset % 60);
  return std::string(date.data()) + rest.data();
}

LogFile::LogFile(const std::string& path)
    : path_(path), descriptor_(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600)) {
  if (descriptor_ < 0) throw SystemError(Text::kLogFileUnwritable, errno, path);
}

LogFile::~LogFile() { close(descriptor_); }

std::optional<Error> LogFile::Write(LogLevel level, std::string_view target, std::string_view message) {
  const std::string head = TimeNow() + ' ' + LevelWord(level) + ' ' + std::string(target) + ": ";
  std::string lines;
  ForEachLine(message, [&](std::string_view line) { lines += head + Printable(line) + '\n'; });
  // In one call, so that two runs that append to one file do not mix their lines.
  const int cause = WriteAll(descriptor_, lines);
  if (cause == 0 || is_lost_) return std::nullopt;
  is_lost_ = true;
  return SystemError(Text::kLogFileLost, cause, path_);
}

}  // namespace cirrodata_tool
