// ToolOutput: where the adapter shows what it has to show. A host puts its own in the place of the terminal's.
#ifndef CIRRODATA_TOOL_TOOL_OUTPUT_H_
#define CIRRODATA_TOOL_TOOL_OUTPUT_H_

#include <string_view>

#include "comptask_upgrade.hpp"

namespace cirrodata_tool {

/// Shows reports, progress, log lines and texts. Texts may come from any thread.
class ToolOutput {
 public:
  ToolOutput() = default;
  ToolOutput(const ToolOutput&) = delete;
  ToolOutput& operator=(const ToolOutput&) = delete;
  virtual ~ToolOutput() = default;

  /// The outcome of a run.
  virtual void ShowReport(const comptask_upgrade::Report& report) = 0;
  /// How far a run has come.
  virtual void ShowProgress(const comptask_upgrade::Progress& progress) = 0;
  /// A line of the log.
  virtual void ShowLog(comptask_upgrade::LogLevel level, std::string_view target, std::string_view message) = 0;
  /// A text for the person at the terminal.
  virtual void ShowText(std::string_view text) = 0;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_TOOL_OUTPUT_H_
