#include "tool_commands.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "config_file.h"
#include "texts.h"

namespace cirrodata_tool {
namespace {

void SetLabels(CLI::App& app, Language language) {
  const auto formatter = app.get_formatter();
  formatter->label("Usage", Say(Text::kUsageLabel, language));
  formatter->label("OPTIONS", Say(Text::kOptionsLabel, language));
  formatter->label("Positionals", Say(Text::kPositionalsLabel, language));
  formatter->label("SUBCOMMAND", Say(Text::kToolLabel, language));
  formatter->label("REQUIRED", Say(Text::kRequiredLabel, language));
  formatter->label("Needs", Say(Text::kNeedsLabel, language));
  formatter->label("Excludes", Say(Text::kExcludesLabel, language));
}

// The options that every command has.
void AddGeneralOptions(CLI::App& app, std::string& language_word, Language language) {
  const std::string group = Say(Text::kGroupGeneral, language);
  app.set_help_flag("-h,--help", Say(Text::kHelp, language))->group(group);
  app.set_version_flag("--version", VersionText(), Say(Text::kVersion, language))->group(group);
  app.add_option("--language", language_word, Say(Text::kLanguage, language))->type_name("LANGUAGE")->group(group);
}

}  // namespace

std::string VersionText() { return std::string("cirrodata-tool, comptask-upgrade ") + ctu_version() + "\n"; }

void SetUpTools(CLI::App& app, std::string& shell, std::string& language_word, Language language) {
  const auto say = [&](Text text) { return Say(text, language); };
  SetLabels(app, language);
  AddGeneralOptions(app, language_word, language);
  app.require_subcommand(0, 1);
  app.fallthrough();
  // It is read as a command line of its own; here it is in the list.
  app.add_subcommand(kComptaskUpgradeTool, say(Text::kComptaskUpgrade))->group(say(Text::kToolsLabel));
  CLI::App* completion = app.add_subcommand(kCompletionTool, say(Text::kCompletion))->group(say(Text::kToolsLabel));
  completion->set_help_flag("-h,--help", say(Text::kHelp))->group(say(Text::kGroupGeneral));
  completion->add_option("shell", shell, say(Text::kCompletionShell))->required();
  CLI::App* man = app.add_subcommand(kManTool, say(Text::kMan))->group(say(Text::kToolsLabel));
  man->set_help_flag("-h,--help", say(Text::kHelp))->group(say(Text::kGroupGeneral));
}

void SetUpComptaskUpgrade(CLI::App& tool, ComptaskUpgradeOptions& options, OutputOptions& output, RawOptions& raw,
                          Language language) {
  const auto say = [&](Text text) { return Say(text, language); };
  SetLabels(tool, language);

  const std::string tree = say(Text::kGroupTree);
  tool.add_option("operation", options.operation, say(Text::kOperation))->required()->configurable(false);
  tool.add_option("--root", options.root, say(Text::kRoot))->type_name("URI")->required()->group(tree);
  tool.add_option("--catalog", options.catalog_file, say(Text::kCatalog))->type_name("FILE")->group(tree);

  const std::string nodes = say(Text::kGroupNodes);
  auto* online_nodes =
      tool.add_option("--online-nodes", options.online_nodes_file, say(Text::kOnlineNodes))->type_name("FILE");
  auto* assume_offline = tool.add_flag("--assume-offline", options.assume_offline, say(Text::kAssumeOffline));
  auto* online = tool.add_flag("--online", options.online, say(Text::kOnline));
  online_nodes->excludes(assume_offline)->excludes(online)->group(nodes);
  assume_offline->excludes(online)->group(nodes);
  online->group(nodes);

  const std::string run = say(Text::kGroupRun);
  tool.add_flag("--plan", options.plan, say(Text::kPlan))->group(run);
  tool.add_flag("--verify", options.verify, say(Text::kVerify))->group(run);
  tool.add_flag("--force", options.force, say(Text::kForce))->group(run);
  tool.add_flag("--reopen", options.reopen, say(Text::kReopen))->group(run);
  tool.add_option("--placement", raw.placement, say(Text::kPlacement))->type_name("RULE")->group(run);
  tool.add_option("--mode", raw.mode, say(Text::kMode))->type_name("MODE")->group(run);
  tool.add_option("--in-flight", options.in_flight, say(Text::kInFlight))->type_name("N")->group(run);

  // Somebody's word about one run, that what it allows is right there and then.
  for (const char* name : kWordsAboutOneRun) tool.get_option(name)->configurable(false);

  AddClusterFlags(tool, raw.cluster, language);

  const std::string shown = say(Text::kGroupOutput);
  tool.add_flag("--json", output.json, say(Text::kJson))->group(shown);
  tool.add_option("--report-file", output.report_file, say(Text::kReportFile))->type_name("FILE")->group(shown);
  tool.add_option("--log-file", output.log_file, say(Text::kLogFile))->type_name("FILE")->group(shown);
  tool.add_flag("-v,--verbose", raw.verbosity, say(Text::kVerbose))->group(shown);
  tool.add_option("--color", raw.color, say(Text::kColor))->type_name("WHEN")->group(shown);

  tool.set_config("--config", "", say(Text::kConfig))->type_name("FILE")->group(say(Text::kGroupGeneral));
  tool.config_formatter(std::make_shared<ConfigFile>(tool, kComptaskUpgradeTool));
  tool.allow_config_extras(CLI::config_extras_mode::error);
  AddGeneralOptions(tool, raw.language, language);
  tool.footer(say(Text::kComptaskUpgradeHelp));
}

}  // namespace cirrodata_tool
