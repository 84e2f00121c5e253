#include "options.h"

#include <CLI/CLI.hpp>
#include <map>
#include <string_view>

#include "help_text.h"

namespace cirrodata_tool {
namespace {

using comptask_upgrade::Code;
using comptask_upgrade::Error;
using comptask_upgrade::LogLevel;
using comptask_upgrade::RecoveryMode;

// Options that need a second look after CLI11 has read them.
struct RawOptions {
  int verbosity = 0;
  std::string recovery_mode;
};

// Found by hand, since an error must be JSON too where the command line cannot be read.
bool AsksForJson(int argument_count, const char* const* arguments) {
  for (int index = 1; index < argument_count; ++index) {
    if (std::string_view(arguments[index]) == "--json") return true;
  }
  return false;
}

Error UsageError(const std::string& message) {
  return {Code::kInvalidArgument, message, "", "", "see cirrodata-tool comptask-upgrade --help"};
}

void AddOptions(CLI::App& tool, CommandLine& line, RawOptions& raw) {
  ComptaskUpgradeOptions& options = line.comptask_upgrade;
  tool.add_option("operation", options.operation, "status, upgrade, recovery or delete")->required();
  tool.add_option("--root", options.root, "the cluster.compact folder, a path or a URI")->type_name("URI")->required();
  tool.add_option("--catalog", options.catalog_file, "JSON snapshot of schemas, process groups and nodes")
      ->type_name("FILE");
  auto* online_nodes = tool.add_option("--online-nodes", options.online_nodes_file, "file with one online node a line")
                           ->type_name("FILE");
  auto* assume_offline =
      tool.add_flag("--assume-offline", options.assume_offline, "your word that every node is offline");
  online_nodes->excludes(assume_offline);
  tool.add_option("--in-flight", options.in_flight, "calls under way at a time; 0 (the default) suits the storage")
      ->type_name("N");
  tool.add_flag("--plan", options.plan, "do everything but write, and list each action");
  tool.add_flag("--verify", options.verify, "compare every converted task with its V1 task");
  tool.add_flag("--force", options.force, "go on where the error said that --force would");
  tool.add_option("--recovery-mode", raw.recovery_mode, "auto (the default), cancel, downgrade_old or downgrade")
      ->type_name("MODE");
  tool.add_flag("--json", line.json, "one JSON document on stdout");
  tool.add_flag("-v,--verbose", raw.verbosity, "more log on stderr: -v info, -vv debug");
}

// Takes over what CLI11 could not judge by itself; throws UsageError.
void Settle(ComptaskUpgradeOptions& options, const RawOptions& raw) {
  static const std::map<std::string, RecoveryMode> kRecoveryModes{{"auto", RecoveryMode::kAuto},
                                                                  {"cancel", RecoveryMode::kCancel},
                                                                  {"downgrade_old", RecoveryMode::kDowngradeOld},
                                                                  {"downgrade", RecoveryMode::kDowngrade}};
  if (options.operation == "upgrade" && options.catalog_file.empty()) throw UsageError("upgrade needs --catalog");
  if (options.operation == "upgrade" && options.online_nodes_file.empty() && !options.assume_offline) {
    throw UsageError("upgrade needs --online-nodes or --assume-offline");
  }
  if (!raw.recovery_mode.empty()) {
    if (options.operation != "recovery") throw UsageError("--recovery-mode goes with recovery only");
    const auto mode = kRecoveryModes.find(raw.recovery_mode);
    if (mode == kRecoveryModes.end()) throw UsageError("there is no recovery mode '" + raw.recovery_mode + "'");
    options.recovery_mode = mode->second;
  }
  if (raw.verbosity == 1) options.log_level = LogLevel::kInfo;
  if (raw.verbosity > 1) options.log_level = LogLevel::kDebug;
}

}  // namespace

CommandLine ParseCommandLine(int argument_count, const char* const* arguments) {
  CommandLine line;
  RawOptions raw;
  const std::string version = std::string("cirrodata-tool, comptask-upgrade ") + ctu_version() + "\n";

  CLI::App app("Offline tools of CirroData.", "cirrodata-tool");
  app.require_subcommand(0, 1);
  app.set_version_flag("--version", version, "print the version and end");
  CLI::App* tool = app.add_subcommand(kComptaskUpgradeTool, "Upgrades compaction tasks from V1 to V2.");
  tool->set_version_flag("--version", version, "print the version and end");
  tool->footer(kComptaskUpgradeHelp);
  AddOptions(*tool, line, raw);

  try {
    app.parse(argument_count, arguments);
    if (!tool->parsed()) {
      line.text = app.help();
      return line;
    }
    Settle(line.comptask_upgrade, raw);
    line.tool_name = kComptaskUpgradeTool;
  } catch (const CLI::CallForHelp&) {
    line.text = tool->parsed() ? tool->help(app.get_name()) : app.help() + "\n" + tool->help(app.get_name());
  } catch (const CLI::CallForVersion&) {
    line.text = version;
  } catch (const CLI::ParseError& error) {
    line.error = UsageError(error.what());
  } catch (const Error& error) {
    line.error = error;
  }
  line.json = line.json || AsksForJson(argument_count, arguments);
  return line;
}

}  // namespace cirrodata_tool
