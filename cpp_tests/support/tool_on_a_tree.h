// ToolOnATree: cirrodata-tool as a process on the tree of the design paper, and what it writes where.
#ifndef COMPTASK_UPGRADE_TESTS_TOOL_ON_A_TREE_H_
#define COMPTASK_UPGRADE_TESTS_TOOL_ON_A_TREE_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "json.h"
#include "local_tree.h"
#include "process.h"
#include "temp_folder.h"
#include "texts.h"
#include "tool_path.h"

namespace test_support {

/// The tool with these words, and with variables in its environment.
inline ProcessResult Tool(std::vector<std::string> words, const Variables& variables = {}) {
  words.insert(words.begin(), ToolPath());
  return RunProcess(words, "", variables);
}

/// A tree of its own for each test.
class ToolOnATree : public testing::Test {
 protected:
  void SetUp() override {
    root_ = folder_.path() / "cluster.compact";
    LayOutDesignTree(root_);
    WriteFile(folder_.Inside("catalog.json"), kCatalogJson);
    WriteFile(folder_.Inside("online-nodes.txt"), "");
  }

  /// An operation on the tree, with further options.
  [[nodiscard]] ProcessResult Run(const std::string& operation, std::vector<std::string> options = {},
                                  const Variables& variables = {}) const {
    return Tool(CommandFor(operation, std::move(options)), variables);
  }

  /// The words for an operation on the tree, with further options.
  [[nodiscard]] std::vector<std::string> CommandFor(const std::string& operation,
                                                    std::vector<std::string> options = {}) const {
    std::vector<std::string> words{"comptask-upgrade", operation, "--root", root_.string()};
    if (operation == "upgrade") {
      words.insert(words.end(),
                   {"--catalog", folder_.Inside("catalog.json"), "--online-nodes", folder_.Inside("online-nodes.txt")});
    }
    words.insert(words.end(), options.begin(), options.end());
    return words;
  }

  TempFolder folder_;
  std::filesystem::path root_;
};

/// The one JSON document on stdout; an empty one, and a failure, where there is none.
inline Json Document(const ProcessResult& result) {
  try {
    return JsonReader::Read(result.out);
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what() << " in: " << result.out;
    return {};
  }
}

/// Checks the error document on stdout and its lines on stderr.
inline void ExpectErrorDocument(const ProcessResult& result, const std::string& code, const std::string& name) {
  EXPECT_EQ(std::to_string(result.exit_code), code) << result.err;
  const Json document = Document(result);
  ASSERT_EQ(document.members.count("error"), 1U) << result.out;
  const Json& error = document.at("error");
  EXPECT_EQ(error.at("code").text, code);
  EXPECT_EQ(error.at("name").text, name);
  EXPECT_TRUE(Holds(result.err, "error: " + error.at("message").text + "\n")) << result.err;
  for (const auto& [member, label] :
       {std::pair{"path", "  path: "}, {"task", "  task: "}, {"next_action", "  next: "}}) {
    const std::string& text = error.at(member).text;
    EXPECT_EQ(Holds(result.err, label), !text.empty()) << member << ": " << result.err;
    if (!text.empty()) {
      EXPECT_TRUE(Holds(result.err, label + text + "\n")) << result.err;
    }
  }
}

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_TOOL_ON_A_TREE_H_
