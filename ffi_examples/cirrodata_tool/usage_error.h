// UsageError: a command line, or a configuration file, that cannot be meant.
#ifndef CIRRODATA_TOOL_USAGE_ERROR_H_
#define CIRRODATA_TOOL_USAGE_ERROR_H_

#include <string>

#include "comptask_upgrade.hpp"
#include "texts.h"

namespace cirrodata_tool {

/// The error for what cannot be meant; with the path where it stands in a file.
inline comptask_upgrade::Error UsageError(const std::string& message, const std::string& path = "") {
  return {comptask_upgrade::Code::kInvalidArgument, message, path, "", English(Text::kSeeHelp)};
}

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_USAGE_ERROR_H_
