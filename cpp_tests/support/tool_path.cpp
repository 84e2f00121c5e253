#include "tool_path.h"

namespace test_support {

const char* ToolPath() { return COMPTASK_UPGRADE_TOOL; }

}  // namespace test_support
