#include "translation.h"

#include <optional>

#include "comptask_upgrade.hpp"
#include "texts.h"

namespace cirrodata_tool {

std::string Translated(std::string_view english, Language language) {
  if (language == Language::kEnglish) return std::string(english);
  try {
    std::string by_library = comptask_upgrade::Translate(english, "zh");
    if (by_library != english) return by_library;
  } catch (const comptask_upgrade::Error&) {
    // A text that the library refuses to look at, such as one that is not UTF-8, is shown as it is.
  }
  return ChineseFor(english).value_or(std::string(english));
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
