// The language that the tool speaks.
#ifndef CIRRODATA_TOOL_LANGUAGE_H_
#define CIRRODATA_TOOL_LANGUAGE_H_

namespace cirrodata_tool {

/// The languages of the tool. What goes into the log file and into JSON is English, whatever is on the screen.
enum class Language { kEnglish, kChinese };

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_LANGUAGE_H_
