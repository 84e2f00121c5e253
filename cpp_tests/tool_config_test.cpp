// The configuration file of cirrodata-tool.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "local_tree.h"
#include "process.h"
#include "temp_folder.h"
#include "tool_on_a_tree.h"

namespace {

using test_support::Holds;
using test_support::ProcessResult;
using test_support::Tool;
using test_support::WriteFile;
using Words = std::vector<std::string>;

class ToolConfig : public test_support::ToolOnATree {
 protected:
  // An operation with nothing but what the file says, and further options.
  [[nodiscard]] ProcessResult With(const std::string& operation, const std::string& text,
                                   const Words& options = {}) const {
    WriteFile(file_, text);
    Words words{"comptask-upgrade", operation, "--config", file_};
    words.insert(words.end(), options.begin(), options.end());
    return Tool(words);
  }

  [[nodiscard]] std::string Line(const std::string& key, const std::string& value) const {
    return key + " = \"" + value + "\"\n";
  }

  void ExpectRefused(const std::string& text, const std::string& part) const {
    const ProcessResult result = With("status", text);
    EXPECT_EQ(result.exit_code, 1) << text << result.err;
    EXPECT_TRUE(Holds(result.err, part)) << "no '" << part << "' for " << text << " in: " << result.err;
    EXPECT_TRUE(Holds(result.err, "  path: " + file_)) << result.err;
  }

  [[nodiscard]] std::string Root() const { return Line("root", root_.string()); }

  const std::string file_ = folder_.Inside("night.toml");
};

// The whole night from one file: what means nothing to an operation is left out.
TEST_F(ToolConfig, OneFileServesEveryOperation) {
  const std::string text = "# the night\n" + Root() + Line("catalog", folder_.Inside("catalog.json")) +
                           Line("online-nodes", folder_.Inside("online-nodes.txt")) +
                           "mode = cancel\nplacement = 'schema' # the default\n\nin-flight = 2\nverify = true\n" +
                           "plan = false\nverbose = 1\n" + Line("log-file", folder_.Inside("tool.log"));
  EXPECT_EQ(With("status", text).exit_code, 0);
  const ProcessResult upgraded = With("upgrade", text);
  EXPECT_EQ(upgraded.exit_code, 0) << upgraded.err;
  EXPECT_TRUE(Holds(upgraded.out, "verified")) << upgraded.out;
  EXPECT_TRUE(Holds(upgraded.err, "[info]")) << upgraded.err;
  const ProcessResult recovered = With("recovery", text);
  EXPECT_EQ(recovered.exit_code, 0) << recovered.err;
  EXPECT_TRUE(Holds(recovered.out, "the upgrade is cancelled")) << recovered.out;
  EXPECT_EQ(With("upgrade", text).exit_code, 0);
  EXPECT_EQ(With("delete", text).exit_code, 0);
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeV2());
  EXPECT_TRUE(Holds(test_support::ReadFile(folder_.Inside("tool.log")), "ended with exit code 0"));
}

