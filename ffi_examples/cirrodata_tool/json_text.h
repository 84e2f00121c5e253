// JSON for an error that comes without a report.
#ifndef CIRRODATA_TOOL_JSON_TEXT_H_
#define CIRRODATA_TOOL_JSON_TEXT_H_

#include <string>
#include <string_view>

#include "comptask_upgrade.hpp"

namespace cirrodata_tool {

/// A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, since a JSON document is UTF-8.
std::string JsonString(std::string_view text);

/// {"error": {...}} with the code, its name, the message, the path, the task and the next action.
std::string ErrorJson(const comptask_upgrade::Error& error);

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_JSON_TEXT_H_
