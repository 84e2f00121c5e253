// SystemError: what the system said about a file of the tool's own, as an Error.
#ifndef CIRRODATA_TOOL_SYSTEM_ERROR_H_
#define CIRRODATA_TOOL_SYSTEM_ERROR_H_

#include <cerrno>
#include <string>
#include <system_error>

#include "comptask_upgrade.hpp"
#include "texts.h"

namespace cirrodata_tool {

/// The error for a value of errno; the text has one place, for what the system said. `next` is what to do about it.
inline comptask_upgrade::Error SystemError(Text text, int cause, const std::string& path, Text next = Text::kFileNext) {
  using comptask_upgrade::Code;
  Code code = Code::kStorage;
  if (cause == ENOENT || cause == ENOTDIR) code = Code::kNotFound;
  if (cause == EACCES || cause == EPERM || cause == EROFS) code = Code::kPermission;
  if (cause == ENOSPC || cause == EDQUOT) code = Code::kQuota;
  return {code, English(text, {std::generic_category().message(cause)}), path, "", English(next)};
}

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_SYSTEM_ERROR_H_
