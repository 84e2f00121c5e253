// The tools and their options, as CLI11 knows them: for reading a command line, for the help, the completions and the
// manual page.
#ifndef CIRRODATA_TOOL_TOOL_COMMANDS_H_
#define CIRRODATA_TOOL_TOOL_COMMANDS_H_

#include <array>
#include <string>

#include "cluster_flags.h"
#include "comptask_upgrade_adapter.h"
#include "language.h"
#include "output_options.h"

namespace CLI {
class App;
}

namespace cirrodata_tool {

/// The names of the tools.
inline constexpr const char* kComptaskUpgradeTool = "comptask-upgrade";
inline constexpr const char* kCompletionTool = "completion";
inline constexpr const char* kManTool = "man";

/// The environment variable that names a configuration file.
inline constexpr const char* kConfigVariable = "CIRRODATA_TOOL_CONFIG";

/// The options that somebody answers for in one run, and that no configuration file may hold.
inline constexpr std::array<const char*, 4> kWordsAboutOneRun{"--force", "--assume-offline", "--online", "--reopen"};

/// Options that need a second look after CLI11 has read them.
struct RawOptions {
  int verbosity = 0;
  std::string mode;
  std::string placement;
  std::string color;
  std::string language;
  ClusterFlags cluster;
};

/// What --version says.
std::string VersionText();

/// Sets up the list of the tools. `shell` gets the shell whose completion is asked for.
void SetUpTools(CLI::App& app, std::string& shell, std::string& language_word, Language language);

/// Sets up comptask-upgrade: its options and its configuration file.
void SetUpComptaskUpgrade(CLI::App& tool, ComptaskUpgradeOptions& options, OutputOptions& output, RawOptions& raw,
                          Language language);

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_TOOL_COMMANDS_H_
