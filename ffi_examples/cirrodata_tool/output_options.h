// What the tool shows, how, and what it keeps.
#ifndef CIRRODATA_TOOL_OUTPUT_OPTIONS_H_
#define CIRRODATA_TOOL_OUTPUT_OPTIONS_H_

#include <string>

#include "comptask_upgrade.hpp"
#include "language.h"
#include "option_words.h"

namespace cirrodata_tool {

/// The options of the output.
struct OutputOptions {
  /// One JSON document on stdout, whatever happens.
  bool json = false;
  /// The report is of a plan, so its tasks are a table.
  bool plan = false;
  /// The language of the screen.
  Language language = Language::kEnglish;
  /// When colours are used.
  ColorChoice color = ColorChoice::kAuto;
  /// The last level of the log that is on the screen.
  comptask_upgrade::LogLevel screen_level = comptask_upgrade::LogLevel::kWarn;
  /// Where the log is appended; empty for nowhere.
  std::string log_file;
  /// Where the JSON report is kept; empty for nowhere.
  std::string report_file;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_OUTPUT_OPTIONS_H_
