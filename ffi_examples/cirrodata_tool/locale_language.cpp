#include "locale_language.h"

#include <langinfo.h>
#include <locale.h>

#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

namespace cirrodata_tool {
namespace {

std::string_view LocaleName() {
  for (const char* variable : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != '\0') return value;
  }
  return "";
}

// What the system says, as `locale charmap` does; empty where it does not have the locale. The process keeps its own.
std::string SetOfSystem() {
  const locale_t locale = newlocale(LC_CTYPE_MASK, "", nullptr);
  if (locale == nullptr) return "";
  const std::string set = nl_langinfo_l(CODESET, locale);
  freelocale(locale);
  return set;
}

// In lower case and without hyphens: utf8 for zh_CN.UTF-8@pinyin; empty where nobody knows it.
std::string CharacterSet(std::string_view locale) {
  const std::size_t dot = locale.find('.');
  const bool is_named = dot != std::string_view::npos;
  const std::string named = is_named ? std::string(locale.substr(dot + 1, locale.find('@') - dot - 1)) : SetOfSystem();
  std::string set;
  for (const char character : named) {
    if (character != '-') set += static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
  }
  return set;
}

}  // namespace

Language LanguageOfLocale() {
  const std::string_view locale = LocaleName();
  const bool is_chinese = locale == "zh" || locale.rfind("zh_", 0) == 0 || locale.rfind("zh.", 0) == 0;
  const std::string set = CharacterSet(locale);
  return is_chinese && (set.empty() || set == "utf8") ? Language::kChinese : Language::kEnglish;
}

}  // namespace cirrodata_tool
