#include "log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <ctime>

#include "system_error.h"
#include "texts.h"
#include "translation.h"

namespace cirrodata_tool {
namespace {

using comptask_upgrade::Code;
using comptask_upgrade::Error;
using comptask_upgrade::LogLevel;

// How far into a file is looked for what it is.
constexpr std::size_t kHeadBytes = 256;

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

Error Foreign(const std::string& path) {
  return {Code::kAlreadyExists, English(Text::kLogFileForeign), path, "", English(Text::kLogFileNext)};
}

// Neither follows a link to a file of somebody else's nor waits for the reader of a pipe.
int Open(const std::string& path) {
  constexpr int kFlags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK;
  const int descriptor = open(path.c_str(), kFlags, 0600);
  if (descriptor >= 0) return descriptor;
  // A link, a folder, a socket.
  if (errno == ELOOP || errno == EISDIR || errno == ENXIO) throw Foreign(path);
  throw SystemError(Text::kLogFileUnwritable, errno, path);
}

// Whether a file begins with a line of Write.
bool BeginsAsALog(std::string_view head) {
  constexpr std::string_view kTimeShape = "0000-00-00T00:00:00.000+00:00 ";
  if (head.size() < kTimeShape.size()) return false;
  for (std::size_t index = 0; index < kTimeShape.size(); ++index) {
    const bool is_digit = head[index] >= '0' && head[index] <= '9';
    const bool is_sign = kTimeShape[index] == '+' && head[index] == '-';
    if (kTimeShape[index] == '0' ? !is_digit : head[index] != kTimeShape[index] && !is_sign) return false;
  }
  head.remove_prefix(kTimeShape.size());
  const std::size_t level_end = head.find(' ');
  const std::size_t line_end = head.find('\n');
  const std::size_t target_end = head.find(": ");
  if (target_end == std::string_view::npos || level_end > target_end || target_end > line_end) return false;
  const std::string_view level = head.substr(0, level_end);
  return level == "ERROR" || level == "WARN" || level == "INFO" || level == "DEBUG" || level == "TRACE";
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

LogFile::LogFile(const std::string& path) : path_(path), descriptor_(Open(path)) {
  try {
    CheckContent();
  } catch (...) {
    close(descriptor_);
    throw;
  }
}

LogFile::~LogFile() { close(descriptor_); }

void LogFile::CheckContent() {
  struct stat facts {};
  if (fstat(descriptor_, &facts) != 0) throw SystemError(Text::kLogFileUnwritable, errno, path_);
  // Only the opening must not wait for anybody: a line that a slow terminal has no room for yet is not lost.
  if (fcntl(descriptor_, F_SETFL, O_APPEND) != 0) throw SystemError(Text::kLogFileUnwritable, errno, path_);
  if (S_ISCHR(facts.st_mode)) return;
  if (!S_ISREG(facts.st_mode)) throw Foreign(path_);
  if (facts.st_size == 0) return;
  std::array<char, kHeadBytes> head{};
  const ssize_t length = pread(descriptor_, head.data(), head.size(), 0);
  char last = '\n';
  if (length < 0 || pread(descriptor_, &last, 1, facts.st_size - 1) < 0) {
    throw SystemError(Text::kLogFileUnwritable, errno, path_);
  }
  if (!BeginsAsALog({head.data(), static_cast<std::size_t>(length)})) throw Foreign(path_);
  // What an earlier run could not write to its end must not swallow our first line.
  if (last == '\n') return;
  const int cause = WriteAll(descriptor_, "\n");
  if (cause != 0) throw SystemError(Text::kLogFileUnwritable, cause, path_);
}

std::optional<Error> LogFile::Write(LogLevel level, std::string_view target, std::string_view message) {
  if (is_lost_) return std::nullopt;
  const std::string head = TimeNow() + ' ' + LevelWord(level) + ' ' + std::string(target) + ": ";
  std::string lines;
  ForEachLine(message, [&](std::string_view line) { lines += head + Printable(line) + '\n'; });
  // In one call, so that two runs that append to one file do not mix their lines.
  const int cause = WriteAll(descriptor_, lines);
  if (cause == 0) return std::nullopt;
  // For good: a log that went on once the disk has room again would hide that lines are missing.
  is_lost_ = true;
  return SystemError(Text::kLogFileLost, cause, path_, Text::kLogFileLostNext);
}

}  // namespace cirrodata_tool
