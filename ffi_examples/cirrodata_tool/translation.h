// Translation: the texts of the tool and of the library on their way to the screen.
#ifndef CIRRODATA_TOOL_TRANSLATION_H_
#define CIRRODATA_TOOL_TRANSLATION_H_

#include <string>
#include <string_view>

#include "comptask_upgrade.hpp"
#include "language.h"

namespace cirrodata_tool {

/// A text of the library, or a message of the tool, in a language. What nobody has translated stays as it is.
std::string Translated(std::string_view english, Language language);

/// The message of an error. One about the command line is the tool's or CLI11's, and never the library's.
std::string TranslatedMessage(const comptask_upgrade::Error& error, Language language);

/// A text as a stream may get it: a control byte, which could move a cursor or begin a line, is shown as \xNN. Line
/// feeds stay.
std::string Printable(std::string_view text);

/// The lines of a text, without their line feeds.
template <typename Function>
void ForEachLine(std::string_view text, Function function) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    function(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_TRANSLATION_H_
