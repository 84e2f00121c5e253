// The command line of cirrodata-tool.
#ifndef CIRRODATA_TOOL_OPTIONS_H_
#define CIRRODATA_TOOL_OPTIONS_H_

#include <optional>
#include <string>

#include "comptask_upgrade_adapter.h"

namespace cirrodata_tool {

/// The name of the tool that upgrades tasks.
inline constexpr const char* kComptaskUpgradeTool = "comptask-upgrade";

/// What a command line asks for.
struct CommandLine {
  /// The tool to run; empty where a text is all that was asked for.
  std::string tool_name;
  /// The text that answers --help, --version or no tool at all.
  std::string text;
  bool json = false;
  ComptaskUpgradeOptions comptask_upgrade;
  /// Why the command line cannot be meant.
  std::optional<comptask_upgrade::Error> error;
};

/// Reads a command line; never throws for what a user typed.
CommandLine ParseCommandLine(int argument_count, const char* const* arguments);

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_OPTIONS_H_
