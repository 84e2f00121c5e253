#include "translation.h"

#include <optional>

#include "texts.h"

namespace cirrodata_tool {

std::string Translated(std::string_view english, Language language) {
  if (language == Language::kEnglish) return std::string(english);
  // First, since the library may know the half of a text of the tool's.
  if (auto own = ChineseFor(english, false)) return *own;
  try {
    return comptask_upgrade::Translate(english, "zh");
  } catch (const comptask_upgrade::Error&) {
    // A text that the library refuses to look at, such as one that is not UTF-8, is shown as it is.
    return std::string(english);
  }
}

std::string TranslatedMessage(const comptask_upgrade::Error& error, Language language) {
  const std::string next = error.next_action();
  const bool is_usage_error = next == English(Text::kSeeHelp) || next == English(Text::kSeeToolsHelp);
  if (language == Language::kChinese && is_usage_error) {
    if (auto own = ChineseFor(error.message(), true)) return *own;
  }
  return Translated(error.message(), language);
}

std::string Printable(std::string_view text) {
  static constexpr std::string_view kHexadecimal = "0123456789ABCDEF";
  std::string shown;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if ((byte < 0x20 && byte != '\n') || byte == 0x7F) {
      shown += "\\x";
      shown += kHexadecimal[byte >> 4U];
      shown += kHexadecimal[byte & 0xFU];
    } else {
      shown += character;
    }
  }
  return shown;
}

}  // namespace cirrodata_tool
