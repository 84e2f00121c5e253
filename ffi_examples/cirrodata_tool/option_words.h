// The words that an option may be given, where those are few: for its reading, its completion and its error.
#ifndef CIRRODATA_TOOL_OPTION_WORDS_H_
#define CIRRODATA_TOOL_OPTION_WORDS_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "comptask_upgrade.hpp"
#include "language.h"

namespace cirrodata_tool {

/// When colours are used.
enum class ColorChoice { kAuto, kAlways, kNever };

/// The meaning of a word; throws UsageError, with the words there are, where it has none.
comptask_upgrade::RecoveryMode ModeOf(const std::string& word);
comptask_upgrade::Placement PlacementOf(const std::string& word);
ColorChoice ColorOf(const std::string& word);
Language LanguageOf(const std::string& word);

/// The words for an option by its long name, or for "operation" and "shell"; empty where it may be anything.
const std::vector<std::string>& WordsOf(const std::string& option);

/// The operations that an option means something to; empty for one that goes with all of them.
const std::set<std::string>& OperationsOf(const std::string& option);

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_OPTION_WORDS_H_
