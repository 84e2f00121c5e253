#include "tool_dispatch.h"

#include <utility>

#include "comptask_upgrade.hpp"
#include "texts.h"

namespace cirrodata_tool {

void ToolDispatch::Register(const std::string& tool_name, std::shared_ptr<ToolAdapter> adapter) {
  adapters_[tool_name] = std::move(adapter);
}

void ToolDispatch::Dispatch(const std::string tool_name) {
  const auto found = adapters_.find(tool_name);
  if (found == adapters_.end()) {
    throw comptask_upgrade::Error(comptask_upgrade::Code::kInvalidArgument, English(Text::kNoSuchTool, {tool_name}));
  }
  ToolAdapter& adapter = *found->second;
  try {
    adapter.Init();
    adapter.Excu();
  } catch (...) {
    try {
      adapter.Release();
    } catch (...) {
      // The first failure is the one to report; what it left undone the next run sees.
    }
    throw;
  }
  adapter.Release();
}

}  // namespace cirrodata_tool