TEST_F(ToolConfig, TheCommandLineWins) {
  const std::string text = Line("root", "nowhere") + Line("catalog", "nowhere.json") +
                           Line("online-nodes", "nowhere.txt") + "color = always\nlanguage = \"zh\"\n";
  // --assume-offline excludes the online-nodes of the file.
  const ProcessResult result = With("upgrade", text,
                                    {"--root", root_.string(), "--catalog", folder_.Inside("catalog.json"),
                                     "--assume-offline", "--color", "never", "--language", "en"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out.rfind("upgrade: all 4 tasks are upgraded\n", 0), 0U) << result.out;
  EXPECT_FALSE(Holds(result.out, "\x1b")) << result.out;
}

TEST_F(ToolConfig, WhatTheFileSaysIsJudgedAsOnTheCommandLine) {
  const std::string nodes =
      Line("online-nodes", "a") + "zookeeper = \"127.0.0.1:1\"\nzookeeper-registry-path = \"/pu\"\n";
  const ProcessResult both = With("upgrade", Root() + Line("catalog", "c") + nodes);
  EXPECT_EQ(both.exit_code, 1);
  EXPECT_TRUE(Holds(both.err, "excludes")) << both.err;
  EXPECT_TRUE(Holds(With("recovery", Root() + "mode = backwards\n").err, "'backwards'"));
  EXPECT_TRUE(Holds(With("status", Root() + "in-flight = many\n").err, "--in-flight = many"));
  EXPECT_TRUE(Holds(With("status", Root() + "verify = perhaps\n").err, "--verify"));
  EXPECT_TRUE(
      Holds(With("status", Root() + "zookeeper-option = [\"digest=us:s3cret\"]\nzookeeper = \"127.0.0.1:1\"\n").err,
            "--zookeeper-digest-file"));
}

TEST_F(ToolConfig, ListsAndTextsInQuotesAreReadWhole) {
  std::filesystem::rename(root_, folder_.path() / "a #b, c");
  EXPECT_EQ(With("status", Line("root", folder_.Inside("a #b, c")) + "# end").exit_code, 0);
  // Both options arrive: the second one is what the library refuses.
  const ProcessResult options = With("status",
                                     "root = \"hdfs://127.0.0.1:1/x\"\nzookeeper = \"127.0.0.1:1,127.0.0.2:1\"\n"
                                     "hdfs-option = [\"user=a\",\n  \"colour=red\"] # two\n");
  EXPECT_EQ(options.exit_code, 1);
  EXPECT_TRUE(Holds(options.err, "colour")) << options.err;
  const ProcessResult apart = With("status",
                                   "root = \"hdfs://127.0.0.1:1/x\"\nzookeeper = \"127.0.0.1:1\"\n"
                                   "hdfs-option = \"user=a\"\nverify = true\nhdfs-option = \"user=b\"\n");
  EXPECT_TRUE(Holds(apart.err, "--hdfs-option gives user twice")) << "the second is not lost: " << apart.err;
  EXPECT_TRUE(
      Holds(With("status", Root() + "in-flight = 1\n" + Root()).err, "--root: At Most 1 required but received 2"));
  for (const char* line : {"verify = true\nverify = true\n", "in-flight = 1\nin-flight = 2\n", "in-flight = many\n"}) {
    const ProcessResult wrong = With("status", Root() + line);
    EXPECT_EQ(wrong.exit_code, 1) << line;
    EXPECT_TRUE(Holds(wrong.err, "  path: ")) << "the file is named: " << wrong.err;
  }
}

TEST_F(ToolConfig, AByteOrderMarkIsNoPartOfTheFirstKey) {
  EXPECT_EQ(With("status", "\xEF\xBB\xBF" + Root()).exit_code, 0);
  EXPECT_EQ(With("status", "\xEF\xBB\xBF# the night\r\n" + Root()).exit_code, 0);
  ExpectRefused(Root() + "\xEF\xBB\xBFverify = true\n", "which is no option");
}

TEST_F(ToolConfig, SectionsAreTools) {
  EXPECT_EQ(With("status", "[comptask-upgrade]\n" + Root()).exit_code, 0);
  ExpectRefused("[another-tool]\n" + Root(), "the section 'another-tool', which is no tool");
  ExpectRefused(Root() + "comptask.root = 1\n", "the section 'comptask', which is no tool");
}

TEST_F(ToolConfig, WhatIsNoOptionIsRefusedByName) {
  ExpectRefused(Root() + "catalogue = c.json\n", "the key 'catalogue', which is no option");
  ExpectRefused(Root() + "--verify = true\n", "the key '--verify', which is no option");
  ExpectRefused(Root() + "v = 1\n", "the key 'v', which is no option");
  ExpectRefused(Root() + "operation = delete\n", "'operation' is for the command line alone");
  ExpectRefused(Root() + "config = other.toml\n", "'config' is for the command line alone");
  ExpectRefused(Root() + "help = true\n", "'help' is for the command line alone");
}

TEST_F(ToolConfig, AWordAboutOneRunIsRefusedByNameWithTheReason) {
  for (const char* key : {"force", "assume-offline", "online", "reopen"}) {
    for (const char* value : {"true", "false"}) {
      ExpectRefused(Root() + key + " = " + value + "\n",
                    std::string("the key '") + key + "' is for the command line alone: it is a word about one run");
    }
  }
}

TEST_F(ToolConfig, IsToldOfInOneLine) {
  const std::string told = "options are taken from the configuration file " + file_ + "\n";
  const ProcessResult text = With("status", Root());
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_TRUE(Holds(text.err, told)) << text.err;
  const ProcessResult json = With("status", Root(), {"--json"});
  EXPECT_TRUE(Holds(json.err, told)) << json.err;
  EXPECT_EQ(test_support::Document(json).at("operation").text, "status");
  EXPECT_FALSE(Holds(Run("status").err, "configuration file")) << "where there is none";
}

TEST_F(ToolConfig, ALineThatCannotBeReadIsRefusedByItsNumber) {
  for (const char* line : {"verify", "x", "= 1", "in-flight =", "root = \"unended", "root = \"a\"b", "root = 'a", "]",
                           "hdfs-option = [\"a=b\",", "in-flight = 1\x01"}) {
    ExpectRefused(Root() + line + "\n", "line 2 of the configuration file");
  }
}

TEST_F(ToolConfig, IsNamedByTheEnvironmentToo) {
  WriteFile(file_, Root());
  const test_support::Variables variables{{"CIRRODATA_TOOL_CONFIG", file_}};
  EXPECT_EQ(Tool({"comptask-upgrade", "status"}, variables).exit_code, 0);
  WriteFile(folder_.Inside("other.toml"), Line("root", "nowhere"));
  EXPECT_EQ(Tool({"comptask-upgrade", "status", "--config", folder_.Inside("other.toml")}, variables).exit_code, 30)
      << "the command line wins";
  EXPECT_EQ(Tool({"comptask-upgrade", "status", "--root", root_.string()}, {{"CIRRODATA_TOOL_CONFIG", ""}}).exit_code,
            0);
  const ProcessResult missing =
      Tool({"comptask-upgrade", "status", "--root", root_.string()}, {{"CIRRODATA_TOOL_CONFIG", "no-such.toml"}});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_TRUE(
      Holds(missing.err, "the configuration file cannot be read: No such file or directory\n  path: no-such.toml\n"))
      << missing.err;
  EXPECT_EQ(Tool({"comptask-upgrade", "--help"}, {{"CIRRODATA_TOOL_CONFIG", "no-such.toml"}}).exit_code, 0);
  WriteFile(file_, "nonsense");
  EXPECT_EQ(Tool({"comptask-upgrade", "--help"}, variables).exit_code, 0) << "the help is what one needs then";
}

TEST_F(ToolConfig, AFolderIsNoFile) {
  const ProcessResult result = Tool({"comptask-upgrade", "status", "--config", folder_.path().string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(Holds(result.err, "the configuration file cannot be read: Is a directory")) << result.err;
  EXPECT_EQ(Tool({"comptask-upgrade", "status", "--root", root_.string(), "--config", ""}).exit_code, 1);
}

}  // namespace
