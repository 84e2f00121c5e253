// Colours of a stream.
#ifndef CIRRODATA_TOOL_COLORS_H_
#define CIRRODATA_TOOL_COLORS_H_

#include <string>
#include <string_view>

#include "option_words.h"

namespace cirrodata_tool {

/// Whether a stream is a terminal on which the cursor can be moved, so TERM is set and is not dumb.
bool IsCapableTerminal(int descriptor);

/// The columns of a stream that is a terminal; 0 for one that is none, or does not know.
unsigned Columns(int descriptor);

/// The colours of one stream; each is the text as it is where the stream has none.
class Colors {
 public:
  /// For a stream. kAuto is a terminal, unless NO_COLOR is set and not empty.
  Colors(ColorChoice choice, int descriptor);

  [[nodiscard]] bool are_on() const { return are_on_; }
  [[nodiscard]] std::string Red(std::string_view text) const { return In("31", text); }
  [[nodiscard]] std::string Yellow(std::string_view text) const { return In("33", text); }
  [[nodiscard]] std::string Bold(std::string_view text) const { return In("1", text); }

 private:
  [[nodiscard]] std::string In(const char* code, std::string_view text) const;

  bool are_on_;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_COLORS_H_
