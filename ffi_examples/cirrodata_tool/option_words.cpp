#include "option_words.h"

#include "texts.h"
#include "usage_error.h"

namespace cirrodata_tool {
namespace {

using comptask_upgrade::Placement;
using comptask_upgrade::RecoveryMode;

std::string Listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

template <typename Meaning>
Meaning MeaningOf(const std::string& what, const std::string& option, const std::string& word,
                  const std::map<std::string, Meaning>& meanings) {
  const auto found = meanings.find(word);
  if (found == meanings.end()) throw UsageError(English(Text::kNoSuchWord, {what, word, Listed(WordsOf(option))}));
  return found->second;
}

}  // namespace

RecoveryMode ModeOf(const std::string& word) {
  static const std::map<std::string, RecoveryMode> kModes{{"auto", RecoveryMode::kAuto},
                                                          {"cancel", RecoveryMode::kCancel},
                                                          {"downgrade_old", RecoveryMode::kDowngradeOld},
                                                          {"downgrade-old", RecoveryMode::kDowngradeOld},
                                                          {"downgrade", RecoveryMode::kDowngrade}};
  return MeaningOf("recovery mode", "--mode", word, kModes);
}

Placement PlacementOf(const std::string& word) {
  static const std::map<std::string, Placement> kRules{{"schema", Placement::kBySchema},
                                                       {"entry-node", Placement::kByEntryNode},
                                                       {"entry-node-or-schema", Placement::kByEntryNodeOrSchema}};
  return MeaningOf("placement", "--placement", word, kRules);
}

ColorChoice ColorOf(const std::string& word) {
  static const std::map<std::string, ColorChoice> kChoices{
      {"auto", ColorChoice::kAuto}, {"always", ColorChoice::kAlways}, {"never", ColorChoice::kNever}};
  return MeaningOf("color", "--color", word, kChoices);
}

Language LanguageOf(const std::string& word) {
  static const std::map<std::string, Language> kLanguages{{"en", Language::kEnglish}, {"zh", Language::kChinese}};
  return MeaningOf("language", "--language", word, kLanguages);
}

const std::vector<std::string>& WordsOf(const std::string& option) {
  static const std::map<std::string, std::vector<std::string>> kWords{
      {"operation", {"status", "upgrade", "recovery", "delete"}},
      {"shell", {"bash", "zsh", "fish"}},
      {"--mode", {"auto", "cancel", "downgrade_old", "downgrade"}},
      {"--placement", {"schema", "entry-node", "entry-node-or-schema"}},
      {"--color", {"auto", "always", "never"}},
      {"--language", {"en", "zh"}},
      {"--hdfs-client", {"auto", "libhdfs", "native"}},
  };
  static const std::vector<std::string> kAnything;
  const auto found = kWords.find(option);
  return found == kWords.end() ? kAnything : found->second;
}

const std::set<std::string>& OperationsOf(const std::string& option) {
  static const std::map<std::string, std::set<std::string>> kOperations{
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
  static const std::set<std::string> kAll;
  const auto found = kOperations.find(option);
  return found == kOperations.end() ? kAll : found->second;
}

}  // namespace cirrodata_tool
