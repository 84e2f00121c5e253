#include "options.h"

#include <CLI/CLI.hpp>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "cluster_flags.h"
#include "help_text.h"
#include "usage_error.h"

namespace cirrodata_tool {
namespace {

using comptask_upgrade::Error;
using comptask_upgrade::LogLevel;
using comptask_upgrade::Operation;
using comptask_upgrade::Placement;
using comptask_upgrade::RecoveryMode;

// Options that need a second look after CLI11 has read them.
struct RawOptions {
  int verbosity = 0;
  std::string mode;
  std::string placement;
  ClusterFlags cluster;
};

// Found by hand, since an error must be JSON too where the command line cannot be read.
bool AsksForJson(int argument_count, const char* const* arguments) {
  for (int index = 1; index < argument_count; ++index) {
    if (std::string_view(arguments[index]) == "--json") return true;
  }
  return false;
}

// An option that means something to some operations only.
struct LimitedOption {
  const char* name;
  std::set<std::string> operations;
};

const std::vector<LimitedOption>& LimitedOptions() {
  static const std::vector<LimitedOption> kOptions{
      {"--catalog", {"upgrade"}},
      {"--online-nodes", {"upgrade", "recovery"}},
      {"--assume-offline", {"upgrade", "recovery"}},
      {"--online", {"upgrade"}},
      {"--zookeeper-registry-path", {"upgrade", "recovery"}},
      {"--reopen", {"upgrade"}},
      {"--placement", {"upgrade"}},
      {"--mode", {"recovery"}},
      {"--plan", {"upgrade", "recovery", "delete"}},
      {"--verify", {"status", "upgrade", "delete"}},
      {"--force", {"recovery", "delete"}},
  };
  return kOptions;
}

void AddOptions(CLI::App& tool, CommandLine& line, RawOptions& raw) {
  ComptaskUpgradeOptions& options = line.comptask_upgrade;
  tool.add_option("operation", options.operation, "status, upgrade, recovery or delete")->required();
  tool.add_option("--root", options.root, "the cluster.compact folder, a path or a URI")->type_name("URI")->required();
  tool.add_option("--catalog", options.catalog_file, "upgrade: JSON snapshot of schemas, process groups and nodes")
      ->type_name("FILE");
  auto* online_nodes = tool.add_option("--online-nodes", options.online_nodes_file,
                                       "upgrade, recovery: file with one online node a line")
                           ->type_name("FILE");
  auto* assume_offline = tool.add_flag("--assume-offline", options.assume_offline,
                                       "upgrade, recovery: your word that every node is offline");
  auto* online =
      tool.add_flag("--online", options.online, "upgrade: nodes are up and have stopped scheduling V1 tasks");
  online_nodes->excludes(assume_offline)->excludes(online);
  assume_offline->excludes(online);
  AddClusterFlags(tool, raw.cluster);
  tool.add_flag("--reopen", options.reopen, "upgrade: take in V1 tasks that turned up after the upgrade was complete");
  tool.add_option("--placement", raw.placement, "upgrade: schema (the default), entry-node or entry-node-or-schema")
      ->type_name("RULE");
  tool.add_option("--mode", raw.mode, "recovery: auto (the default), cancel, downgrade_old or downgrade")
      ->type_name("MODE");
  tool.add_flag("--plan", options.plan, "upgrade, recovery, delete: do everything but write, and list each action");
  tool.add_flag("--verify", options.verify, "status, upgrade, delete: compare every converted task with its V1 task");
  tool.add_flag("--force", options.force, "recovery, delete: go on where the error said that --force would");
  tool.add_option("--in-flight", options.in_flight, "calls under way at a time; 0 (the default) suits the storage")
      ->type_name("N");
  tool.add_flag("--json", line.json, "one JSON document on stdout");
  tool.add_flag("-v,--verbose", raw.verbosity, "more log on stderr: -v info, -vv debug");
}

std::string Listed(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// The meaning of a word; throws UsageError, with the words there are, where it has none.
template <typename Meaning>
Meaning MeaningOf(const std::string& what, const std::string& word, const std::map<std::string, Meaning>& meanings,
                  const std::string& allowed) {
  const auto found = meanings.find(word);
  if (found == meanings.end()) throw UsageError("there is no " + what + " '" + word + "'; there are: " + allowed);
  return found->second;
}

RecoveryMode ModeOf(const std::string& word) {
  static const std::map<std::string, RecoveryMode> kModes{{"auto", RecoveryMode::kAuto},
                                                          {"cancel", RecoveryMode::kCancel},
                                                          {"downgrade_old", RecoveryMode::kDowngradeOld},
                                                          {"downgrade-old", RecoveryMode::kDowngradeOld},
                                                          {"downgrade", RecoveryMode::kDowngrade}};
  return MeaningOf("recovery mode", word, kModes, "auto, cancel, downgrade_old, downgrade");
}

Placement PlacementOf(const std::string& word) {
  static const std::map<std::string, Placement> kRules{{"schema", Placement::kBySchema},
                                                       {"entry-node", Placement::kByEntryNode},
                                                       {"entry-node-or-schema", Placement::kByEntryNodeOrSchema}};
  return MeaningOf("placement", word, kRules, "schema, entry-node, entry-node-or-schema");
}

// Takes over what CLI11 could not judge by itself; throws UsageError.
void Settle(const CLI::App& tool, ComptaskUpgradeOptions& options, const RawOptions& raw) {
  const std::string& operation = options.operation;
  // A word that is no operation is left to the adapter, which lists those there are.
  if (comptask_upgrade::ParseOperation(operation) == Operation::kInvalid) return;
  for (const LimitedOption& option : LimitedOptions()) {
    if (tool.count(option.name) != 0 && option.operations.count(operation) == 0) {
      throw UsageError(std::string(option.name) + " means nothing to " + operation + "; it goes with " +
                       Listed(option.operations));
    }
  }
  if (operation == "upgrade" && options.catalog_file.empty()) throw UsageError("upgrade needs --catalog");
  SettleClusterFlags(tool, raw.cluster, options);
  if (tool.count("--mode") != 0) options.recovery_mode = ModeOf(raw.mode);
  if (tool.count("--placement") != 0) options.placement = PlacementOf(raw.placement);
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
    Settle(*tool, line.comptask_upgrade, raw);
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
