// The command line of cirrodata-tool.
#ifndef CIRRODATA_TOOL_OPTIONS_H_
#define CIRRODATA_TOOL_OPTIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "comptask_upgrade_adapter.h"
#include "file_names.h"
#include "output_options.h"

namespace cirrodata_tool {

/// What a command line asks for.
struct CommandLine {
  /// The tool to run; empty where a text is all that was asked for.
  std::string tool_name;
  /// The text that answers --help, --version, completion, man or no tool at all.
  std::string text;
  OutputOptions output;
  ComptaskUpgradeOptions comptask_upgrade;
  /// The options that count, one a line, each with where it was given. Of KEY=VALUE only the key is there, since a
  /// value may be a secret.
  std::vector<std::string> given;
  /// The configuration file; empty for none.
  std::string config_file;
  /// The files that options name.
  std::vector<NamedFile> files;
  /// Why the command line, or the configuration file, cannot be meant.
  std::optional<comptask_upgrade::Error> error;
};

/// Reads a command line, with the configuration file that it or the environment names; never throws for what a user
/// typed.
CommandLine ParseCommandLine(int argument_count, const char* const* arguments);

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_OPTIONS_H_
