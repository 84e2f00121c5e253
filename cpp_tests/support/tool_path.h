// The tool that a test starts: the one that is linked with the library as the test's program is.
#ifndef COMPTASK_UPGRADE_TESTS_TOOL_PATH_H_
#define COMPTASK_UPGRADE_TESTS_TOOL_PATH_H_

namespace test_support {

/// Where it lies. A test's own source is compiled once for both ways to link, so it cannot be a constant there.
const char* ToolPath();

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_TOOL_PATH_H_
