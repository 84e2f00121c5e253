#include "terminal_output.h"

#include <unistd.h>

#include <iostream>
#include <utility>

#include "json_text.h"
#include "plan_table.h"
#include "texts.h"
#include "translation.h"

namespace cirrodata_tool {
namespace {

using comptask_upgrade::Code;
using comptask_upgrade::Error;
using comptask_upgrade::LogLevel;
using comptask_upgrade::Progress;
using comptask_upgrade::Report;

// The tool's own name among the parts of the library that speak.
constexpr std::string_view kTarget = "cirrodata_tool";

// What the library says to the log and, at the end, in the report or the error.
constexpr std::string_view kReportTarget = "comptask_upgrade::report";

// In brackets, so that a line that begins with "error: " is the one failure that ended the tool.
Text LevelText(LogLevel level) {
  switch (level) {
    case LogLevel::kOff:
    case LogLevel::kError:
      return Text::kLevelError;
    case LogLevel::kWarn:
      return Text::kLevelWarn;
    case LogLevel::kInfo:
      return Text::kLevelInfo;
    case LogLevel::kDebug:
      return Text::kLevelDebug;
    case LogLevel::kTrace:
      return Text::kLevelTrace;
  }
  return Text::kLevelTrace;
}

// Whether a report says that this error ended its run; one that came after it has another code.
bool HasError(const std::string& report, const Error& error) {
  return report.find("\"name\": " + JsonString(comptask_upgrade::CodeName(error.code()))) != std::string::npos;
}

// A report with the error document's one member at its end.
std::string WithError(std::string report, const Error& error) {
  report.resize(report.rfind('}'));
  report.resize(report.find_last_not_of(" \n") + 1);
  const std::string document = ErrorJson(error);
  return report + ",\n  " + document.substr(1, document.size() - 2) + "\n}\n";
}

bool BeginsWith(std::string_view text, std::string_view begin) { return text.substr(0, begin.size()) == begin; }

}  // namespace

TerminalOutput::TerminalOutput(OutputOptions options)
    : options_(std::move(options)),
      stdout_colors_(options_.color, STDOUT_FILENO),
      stderr_colors_(options_.color, STDERR_FILENO),
      on_terminal_(IsCapableTerminal(STDERR_FILENO)),
      progress_(on_terminal_, stderr_colors_.are_on(), options_.language) {}

void TerminalOutput::OpenFiles() {
  const std::lock_guard<std::mutex> guard(mutex_);
  if (!options_.log_file.empty()) log_file_.emplace(options_.log_file);
  if (!options_.report_file.empty()) report_file_.emplace(options_.report_file);
}

void TerminalOutput::ShowReport(const Report& report) {
  const std::lock_guard<std::mutex> guard(mutex_);
  progress_.End();
  // Of the tasks those that need a look; the lines of a plan are about every one of them.
  WriteLogFile(LogLevel::kInfo, kTarget, options_.plan ? report.overview() : report.summary());
  WriteReportFile(report.json(), true);
  report_ = report.json();
  // The one JSON document waits for what may go wrong after the run.
  if (!options_.json) WriteStdout(ReportText(report));
}

void TerminalOutput::ShowProgress(const Progress& progress) {
  const std::lock_guard<std::mutex> guard(mutex_);
  progress_.Show(progress);
}

void TerminalOutput::ShowLog(LogLevel level, std::string_view target, std::string_view message) {
  const std::lock_guard<std::mutex> guard(mutex_);
  WriteLogFile(level, target, message);
  if (level > options_.screen_level) return;
  // Once is enough for who did not ask for more.
  if (target == kReportTarget && options_.screen_level < LogLevel::kInfo) return;
  std::string tag = Say(LevelText(level), options_.language);
  if (level == LogLevel::kError) tag = stderr_colors_.Red(tag);
  if (level == LogLevel::kWarn) tag = stderr_colors_.Yellow(tag);
  const std::string now = TimeNow();
  // On a terminal the day is known, and a line is short.
  const std::string time = on_terminal_ ? now.substr(now.find('T') + 1, 8) : now;
  // Where in the library a line comes from helps only who looks for a defect.
  const std::string from = level >= LogLevel::kDebug ? std::string(target) + ": " : "";
  Write(time + ' ' + tag + ' ' + from + Printable(Translated(message, options_.language)) + '\n');
}

void TerminalOutput::ShowText(std::string_view text) {
  const std::lock_guard<std::mutex> guard(mutex_);
  WriteText(text);
}

void TerminalOutput::ShowError(const Error& error) {
  const std::lock_guard<std::mutex> guard(mutex_);
  progress_.End();
  WriteError(error);
  if (!report_) {
    error_ = ErrorJson(error);
    WriteReportFile(error_, false);
  } else if (!HasError(*report_, error)) {
    report_ = WithError(*report_, error);
    WriteReportFile(*report_, true);
  }
}

std::optional<Error> TerminalOutput::Finish(bool has_succeeded) {
  const std::lock_guard<std::mutex> guard(mutex_);
  progress_.End();
  if (options_.json) WriteStdout(report_ ? *report_ : error_);
  if (own_failures_.empty()) return std::nullopt;
  if (has_succeeded) WriteText(English(Text::kOnlyTheReportFailed));
  for (const Error& failure : own_failures_) WriteError(failure);
  return own_failures_.front();
}

void TerminalOutput::Note(std::string_view message) {
  const std::lock_guard<std::mutex> guard(mutex_);
  WriteLogFile(LogLevel::kInfo, kTarget, message);
}

std::string TerminalOutput::ReportText(const Report& report) const {
  std::string text;
  ForEachLine(options_.plan ? report.overview() : report.summary(), [&](std::string_view line) {
    const std::string said = Translated(line, options_.language);
    if (BeginsWith(line, "  phase ")) {
      text += stdout_colors_.Bold(said);
    } else if (BeginsWith(line, "  warning ")) {
      text += stdout_colors_.Yellow(said);
    } else {
      text += said;
    }
    text += '\n';
  });
  // What STATUS saw of the two trees; the other operations have none.
  const std::string_view picture = report.picture();
  if (!picture.empty()) text += '\n';
  ForEachLine(picture, [&](std::string_view line) { text += Translated(line, options_.language) + '\n'; });
  if (!options_.plan) return text;
  const std::string table = PlanTable(report, Columns(STDOUT_FILENO), options_.language);
  return table.empty() ? text : text + '\n' + table;
}

std::string TerminalOutput::ErrorText(const Error& error) const {
  const auto say = [&](Text text, const std::string& argument) {
    return Printable(Say(text, options_.language, {argument})) + '\n';
  };
  const std::string message = say(Text::kError, TranslatedMessage(error, options_.language));
  // The line feed stays out of the colour, which would else run on over the next prompt.
  std::string text = stderr_colors_.Red(message.substr(0, message.size() - 1)) + '\n';
  if (!error.path().empty()) text += say(Text::kErrorPath, error.path());
  if (!error.task().empty()) text += say(Text::kErrorTask, error.task());
  if (!error.next_action().empty()) text += say(Text::kErrorNext, Translated(error.next_action(), options_.language));
  return text;
}

void TerminalOutput::WriteReportFile(std::string_view document, bool is_report) {
  if (!report_file_) return;
  try {
    if (is_report) {
      report_file_->WriteReport(document);
    } else if (!report_file_->WriteError(document)) {
      WriteText(English(Text::kReportFileKept));
    }
  } catch (const Error& error) {
    // It must not hide how the run ended, which is told first.
    own_failures_.push_back(error);
  }
}

void TerminalOutput::WriteStdout(const std::string& text) {
  std::cout << text;
  if (text.empty() || text.back() != '\n') std::cout << '\n';
  if (!std::cout.flush()) {
    own_failures_.emplace_back(Code::kInternal, English(Text::kReportUnwritten), "", "",
                               English(Text::kSeeWhereStdoutLeads));
  }
}

void TerminalOutput::WriteError(const Error& error) {
  WriteLogFile(LogLevel::kError, kTarget,
               std::string(comptask_upgrade::CodeName(error.code())) + ": " + error.message());
  if (!error.path().empty()) WriteLogFile(LogLevel::kError, kTarget, "path: " + error.path());
  if (!error.task().empty()) WriteLogFile(LogLevel::kError, kTarget, "task: " + error.task());
  if (!error.next_action().empty()) WriteLogFile(LogLevel::kError, kTarget, "next: " + error.next_action());
  Write(ErrorText(error));
}

void TerminalOutput::WriteText(std::string_view text) {
  WriteLogFile(LogLevel::kInfo, kTarget, text);
  Write(Translated(text, options_.language));
}

void TerminalOutput::WriteLogFile(LogLevel level, std::string_view target, std::string_view message) {
  if (!log_file_) return;
  const std::optional<Error> lost = log_file_->Write(level, target, message);
  if (lost) Write(ErrorText(*lost));
}

void TerminalOutput::Write(const std::string& text) {
  progress_.Suspend([&] { std::cerr << text << std::flush; });
}

}  // namespace cirrodata_tool
