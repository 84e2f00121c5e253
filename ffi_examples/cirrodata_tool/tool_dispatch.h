// ToolDispatch: from the name of a tool to its steps.
#ifndef CIRRODATA_TOOL_TOOL_DISPATCH_H_
#define CIRRODATA_TOOL_TOOL_DISPATCH_H_

#include <map>
#include <memory>
#include <string>

#include "tool_adapter.h"

namespace cirrodata_tool {

/// Knows the tools by their names and takes one through Init, Excu and Release.
class ToolDispatch {
 public:
  /// Makes a tool known.
  void Register(const std::string& tool_name, std::shared_ptr<ToolAdapter> adapter);
  /// Runs a tool. Throws what its steps throw, or comptask_upgrade::Error where there is no such tool.
  void Dispatch(const std::string tool_name);

 private:
  std::map<std::string, std::shared_ptr<ToolAdapter>> adapters_;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_TOOL_DISPATCH_H_
