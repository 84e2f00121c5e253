#include "terminal_output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstddef>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "json_text.h"

namespace cirrodata_tool {
namespace {

using comptask_upgrade::Code;
using comptask_upgrade::Error;
using comptask_upgrade::LogLevel;
using comptask_upgrade::Progress;
using comptask_upgrade::Stage;

constexpr std::chrono::milliseconds kTerminalPause{100};
constexpr std::chrono::seconds kPlainPause{10};

const char* StageName(Stage stage) {
  switch (stage) {
    case Stage::kCheck:
      return "checking";
    case Stage::kList:
      return "listing";
    case Stage::kConvert:
      return "going through the tasks";
    case Stage::kFinish:
      return "finishing";
    case Stage::kClean:
      return "cleaning";
  }
  return "working";
}

const char* LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kOff:
      break;
    case LogLevel::kError:
      return "error";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kTrace:
      return "trace";
  }
  return "log";
}

std::string ProgressText(const Progress& progress) {
  std::ostringstream text;
  text << StageName(progress.stage);
  // In the other stages nothing is counted.
  if (progress.stage == Stage::kConvert && progress.total != 0) {
    const std::uint64_t seen = progress.done + progress.skipped + progress.failed;
    text << ": " << progress.done << " done, " << progress.skipped << " skipped, " << progress.failed << " failed of "
         << progress.total << " (" << seen * 100 / progress.total << "%)";
  }
  if (progress.per_second > 0) text << std::fixed << std::setprecision(0) << ", " << progress.per_second << "/s";
  if (!progress.current.empty()) text << ", " << progress.current;
  return text.str();
}

// A line that wraps cannot be written over.
std::size_t TerminalWidth() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79U;
}

}  // namespace

TerminalOutput::TerminalOutput(bool json) : json_(json), on_terminal_(isatty(STDERR_FILENO) != 0) {}

void TerminalOutput::ShowReport(const comptask_upgrade::Report& report) {
  const std::lock_guard<std::mutex> guard(mutex_);
  EndProgressLine();
  const std::string_view text = json_ ? report.json() : report.summary();
  // Set before the write: after half a document a second one would only make it worse.
  report_shown_ = true;
  std::cout << text;
  if (text.empty() || text.back() != '\n') std::cout << '\n';
  if (!std::cout.flush()) throw Error(Code::kInternal, "the report could not be written to stdout");
}

void TerminalOutput::ShowProgress(const Progress& progress) {
  const std::lock_guard<std::mutex> guard(mutex_);
  const Clock::time_point now = Clock::now();
  if (!IsDue(progress.stage, now)) return;
  WriteProgress(ProgressText(progress));
  stage_shown_ = progress.stage;
  shown_at_ = now;
}

void TerminalOutput::ShowLog(LogLevel level, std::string_view target, std::string_view message) {
  const std::lock_guard<std::mutex> guard(mutex_);
  EndProgressLine();
  // In brackets, so that a line that begins with "error: " is the one failure that ended the tool.
  std::cerr << '[' << LevelName(level) << "] ";
  // Where in the library a line comes from helps only who looks for a defect.
  if (level >= LogLevel::kDebug) std::cerr << target << ": ";
  std::cerr << message << '\n';
}

void TerminalOutput::ShowText(std::string_view text) {
  const std::lock_guard<std::mutex> guard(mutex_);
  EndProgressLine();
  std::cerr << text;
}

void TerminalOutput::ShowError(const Error& error) {
  const std::lock_guard<std::mutex> guard(mutex_);
  EndProgressLine();
  std::cerr << "error: " << error.message() << '\n';
  if (!error.path().empty()) std::cerr << "  path: " << error.path() << '\n';
  if (!error.task().empty()) std::cerr << "  task: " << error.task() << '\n';
  if (!error.next_action().empty()) std::cerr << "  next: " << error.next_action() << '\n';
  if (json_ && !report_shown_) std::cout << ErrorJson(error) << std::endl;
}

bool TerminalOutput::IsDue(Stage stage, Clock::time_point now) const {
  if (stage_shown_ != stage) return true;
  return now - shown_at_ >= (on_terminal_ ? Clock::duration(kTerminalPause) : Clock::duration(kPlainPause));
}

void TerminalOutput::WriteProgress(const std::string& text) {
  if (on_terminal_) {
    std::cerr << '\r' << text.substr(0, TerminalWidth()) << "\x1b[K" << std::flush;
    line_open_ = true;
  } else {
    std::cerr << text << '\n';
  }
}

void TerminalOutput::EndProgressLine() {
  if (!line_open_) return;
  std::cerr << '\n';
  line_open_ = false;
}

}  // namespace cirrodata_tool
