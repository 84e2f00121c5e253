#include "config_file.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "option_words.h"
#include "texts.h"
#include "tool_commands.h"
#include "usage_error.h"

namespace cirrodata_tool {
namespace {

bool IsControl(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return (byte < 0x20 && byte != '\t') || byte == 0x7F;
}

// A line without its remark; none where a quote does not end, or something is stuck to its end.
std::optional<std::string> WithoutRemark(const std::string& line) {
  char quote = '\0';
  for (std::size_t index = 0; index < line.size(); ++index) {
    const char character = line[index];
    if (IsControl(character)) return std::nullopt;
    if (quote == '\0') {
      if (character == '#') return CLI::detail::trim_copy(line.substr(0, index));
      if (character == '"' || character == '\'' || character == '`') quote = character;
    } else if (character == quote && line[index - 1] != '\\') {
      quote = '\0';
      const char next = index + 1 < line.size() ? line[index + 1] : ' ';
      if (std::string_view(" \t,]=#").find(next) == std::string_view::npos) return std::nullopt;
    }
  }
  if (quote != '\0') return std::nullopt;
  return CLI::detail::trim_copy(line);
}

bool IsSection(const std::string& line) { return line.size() > 2 && line.front() == '[' && line.back() == ']'; }

// Where the value of KEY = VALUE begins; npos where there is no key or no value.
std::size_t ValueBegin(const std::string& line) {
  const std::size_t equals = line.find('=');
  if (equals == std::string::npos || equals == 0) return std::string::npos;
  return line.find_first_not_of(" \t", equals + 1);
}

// The file as lines that CLI11 reads in full: no remarks, and each list on one line.
std::string Settled(std::istream& input, const std::string& path) {
  std::string text;
  std::string line;
  std::string list;
  std::size_t number = 0;
  const auto refuse = [&] { return UsageError(English(Text::kConfigLine, {std::to_string(number)}), path); };
  while (std::getline(input, line)) {
    ++number;
    // Some editors begin a text in UTF-8 with a byte order mark.
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    if (number == 1 && line.rfind(kMark, 0) == 0) line.erase(0, kMark.size());
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::optional<std::string> content = WithoutRemark(line);
    if (!content) throw refuse();
    // In INI a ';' begins a remark too, at the beginning of a line.
    if (content->empty() || (list.empty() && content->front() == ';')) continue;
    const std::string whole = list + *content;
    const std::size_t value = ValueBegin(whole);
    if (!IsSection(whole) && value == std::string::npos) throw refuse();
    const bool is_open = !IsSection(whole) && whole[value] == '[' && whole.back() != ']';
    list = is_open ? whole : "";
    if (!is_open) text += whole + '\n';
  }
  if (!list.empty()) throw refuse();
  return text;
}

bool IsOff(const CLI::ConfigItem& item) {
  try {
    return item.inputs.size() == 1 && CLI::detail::to_flag_value(item.inputs.front()) <= 0;
  } catch (const std::invalid_argument&) {
    // CLI11 says what is wrong with it.
    return false;
  }
}

}  // namespace

ConfigFile::ConfigFile(const CLI::App& tool, std::string section) : tool_(tool), section_(std::move(section)) {
  // Remarks are gone by then, and a '#' in quotes is none.
  comment('\0');
}

std::vector<CLI::ConfigItem> ConfigFile::from_config(std::istream& input) const {
  // Whoever asks for help may need it for this very file.
  if (tool_.get_help_ptr()->count() != 0) return {};
  std::istringstream settled(Settled(input, Path()));
  std::vector<CLI::ConfigItem> items;
  for (CLI::ConfigItem& item : CLI::ConfigTOML::from_config(settled)) {
    const std::string section = item.parents.empty() ? section_ : CLI::detail::join(item.parents, ".");
    if (section != section_) throw UsageError(English(Text::kConfigUnknownSection, {section}), Path());
    // The begin and the end of a section.
    if (item.name == "++" || item.name == "--") continue;
    if (!Counts(item, OptionFor(item))) continue;
    item.parents.clear();
    taken_.insert(item.name);
    // A key that stands twice has two values, and CLI11 says which option takes one alone.
    const auto same =
        std::find_if(items.begin(), items.end(), [&](const auto& other) { return other.name == item.name; });
    if (same == items.end()) {
      items.push_back(std::move(item));
    } else {
      same->inputs.insert(same->inputs.end(), item.inputs.begin(), item.inputs.end());
    }
  }
  return items;
}

std::string ConfigFile::Path() const { return tool_.get_config_ptr()->results().front(); }

const CLI::Option& ConfigFile::OptionFor(const CLI::ConfigItem& item) const {
  const CLI::Option* option = tool_.get_option_no_throw("--" + item.name);
  const CLI::Option* positional = tool_.get_option_no_throw(item.name);
  const bool is_positional = positional != nullptr && positional->get_positional();
  const bool is_about_one_run = std::any_of(kWordsAboutOneRun.begin(), kWordsAboutOneRun.end(),
                                            [&](const char* name) { return "--" + item.name == name; });
  if (is_about_one_run) throw UsageError(English(Text::kConfigPromiseKey, {item.name}), Path());
  if (is_positional || (option != nullptr && !option->get_configurable())) {
    throw UsageError(English(Text::kConfigForbiddenKey, {item.name}), Path());
  }
  if (option == nullptr) throw UsageError(English(Text::kConfigUnknownKey, {item.name}), Path());
  return *option;
}

bool ConfigFile::Counts(const CLI::ConfigItem& item, const CLI::Option& option) const {
  const bool is_flag = option.get_expected_min() == 0;
  if (option.count() != 0 || (is_flag && IsOff(item))) return false;
  const auto& excluded = option.get_excludes();
  if (std::any_of(excluded.begin(), excluded.end(), [](const CLI::Option* other) { return other->count() != 0; })) {
    return false;
  }
  const auto& operations = OperationsOf("--" + item.name);
  const auto& operation = tool_.get_option("operation")->results();
  return operations.empty() || operation.empty() || operations.count(operation.front()) != 0;
}

}  // namespace cirrodata_tool
