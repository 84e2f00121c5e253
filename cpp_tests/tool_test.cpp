// cirrodata-tool as a process: its exit codes, and what it writes where.
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "comptask_upgrade.hpp"
#include "json.h"
#include "local_tree.h"
#include "process.h"
#include "temp_folder.h"
#include "tool_on_a_tree.h"
#include "tool_path.h"

namespace {

namespace ctu = comptask_upgrade;
namespace fs = std::filesystem;
using test_support::Document;
using test_support::ExpectErrorDocument;
using test_support::Holds;
using test_support::Json;
using test_support::ProcessResult;
using test_support::Tool;
using test_support::ToolOnATree;

TEST(Tool, ListsTheToolsWhereNoneIsNamed) {
  const ProcessResult result = Tool({});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(Holds(result.out, "comptask-upgrade")) << result.out;
  EXPECT_EQ(result.err, "");
}

TEST(Tool, SaysItsVersion) {
  for (const auto& words : {std::vector<std::string>{"--version"}, {"comptask-upgrade", "--version"}}) {
    const ProcessResult result = Tool(words);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_TRUE(Holds(result.out, ctu_version())) << result.out;
    EXPECT_EQ(result.err, "");
  }
}

TEST(Tool, HasAHelpThatIsEnoughByItself) {
  for (const auto& words : {std::vector<std::string>{"--help"}, {"comptask-upgrade", "--help"}}) {
    const ProcessResult result = Tool(words);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.err, "");
    for (const char* part : {"status ",
                             "upgrade ",
                             "recovery ",
                             "delete ",
                             "--root",
                             "--catalog",
                             "--online-nodes",
                             "--assume-offline",
                             "--in-flight",
                             "--plan",
                             "--verify",
                             "--json",
                             "--force",
                             "--mode",
                             "downgrade_old",
                             "--placement",
                             "entry-node-or-schema",
                             "--online",
                             "--reopen",
                             "--version",
                             "-v",
                             "Exit codes",
                             "Usage: cirrodata-tool comptask-upgrade",
                             "Examples",
                             "cirrodata-tool comptask-upgrade upgrade --root"}) {
      EXPECT_TRUE(Holds(result.out, part)) << "no '" << part << "' in: " << result.out;
    }
    for (const int code :
         {0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 20, 21, 22, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41}) {
      const std::string text = (code < 10 ? "   " : "  ") + std::to_string(code) + "  ";
      EXPECT_TRUE(Holds(result.out, text)) << "no exit code " << code;
    }
  }
}

TEST(Tool, RefusesBadUsageWithOne) {
  const std::vector<std::vector<std::string>> lines{
      {"no-such-tool"},
      {"--no-such-option"},
      {"comptask-upgrade"},
      {"comptask-upgrade", "status"},
      {"comptask-upgrade", "--root", "folder"},
      {"comptask-upgrade", "status", "--root", ""},
      {"comptask-upgrade", "status", "--root"},
      {"comptask-upgrade", "repair", "--root", "folder"},
      {"comptask-upgrade", "repair"},
      {"comptask-upgrade", "status", "upgrade", "--root", "folder"},
      {"comptask-upgrade", "status", "--root", "folder", "--no-such-option"},
      {"comptask-upgrade", "upgrade", "--root", "folder", "--assume-offline"},
      {"comptask-upgrade", "upgrade", "--root", "folder", "--catalog", "file"},
      {"comptask-upgrade", "upgrade", "--root", "folder", "--catalog", "file", "--assume-offline", "--online-nodes",
       "f"},
      {"comptask-upgrade", "status", "--root", "folder", "--in-flight", "many"},
      {"comptask-upgrade", "status", "--root", "folder", "--in-flight", "-1"},
      {"comptask-upgrade", "status", "--root", "folder", "--in-flight", "4294967296"},
      {"comptask-upgrade", "upgrade", "--root", "folder", "--catalog", "file", "--online", "--assume-offline"},
      {"comptask-upgrade", "upgrade", "--root", "folder", "--catalog", "file", "--online", "--online-nodes", "f"},
      {"comptask-upgrade", "upgrade", "--root", "folder", "--catalog", "file", "--online", "--placement", "random"},
      {"comptask-upgrade", "recovery", "--root", "folder", "--mode"},
      {"comptask-upgrade", "recovery", "--root", "folder", "--mode", ""},
      {"comptask-upgrade", "recovery", "--root", "folder", "--mode", "backwards"}};
  for (const auto& line : lines) {
    const ProcessResult plain = Tool(line);
    EXPECT_EQ(plain.exit_code, 1) << testing::PrintToString(line);
    EXPECT_EQ(plain.out, "") << testing::PrintToString(line);
    EXPECT_TRUE(Holds(plain.err, "error: ")) << testing::PrintToString(line) << plain.err;
    std::vector<std::string> with_json = line;
    with_json.insert(with_json.begin() + 1, "--json");
    if (line.size() == 1) with_json.push_back("--json");
    SCOPED_TRACE(testing::PrintToString(with_json));
    ExpectErrorDocument(Tool(with_json), "1", "CTU_INVALID_ARGUMENT");
  }
}

