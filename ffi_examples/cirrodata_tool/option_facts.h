// What CLI11 knows of options, as completions and manual pages need it.
#ifndef CIRRODATA_TOOL_OPTION_FACTS_H_
#define CIRRODATA_TOOL_OPTION_FACTS_H_

#include <set>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cirrodata_tool {

/// One option.
struct OptionFacts {
  /// Its names with their dashes, such as -v and --verbose, the long one last.
  std::vector<std::string> names;
  std::string description;
  /// The group in the help.
  std::string group;
  /// What its value is called, such as FILE; empty for a flag.
  std::string value;
  /// The words that its value may be, where those are few.
  std::vector<std::string> words;
  bool is_required = false;
  bool may_be_repeated = false;
  /// The names of the options that it excludes.
  std::vector<std::string> excludes;
  /// The operations it goes with; empty for all.
  std::set<std::string> operations;

  [[nodiscard]] const std::string& long_name() const { return names.back(); }
};

/// The options of a command in their order, without its positional arguments.
std::vector<OptionFacts> FactsOf(const CLI::App& command);

/// Words with a blank between them.
std::string Joined(const std::vector<std::string>& words);

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_OPTION_FACTS_H_
