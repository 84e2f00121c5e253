// TerminalOutput: reports on stdout, everything else on stderr.
#ifndef CIRRODATA_TOOL_TERMINAL_OUTPUT_H_
#define CIRRODATA_TOOL_TERMINAL_OUTPUT_H_

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "comptask_upgrade.hpp"
#include "tool_output.h"

namespace cirrodata_tool {

/// Writes to the process's own streams. On a terminal the progress is one line written over and over; elsewhere it is
/// a line when the stage changes and at most one in ten seconds.
class TerminalOutput : public ToolOutput {
 public:
  /// With json, stdout gets one JSON document, whatever happens.
  explicit TerminalOutput(bool json);

  void ShowReport(const comptask_upgrade::Report& report) override;
  void ShowProgress(const comptask_upgrade::Progress& progress) override;
  void ShowLog(comptask_upgrade::LogLevel level, std::string_view target, std::string_view message) override;
  void ShowText(std::string_view text) override;

  /// The failure that ends the tool.
  void ShowError(const comptask_upgrade::Error& error);

 private:
  using Clock = std::chrono::steady_clock;

  bool IsDue(comptask_upgrade::Stage stage, Clock::time_point now) const;
  void WriteProgress(const std::string& text);
  void EndProgressLine();

  const bool json_;
  const bool on_terminal_;
  std::mutex mutex_;
  bool report_shown_ = false;
  bool line_open_ = false;
  std::optional<comptask_upgrade::Stage> stage_shown_;
  Clock::time_point shown_at_;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_TERMINAL_OUTPUT_H_