TEST(Tool, NamesAWordThatNobodyKnowsBeforeWhatIsMissing) {
  const ProcessResult mistyped = Tool({"comptask-upgrade", "status", "--rot", "folder"});
  EXPECT_TRUE(Holds(mistyped.err, "error: The following arguments were not expected: --rot folder\n")) << mistyped.err;
  EXPECT_FALSE(Holds(mistyped.err, "required")) << mistyped.err;
  EXPECT_TRUE(Holds(Tool({"comptask-upgrade", "status"}).err, "--root is required"));
  const ProcessResult operation = Tool({"comptask-upgrade", "statsu"});
  EXPECT_TRUE(Holds(operation.err, "error: there is no operation 'statsu'\n")) << operation.err;
  EXPECT_FALSE(Holds(operation.err, "required")) << operation.err;
}

// What the report says is in the log for who asks for it, and not on the screen twice.
TEST_F(ToolOnATree, SaysAWarningOfTheReportOnce) {
  ASSERT_EQ(Run("upgrade").exit_code, 0);
  std::filesystem::remove(root_ / "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000");
  const std::string warning = "V1 files of the manifest that are not there any more";
  const ProcessResult quiet = Run("status", {"--log-file", folder_.Inside("log")});
  EXPECT_TRUE(Holds(quiet.out, "  warning   " + warning)) << quiet.out;
  EXPECT_FALSE(Holds(quiet.err, warning)) << quiet.err;
  EXPECT_TRUE(Holds(test_support::ReadFile(folder_.Inside("log")), warning));
  EXPECT_TRUE(Holds(Run("status", {"-v"}).err, "[warn] " + warning));
  const ProcessResult refused = Run("delete");
  EXPECT_EQ(refused.exit_code, 13);
  EXPECT_FALSE(Holds(refused.err, "delete failed: ")) << refused.err;
  EXPECT_TRUE(Holds(Run("delete", {"-v"}).err, "[error] delete failed: "));
}

TEST(Tool, NamesTheHelpOfTheToolThatWasMeant) {
  EXPECT_TRUE(Holds(Tool({"comptask-upgrade"}).err, "next: see cirrodata-tool comptask-upgrade --help\n"));
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"no-such-tool"}, {"completion"}, {"completion", "tcsh"}, {"--language", "fr"}}) {
    const ProcessResult refused = Tool(line);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_TRUE(Holds(refused.err, "next: see cirrodata-tool --help\n")) << refused.err;
  }
}

// Every operation with every option that some of them know.
TEST(Tool, TakesAnOptionOnlyWhereItMeansSomething) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> options{
      {{"--catalog", "file"}, "upgrade"},
      {{"--online-nodes", "file"}, "upgrade recovery"},
      {{"--assume-offline"}, "upgrade recovery"},
      {{"--online"}, "upgrade"},
      {{"--reopen"}, "upgrade"},
      {{"--placement", "entry-node"}, "upgrade"},
      {{"--mode", "cancel"}, "recovery"},
      {{"--plan"}, "upgrade recovery delete"},
      {{"--verify"}, "status upgrade delete"},
      {{"--force"}, "recovery delete"}};
  for (const std::string operation : {"status", "upgrade", "recovery", "delete"}) {
    for (const auto& [option, operations] : options) {
      SCOPED_TRACE(operation + " " + option.front());
      std::vector<std::string> words{"comptask-upgrade", operation, "--root", "folder-that-is-not-there"};
      words.insert(words.end(), option.begin(), option.end());
      const ProcessResult result = Tool(words);
      const bool refused = Holds(result.err, option.front() + " means nothing to " + operation);
      EXPECT_EQ(refused, !Holds(operations, operation)) << result.err;
      if (refused) {
        EXPECT_EQ(result.exit_code, 1);
      }
    }
  }
}

