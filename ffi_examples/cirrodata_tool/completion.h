// The completions of shells.
#ifndef CIRRODATA_TOOL_COMPLETION_H_
#define CIRRODATA_TOOL_COMPLETION_H_

#include <string>

namespace CLI {
class App;
}

namespace cirrodata_tool {

/// The script for a shell, from the options that CLI11 knows: `app` has the tools, `tool` is comptask-upgrade. Throws
/// UsageError for a shell that is not known.
std::string Completion(const CLI::App& app, const CLI::App& tool, const std::string& shell);

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_COMPLETION_H_
