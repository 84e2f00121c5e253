// The examples as programs, on a tree that make_sample_tree lays out.
#ifndef COMPTASK_UPGRADE_TESTS_EXAMPLE_H_
#define COMPTASK_UPGRADE_TESTS_EXAMPLE_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "local_tree.h"
#include "process.h"
#include "temp_folder.h"
#include "texts.h"
#include "tool_path.h"

namespace test_support {

/// What an example must print: the file beside its source.
inline std::string ExpectedOf(const std::string& example) {
  return ReadFile(std::filesystem::path(COMPTASK_UPGRADE_EXAMPLES_DIR) / (example + ".expected"));
}

/// A sample tree in a folder of its own, with its catalog and the list of the nodes that are up.
class ExampleOnATree : public testing::Test {
 protected:
  /// Lays out the four tasks of the design paper, or so many as are asked for.
  void LayOut(int task_count = 0) {
    std::vector<std::string> command{COMPTASK_UPGRADE_MAKE_SAMPLE_TREE, folder_.path().string()};
    if (task_count != 0) command.insert(command.end(), {"--tasks", std::to_string(task_count)});
    ASSERT_EQ(RunProcess(command).exit_code, 0);
  }

  /// The tool on a root, by default the tree's.
  [[nodiscard]] ProcessResult Tool(const std::string& operation, std::vector<std::string> options = {},
                                   const std::filesystem::path& root = {}) const {
    std::vector<std::string> command{ToolPath(), "comptask-upgrade", operation, "--root",
                                     (root.empty() ? Root() : root).string()};
    if (operation == "upgrade")
      command.insert(command.end(), {"--catalog", Catalog(), "--online-nodes", OnlineNodes()});
    command.insert(command.end(), options.begin(), options.end());
    return RunProcess(command);
  }

  [[nodiscard]] std::filesystem::path Root() const { return folder_.path() / "cluster.compact"; }
  [[nodiscard]] std::filesystem::path V2() const { return Root() / "Compaction_V2"; }
  [[nodiscard]] std::string Catalog() const { return folder_.Inside("catalog.json"); }
  [[nodiscard]] std::string OnlineNodes() const { return folder_.Inside("online-nodes.txt"); }

  TempFolder folder_;
};

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_EXAMPLE_H_