TEST(Tool, NamesTheModesAndPlacementsWhereOneIsUnknown) {
  const ProcessResult mode = Tool({"comptask-upgrade", "recovery", "--root", "folder", "--mode", "backwards"});
  EXPECT_EQ(mode.exit_code, 1);
  for (const char* part : {"'backwards'", "auto", "cancel", "downgrade_old", "downgrade"}) {
    EXPECT_TRUE(Holds(mode.err, part)) << part << mode.err;
  }
  const ProcessResult placement = Tool({"comptask-upgrade", "upgrade", "--root", "folder", "--catalog", "file",
                                        "--assume-offline", "--placement", "random"});
  EXPECT_EQ(placement.exit_code, 1);
  for (const char* part : {"'random'", "schema", "entry-node", "entry-node-or-schema"}) {
    EXPECT_TRUE(Holds(placement.err, part)) << part << placement.err;
  }
}

// Past the command line each of them comes to the root, which is not there.
TEST(Tool, KnowsEveryModeAndPlacement) {
  for (const char* mode : {"auto", "cancel", "downgrade_old", "downgrade-old", "downgrade"}) {
    const ProcessResult result =
        Tool({"comptask-upgrade", "recovery", "--root", "folder-that-is-not-there", "--mode", mode});
    EXPECT_EQ(result.exit_code, 30) << mode << result.err;
  }
  for (const char* placement : {"schema", "entry-node", "entry-node-or-schema"}) {
    const ProcessResult result = Tool({"comptask-upgrade", "upgrade", "--root", "folder-that-is-not-there", "--catalog",
                                       "file", "--assume-offline", "--placement", placement});
    EXPECT_TRUE(Holds(result.err, "file")) << placement << result.err;
    EXPECT_FALSE(Holds(result.err, "there is no placement")) << result.err;
  }
}

TEST(Tool, NamesTheOperationsWhereOneIsUnknown) {
  const ProcessResult result = Tool({"comptask-upgrade", "repair", "--root", "folder"});
  for (const char* part : {"repair", "status", "upgrade", "recovery", "delete"}) {
    EXPECT_TRUE(Holds(result.err, part)) << result.err;
  }
}

TEST(Tool, EscapesWhatItPutsIntoJson) {
  const ProcessResult result =
      Tool({"comptask-upgrade", "a\"b\\c\nd\te\x01\xFF\xC3\xA9\xE4\xBB\xBB", "--root", "folder", "--json"});
  EXPECT_EQ(result.exit_code, 1);
  const std::string message = Document(result).at("error").at("message").text;
  EXPECT_TRUE(Holds(message, "a\"b\\c\nd\te\x01\xEF\xBF\xBD\xC3\xA9\xE4\xBB\xBB")) << message;
}

TEST_F(ToolOnATree, GoesFromV1ToV2Alone) {
  const ProcessResult status = Run("status");
  EXPECT_EQ(status.exit_code, 0) << status.err;
  EXPECT_NE(status.out, "");
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeV1());

  const ProcessResult planned = Run("upgrade", {"--plan"});
  EXPECT_EQ(planned.exit_code, 0) << planned.err;
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeV1());

  const ProcessResult upgraded = Run("upgrade");
  EXPECT_EQ(upgraded.exit_code, 0) << upgraded.err;
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeUpgraded());
  EXPECT_TRUE(Holds(upgraded.err, "going through the tasks: 0 done")) << "progress goes to stderr: " << upgraded.err;

  const ProcessResult again = Run("upgrade", {"--verify", "--in-flight", "2"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_TRUE(Holds(again.out, "all tasks are upgraded")) << again.out;

  const ProcessResult deleted = Run("delete");
  EXPECT_EQ(deleted.exit_code, 0) << deleted.err;
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeV2());
}

TEST_F(ToolOnATree, WritesOneJsonDocumentForEveryOperation) {
  for (const auto& [operation, options] : {std::pair<std::string, std::vector<std::string>>{"status", {"--json"}},
                                           {"upgrade", {"--json", "--plan"}},
                                           {"upgrade", {"--json", "-vv"}},
                                           {"upgrade", {"--json"}},
                                           {"status", {"--json", "--verify"}},
                                           {"delete", {"--json"}},
                                           {"status", {"--json"}}}) {
    const ProcessResult result = Run(operation, options);
    EXPECT_EQ(result.exit_code, 0) << operation << result.err;
    const Json document = Document(result);
    EXPECT_EQ(document.kind, Json::Kind::kObject) << operation;
    EXPECT_EQ(document.members.count("error"), 0U) << result.out;
  }
}

