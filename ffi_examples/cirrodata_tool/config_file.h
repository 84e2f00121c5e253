// ConfigFile: how CLI11 reads a configuration file for one tool.
#ifndef CIRRODATA_TOOL_CONFIG_FILE_H_
#define CIRRODATA_TOOL_CONFIG_FILE_H_

#include <CLI/CLI.hpp>
#include <istream>
#include <set>
#include <string>
#include <vector>

namespace cirrodata_tool {

/// CLI11's TOML, and stricter: CLI11 leaves out what it cannot read, takes the first of two values, and lets a number
/// sign in quotes cut a text. What means nothing to the operation, or is excluded by the command line, is left out.
class ConfigFile : public CLI::ConfigTOML {
 public:
  /// For the options of a tool, whose command line has been read by the time the file is.
  ConfigFile(const CLI::App& tool, std::string section);

  /// The keys and their values. Throws UsageError for what cannot be meant.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

  /// The keys that were taken from the file, once it has been read.
  [[nodiscard]] const std::set<std::string>& taken() const { return taken_; }

 private:
  [[nodiscard]] std::string Path() const;
  [[nodiscard]] const CLI::Option& OptionFor(const CLI::ConfigItem& item) const;
  [[nodiscard]] bool Counts(const CLI::ConfigItem& item, const CLI::Option& option) const;

  const CLI::App& tool_;
  const std::string section_;
  // CLI11 reads by a const method.
  mutable std::set<std::string> taken_;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_CONFIG_FILE_H_
