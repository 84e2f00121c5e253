// UsageError: a command line that cannot be meant.
#ifndef CIRRODATA_TOOL_USAGE_ERROR_H_
#define CIRRODATA_TOOL_USAGE_ERROR_H_

#include <string>

#include "comptask_upgrade.hpp"

namespace cirrodata_tool {

/// The error for a command line that cannot be meant.
inline comptask_upgrade::Error UsageError(const std::string& message) {
  return {comptask_upgrade::Code::kInvalidArgument, message, "", "", "see cirrodata-tool comptask-upgrade --help"};
}

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_USAGE_ERROR_H_