TEST_F(ToolOnATree, NamesTheNodesThatAreOnline) {
  test_support::WriteFile(folder_.Inside("online-nodes.txt"), "xcloud25_9876\n");
  const ProcessResult result = Run("upgrade", {"--json"});
  ExpectErrorDocument(result, "10", "CTU_NODES_ONLINE");
  EXPECT_TRUE(Holds(result.err, "xcloud25_9876")) << result.err;
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeV1());
  EXPECT_EQ(Run("upgrade", {"--plan"}).exit_code, 0) << "a plan does not ask whether nodes are up";
  EXPECT_EQ(Run("status").exit_code, 0);
}

TEST_F(ToolOnATree, IsLockedOutWhileAnotherProcessHoldsTheLock) {
  ctu::Config config;
  config.SetRoot(root_.string());
  ctu::Session holder(config);
  holder.Lock();
  ExpectErrorDocument(Run("upgrade", {"--json"}), "11", "CTU_LOCKED");
  const ProcessResult plain = Run("upgrade");
  EXPECT_EQ(plain.exit_code, 11);
  EXPECT_EQ(plain.out, "");
  EXPECT_EQ(Run("status").exit_code, 0) << "a status takes no lock";
  EXPECT_EQ(Run("upgrade", {"--plan"}).exit_code, 0) << "a plan takes no lock";
  holder.Unlock();
  EXPECT_EQ(Run("upgrade").exit_code, 0);
}

TEST_F(ToolOnATree, AsksForTheNodesBeforeItTakesTheLock) {
  test_support::WriteFile(folder_.Inside("online-nodes.txt"), "xcloud25_9876\n");
  ctu::Config config;
  config.SetRoot(root_.string());
  ctu::Session holder(config);
  holder.Lock();
  EXPECT_EQ(Run("upgrade").exit_code, 10);
}

TEST_F(ToolOnATree, ReportsTasksThatFailed) {
  test_support::WriteFile(root_ / "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000", "broken");
  const ProcessResult result = Run("upgrade", {"--json"});
  EXPECT_EQ(result.exit_code, 20) << result.err;
  const Json document = Document(result);
  EXPECT_EQ(document.at("result").at("code").text, "20");
  EXPECT_EQ(document.at("result").at("name").text, "CTU_TASKS_FAILED");
  EXPECT_TRUE(Holds(result.out, "compct.xcloud24_9876.0.1617693156000")) << "the report names the task: " << result.out;
  EXPECT_TRUE(Holds(result.err, "error: ")) << result.err;
  EXPECT_TRUE(Holds(result.err, "  next: ")) << result.err;
  const ProcessResult plain = Run("upgrade");
  EXPECT_EQ(plain.exit_code, 20);
  EXPECT_TRUE(Holds(plain.out, "compct.xcloud24_9876.0.1617693156000")) << plain.out;
}

TEST_F(ToolOnATree, IsRefusedADeleteBeforeTheUpgrade) { EXPECT_EQ(Run("delete").exit_code, 13); }

TEST_F(ToolOnATree, CannotReadACatalogThatIsNotThere) {
  fs::remove(folder_.Inside("catalog.json"));
  const ProcessResult result = Run("upgrade", {"--json"});
  EXPECT_TRUE(result.exit_code == 37 || result.exit_code == 30) << result.exit_code << result.err;
  EXPECT_TRUE(Holds(result.err, "catalog.json")) << result.err;
  (void)Document(result);
}

TEST_F(ToolOnATree, IsNotFoundWhereNothingIs) {
  root_ = folder_.path() / "nowhere";
  const ProcessResult result = Run("status", {"--json"});
  ExpectErrorDocument(result, "30", "CTU_NOT_FOUND");
  EXPECT_TRUE(Holds(result.err, "nowhere")) << result.err;
}

TEST_F(ToolOnATree, SaysMoreWhereItIsAskedTo) {
  const ProcessResult quiet = Run("status");
  const ProcessResult talkative = Run("status", {"-vv"});
  EXPECT_EQ(talkative.exit_code, 0);
  EXPECT_GT(talkative.err.size(), quiet.err.size());
  EXPECT_EQ(talkative.out, quiet.out);
}

TEST_F(ToolOnATree, FailsWhereItsReportCannotBeWritten) {
  const ProcessResult result =
      test_support::RunProcess({"/bin/sh", "-c",
                                std::string("exec \"") + test_support::ToolPath() +
                                    "\" comptask-upgrade status --root \"" + root_.string() + "\" >/dev/full"});
  EXPECT_EQ(result.exit_code, 5) << result.err;
  EXPECT_TRUE(Holds(result.err, "stdout")) << result.err;
}

}  // namespace
