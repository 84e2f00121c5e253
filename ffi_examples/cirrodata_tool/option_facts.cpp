#include "option_facts.h"

#include <CLI/CLI.hpp>

#include "option_words.h"

namespace cirrodata_tool {

std::vector<OptionFacts> FactsOf(const CLI::App& command) {
  std::vector<OptionFacts> all;
  for (const CLI::Option* option : command.get_options([](const CLI::Option* each) { return each->nonpositional(); })) {
    OptionFacts facts;
    for (const std::string& name : option->get_snames()) facts.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) facts.names.push_back("--" + name);
    facts.description = option->get_description();
    facts.group = option->get_group();
    const bool is_flag = option->get_expected_min() == 0;
    if (!is_flag) facts.value = option->get_type_name();
    facts.words = WordsOf(facts.long_name());
    facts.is_required = option->get_required();
    facts.may_be_repeated = option->get_expected_max() > 1 || facts.long_name() == "--verbose";
    for (const CLI::Option* other : option->get_excludes()) facts.excludes.push_back(other->get_name());
    facts.operations = OperationsOf(facts.long_name());
    all.push_back(std::move(facts));
  }
  return all;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace cirrodata_tool
