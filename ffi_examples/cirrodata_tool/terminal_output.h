// TerminalOutput: reports on stdout, everything else on stderr, and the files that keep them.
#ifndef CIRRODATA_TOOL_TERMINAL_OUTPUT_H_
#define CIRRODATA_TOOL_TERMINAL_OUTPUT_H_

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colors.h"
#include "comptask_upgrade.hpp"
#include "log_file.h"
#include "output_options.h"
#include "progress_display.h"
#include "report_file.h"
#include "tool_output.h"

namespace cirrodata_tool {

/// Writes to the process's own streams, in the language and the colours that were chosen, and to the log file and the
/// report file where there are any. Those are in English, as all JSON is.
class TerminalOutput : public ToolOutput {
 public:
  explicit TerminalOutput(OutputOptions options);

  /// Opens the log file and sees that the report file could be written; throws Error where one cannot.
  void OpenFiles();

  void ShowReport(const comptask_upgrade::Report& report) override;
  void ShowProgress(const comptask_upgrade::Progress& progress) override;
  void ShowLog(comptask_upgrade::LogLevel level, std::string_view target, std::string_view message) override;
  void ShowText(std::string_view text) override;

  /// The failure that ends the tool.
  void ShowError(const comptask_upgrade::Error& error);
  /// A line for the log file alone.
  void Note(std::string_view message);
  /// Writes the JSON document, and then what of the tool's own could not be written: after an operation that succeeded,
  /// with a word that it did. The first such failure; none where all was written.
  [[nodiscard]] std::optional<comptask_upgrade::Error> Finish(bool has_succeeded);

 private:
  [[nodiscard]] std::string ReportText(const comptask_upgrade::Report& report) const;
  [[nodiscard]] std::string ErrorText(const comptask_upgrade::Error& error) const;
  void WriteReportFile(std::string_view document, bool is_report);
  void WriteStdout(const std::string& text);
  void WriteError(const comptask_upgrade::Error& error);
  // To the log file and to stderr.
  void WriteText(std::string_view text);
  void WriteLogFile(comptask_upgrade::LogLevel level, std::string_view target, std::string_view message);
  // To stderr, past the bar.
  void Write(const std::string& text);

  const OutputOptions options_;
  const Colors stdout_colors_;
  const Colors stderr_colors_;
  const bool on_terminal_;
  std::mutex mutex_;
  ProgressDisplay progress_;
  std::optional<LogFile> log_file_;
  std::optional<ReportFile> report_file_;
  // The JSON of the report; without one, that of the error.
  std::optional<std::string> report_;
  std::string error_;
  std::vector<comptask_upgrade::Error> own_failures_;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_TERMINAL_OUTPUT_H_
