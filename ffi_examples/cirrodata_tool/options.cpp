#include "options.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <system_error>
#include <vector>

#include "cluster_flags.h"
#include "completion.h"
#include "config_file.h"
#include "locale_language.h"
#include "man_page.h"
#include "option_words.h"
#include "texts.h"
#include "tool_commands.h"
#include "usage_error.h"

namespace cirrodata_tool {
namespace {

using comptask_upgrade::Error;
using comptask_upgrade::LogLevel;
using comptask_upgrade::Operation;
using Words = std::vector<std::string>;

// What a command line gives an option; found by hand, where an error must be JSON, or Chinese, although the command
// line cannot be read.
std::optional<std::string> Given(const Words& words, std::string_view option) {
  for (std::size_t index = 0; index < words.size(); ++index) {
    const std::string& word = words[index];
    if (word == option) return index + 1 < words.size() ? words[index + 1] : "";
    if (word.rfind(std::string(option) + '=', 0) == 0) return word.substr(option.size() + 1);
  }
  return std::nullopt;
}

// The language of the command line, else that of the locale. A word that is no language is refused later.
Language LanguageFor(const Words& words) {
  const std::optional<std::string> word = Given(words, "--language");
  if (word == "en") return Language::kEnglish;
  if (word == "zh") return Language::kChinese;
  return LanguageOfLocale();
}

std::string Listed(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// Takes over what is about the output, so that an error in the rest can be kept as it asks for.
void SettleOutput(CommandLine& line, const RawOptions& raw) {
  OutputOptions& output = line.output;
  output.plan = line.comptask_upgrade.plan;
  if (raw.verbosity == 1) output.screen_level = LogLevel::kInfo;
  if (raw.verbosity > 1) output.screen_level = LogLevel::kDebug;
  if (!raw.color.empty()) output.color = ColorOf(raw.color);
  if (!raw.language.empty()) output.language = LanguageOf(raw.language);
}

// Takes over what CLI11 could not judge by itself; throws UsageError.
void Settle(const CLI::App& tool, CommandLine& line, const RawOptions& raw) {
  SettleOutput(line, raw);
  ComptaskUpgradeOptions& options = line.comptask_upgrade;
  const std::string& operation = options.operation;
  // A word that is no operation is left to the adapter, which lists those there are.
  if (comptask_upgrade::ParseOperation(operation) == Operation::kInvalid) return;
  for (const CLI::Option* option : tool.get_options()) {
    const std::string name = option->get_name();
    const std::set<std::string>& operations = OperationsOf(name);
    if (option->count() != 0 && !operations.empty() && operations.count(operation) == 0) {
      throw UsageError(English(Text::kMeansNothing, {name, operation, Listed(operations)}));
    }
  }
  if (operation == "upgrade" && options.catalog_file.empty()) throw UsageError(English(Text::kUpgradeNeedsCatalog));
  SettleClusterFlags(tool, raw.cluster, options);
  if (tool.count("--mode") != 0) options.recovery_mode = ModeOf(raw.mode);
  if (tool.count("--placement") != 0) options.placement = PlacementOf(raw.placement);
  options.log_level = line.output.screen_level;
  // The file is for whoever asks later what happened, so it has more than a quiet screen.
  if (!line.output.log_file.empty()) options.log_level = std::max(options.log_level, LogLevel::kInfo);
}

// CLI11 takes words from the end.
void Parse(CLI::App& app, Words words) {
  std::reverse(words.begin(), words.end());
  app.parse(std::move(words));
}

// An empty value would be taken for an option that is not given.
void RefuseEmpty(const CLI::App& tool) {
  for (const char* name : {"--color", "--language", "--log-file", "--report-file", "--config"}) {
    const CLI::Option* option = tool.get_option(name);
    if (option->count() != 0 && option->results().front().empty()) {
      throw UsageError(English(Text::kCliMissingValue, {name, "1", option->get_type_name()}));
    }
  }
}

// An option as the log has it.
std::string AsGiven(const CLI::Option& option) {
  std::string text = option.get_name();
  // How often a flag was given.
  if (option.get_expected_min() == 0) {
    return option.count() > 1 ? text + " (" + std::to_string(option.count()) + " times)" : text;
  }
  for (const std::string& value : option.results()) {
    const bool is_pair = option.get_type_name() == "KEY=VALUE";
    // Without a '=' the word may be a secret that lost its key.
    const std::size_t equals = value.find('=');
    const std::string key = equals == std::string::npos ? "" : value.substr(0, equals);
    text += ' ' + (is_pair ? key + "=..." : value);
  }
  return text;
}

std::vector<std::string> GivenOptions(const CLI::App& tool, const std::string& config_file,
                                      bool is_config_of_environment) {
  const auto config = std::dynamic_pointer_cast<ConfigFile>(tool.get_config_formatter());
  std::vector<std::string> given;
  for (const CLI::Option* option : tool.get_options()) {
    if (option->count() == 0) continue;
    const std::string name = option->get_name().substr(option->nonpositional() ? 2 : 0);
    const bool is_of_file = config && config->taken().count(name) != 0;
    std::string from = ", of the command line";
    if (is_of_file) from = ", of the configuration file " + config_file;
    if (name == "config" && is_config_of_environment) from = ", of the environment";
    given.push_back(AsGiven(*option) + from);
  }
  return given;
}

std::vector<NamedFile> NamedFiles(const CLI::App& tool) {
  std::vector<NamedFile> files;
  for (const CLI::Option* option : tool.get_options()) {
    if (option->count() == 0 || option->get_type_name() != "FILE") continue;
    files.push_back({option->get_name(), option->results().front()});
  }
  return files;
}

// As CLI11 says it, but in the order in which they were typed.
Error UnknownWords(const Words& words) {
  return UsageError(English(words.size() == 1 ? Text::kCliExtra : Text::kCliExtras, {CLI::detail::join(words, " ")}));
}

// What the system says of a file that cannot be read.
std::string WhyUnreadable(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  int cause = descriptor < 0 ? errno : 0;
  char first = 0;
  if (descriptor >= 0 && read(descriptor, &first, 1) < 0) cause = errno;
  if (descriptor >= 0) close(descriptor);
  // It was put right between the two looks.
  if (cause == 0) return English(Text::kConfigReadableNow);
  return std::generic_category().message(cause);
}

// The configuration file, where what CLI11 says is about an option that stands in it; else nothing.
std::string FileOf(const CLI::App& tool, const std::string& message) {
  const auto config = std::dynamic_pointer_cast<ConfigFile>(tool.get_config_formatter());
  const auto is_named = [&](const std::string& name) {
    return message.find("--" + name) != std::string::npos || message.rfind(name + ':', 0) == 0;
  };
  if (!config || std::none_of(config->taken().begin(), config->taken().end(), is_named)) return "";
  return tool.get_config_ptr()->results().front();
}

void ReadComptaskUpgrade(Words words, CommandLine& line) {
  RawOptions raw;
  CLI::App tool(Say(Text::kComptaskUpgrade, line.output.language),
                std::string("cirrodata-tool ") + kComptaskUpgradeTool);
  SetUpComptaskUpgrade(tool, line.comptask_upgrade, line.output, raw, line.output.language);
  const char* config = std::getenv(kConfigVariable);
  // As if it had been typed, so that a file that is not there is an error.
  const bool is_config_of_environment = config != nullptr && *config != '\0' && !Given(words, "--config");
  if (is_config_of_environment) words.push_back(std::string("--config=") + config);
  try {
    Parse(tool, words);
    line.files = NamedFiles(tool);
    if (tool.get_config_ptr()->count() != 0) line.config_file = tool.get_config_ptr()->results().front();
    line.given = GivenOptions(tool, line.config_file, is_config_of_environment);
    RefuseEmpty(tool);
    Settle(tool, line, raw);
    line.tool_name = kComptaskUpgradeTool;
  } catch (const CLI::CallForHelp&) {
    line.text = tool.help();
  } catch (const CLI::FileError&) {
    const std::string path = tool.get_config_ptr()->results().front();
    throw UsageError(English(Text::kConfigUnreadable, {WhyUnreadable(path)}), path);
  } catch (const CLI::ExtrasError&) {
    throw UnknownWords(tool.remaining());
  } catch (const CLI::ArgumentMismatch& error) {
    throw UsageError(error.what(), FileOf(tool, error.what()));
  } catch (const CLI::ConversionError& error) {
    throw UsageError(error.what(), FileOf(tool, error.what()));
  } catch (const CLI::RequiredError&) {
    // A word that nobody knows may be the very option that seems to be missing.
    const Words unknown = tool.remaining();
    if (!unknown.empty()) throw UnknownWords(unknown);
    // So may a word that is no operation be, of which the adapter says what there is.
    const auto operation = tool.get_option("operation")->results();
    if (operation.empty() || comptask_upgrade::ParseOperation(operation.front()) != Operation::kInvalid) throw;
    line.comptask_upgrade.operation = operation.front();
    line.tool_name = kComptaskUpgradeTool;
  }
}

void ReadTools(const Words& words, CommandLine& line) {
  const Language language = line.output.language;
  std::string shell;
  std::string language_word;
  CLI::App app(Say(Text::kTools, language), "cirrodata-tool");
  SetUpTools(app, shell, language_word, language);

  CommandLine ignored;
  RawOptions raw;
  CLI::App tool(Say(Text::kComptaskUpgrade, language), std::string("cirrodata-tool ") + kComptaskUpgradeTool);
  SetUpComptaskUpgrade(tool, ignored.comptask_upgrade, ignored.output, raw, language);
  try {
    Parse(app, words);
    if (!language_word.empty()) (void)LanguageOf(language_word);
    if (app.got_subcommand(kCompletionTool)) {
      line.text = Completion(app, tool, shell);
    } else if (app.got_subcommand(kManTool)) {
      line.text = ManPage(tool, language);
    } else {
      line.text = app.help();
    }
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    line.text = chosen.empty() ? app.help() + "\n" + tool.help() : chosen.front()->help(app.get_name());
  }
}

}  // namespace

CommandLine ParseCommandLine(int argument_count, const char* const* arguments) {
  CommandLine line;
  Words words(arguments + std::min(argument_count, 1), arguments + argument_count);
  line.output.language = LanguageFor(words);
  const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
  const bool is_comptask_upgrade = !words.empty() && words.front() == kComptaskUpgradeTool;
  try {
    if (is_comptask_upgrade) {
      words.erase(words.begin());
      ReadComptaskUpgrade(words, line);
    } else {
      ReadTools(words, line);
    }
  } catch (const CLI::CallForVersion&) {
    line.text = VersionText();
  } catch (const CLI::ParseError& error) {
    line.error = UsageError(error.what());
  } catch (const Error& error) {
    line.error = error;
  }
  if (line.error && !is_comptask_upgrade) {
    const Error& error = *line.error;
    line.error = Error(error.code(), error.message(), error.path(), error.task(), English(Text::kSeeToolsHelp));
  }
  line.output.json = line.output.json || json;
  return line;
}

}  // namespace cirrodata_tool
