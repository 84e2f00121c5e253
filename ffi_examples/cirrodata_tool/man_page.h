// The manual page.
#ifndef CIRRODATA_TOOL_MAN_PAGE_H_
#define CIRRODATA_TOOL_MAN_PAGE_H_

#include <string>

#include "language.h"

namespace CLI {
class App;
}

namespace cirrodata_tool {

/// The page cirrodata-tool(1) as roff, with the options that CLI11 knows and the text of the help.
std::string ManPage(const CLI::App& tool, Language language);

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_MAN_PAGE_H_
