// The files that cirrodata-tool keeps: the log and the report.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <regex>
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
using test_support::Holds;
using test_support::Json;
using test_support::JsonReader;
using test_support::ProcessResult;
using test_support::ReadFile;
using test_support::WriteFile;
using Texts = std::vector<std::string>;

const std::string kBrokenTask = "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000";

class ToolFiles : public test_support::ToolOnATree {
 protected:
  // The tool by a shell with this umask, since what it may make must not depend on the caller's.
  [[nodiscard]] ProcessResult RunOpenly(const std::string& operation, const Texts& options) const {
    Texts command{"/bin/sh", "-c", "umask 0; exec \"$@\"", "sh", test_support::ToolPath()};
    const Texts words = CommandFor(operation, options);
    command.insert(command.end(), words.begin(), words.end());
    return test_support::RunProcess(command);
  }

  static unsigned ModeOf(const std::string& path) {
    struct stat facts {};
    EXPECT_EQ(stat(path.c_str(), &facts), 0) << path;
    return facts.st_mode & 0777U;
  }

  // What lies beside the files that are asked for.
  [[nodiscard]] Texts NamesBeside() const {
    Texts names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  const std::string log_ = folder_.Inside("tool.log");
  const std::string report_ = folder_.Inside("report.json");
};

TEST_F(ToolFiles, TheLogHasATimedLineForAllThatMatters) {
  const ProcessResult result = RunOpenly("upgrade", {"--log-file", log_});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(ModeOf(log_), 0600U);
  EXPECT_FALSE(Holds(result.err, "[info]")) << "the screen is as quiet as it was: " << result.err;
  const std::string log = ReadFile(log_);
  const std::regex line(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (ERROR|WARN|INFO) \w+(::\w+)*: .*)");
  std::size_t begin = 0;
  int lines = 0;
  for (; begin < log.size(); ++lines) {
    const std::size_t end = log.find('\n', begin);
    ASSERT_NE(end, std::string::npos) << "half a line";
    EXPECT_TRUE(std::regex_match(log.substr(begin, end - begin), line)) << log.substr(begin, end - begin);
    begin = end + 1;
  }
  EXPECT_TRUE(Holds(log, " INFO comptask_upgrade: ")) << log;
  EXPECT_TRUE(Holds(log, "upgrade of " + root_.string() + "\n")) << log;
  EXPECT_TRUE(Holds(log, "all 4 tasks are upgraded")) << log;
  EXPECT_TRUE(Holds(log, " INFO cirrodata_tool: ended with exit code 0\n")) << log;
  EXPECT_EQ(Run("status", {"--log-file", log_}).exit_code, 0);
  EXPECT_EQ(ReadFile(log_).rfind(log, 0), 0U) << "it is appended to";
  EXPECT_GT(ReadFile(log_).size(), log.size());
}

TEST_F(ToolFiles, AFileThatCannotBeMadeSaysWhatToDo) {
  for (const char* option : {"--log-file", "--report-file"}) {
    const ProcessResult result = Run("status", {option, folder_.Inside("no-such-folder/file")});
    EXPECT_EQ(result.exit_code, 30) << result.err;
    EXPECT_TRUE(Holds(result.err, "next: name a file in a folder that is there")) << result.err;
  }
}

TEST_F(ToolFiles, TheLogHasTheErrorAndTheExitCode) {
  WriteFile(root_ / kBrokenTask, "broken");
  EXPECT_EQ(Run("upgrade", {"--log-file", log_, "--language", "zh"}).exit_code, 20);
  const std::string log = ReadFile(log_);
  EXPECT_TRUE(Holds(log, " ERROR cirrodata_tool: CTU_TASKS_FAILED: ")) << log;
  EXPECT_TRUE(Holds(log, " ERROR cirrodata_tool: next: ")) << log;
  EXPECT_TRUE(Holds(log, "ended with exit code 20\n")) << log;
  EXPECT_TRUE(std::regex_search(
      log, std::regex(" INFO cirrodata_tool:  *task  *compct\\.xcloud24_9876\\.0\\.1617693156000: failed")))
      << "the task that failed is named: " << log;
  EXPECT_FALSE(Holds(log, "  task      compct.xcloud24_9876.0.1583392356000")) << "of the others none: " << log;
  EXPECT_EQ(std::count_if(log.begin(), log.end(), [](char each) { return static_cast<unsigned char>(each) > 0x7F; }), 0)
      << "the log is English, whatever the screen is: " << log;
}

TEST_F(ToolFiles, TheLogBeginsWithTheOptionsThatCountAndNoSecret) {
  const std::string config = folder_.Inside("night.toml");
  WriteFile(config, "root = \"nowhere\"\nverify = true\nmode = cancel\nin-flight = 2\nlog-file = \"" + log_ + "\"\n");
  EXPECT_EQ(Run("upgrade", {"-vv", "--config", config}).exit_code, 0);
  const std::string log = ReadFile(log_);
  const std::string prefix = " INFO cirrodata_tool: option ";
  for (const std::string& given :
       {"--verify, of the configuration file " + config, "--in-flight 2, of the configuration file " + config,
        "--log-file " + log_ + ", of the configuration file " + config,
        "--root " + root_.string() + ", of the command line",
        "--catalog " + folder_.Inside("catalog.json") + ", of the command line",
        std::string("operation upgrade, of the command line"), "--config " + config + ", of the command line",
        std::string("--verbose (2 times), of the command line")}) {
    const std::size_t at = log.find(prefix + given + "\n");
    EXPECT_LT(at, log.find("comptask_upgrade: ")) << given << " in: " << log;
  }
  EXPECT_FALSE(Holds(log, "nowhere")) << "the command line wins: " << log;
  EXPECT_FALSE(Holds(log, "--mode")) << "it means nothing to an upgrade: " << log;
  const std::string log_of_secrets = folder_.Inside("secrets.log");
  const ProcessResult secret = Run("status", {"--log-file", log_of_secrets, "--zookeeper", "127.0.0.1:1",
                                              "--zookeeper-option", "tls_key_password=s3cret", "--zookeeper-option",
                                              "digest=user:s3cret", "--zookeeper-option", "s3cret"});
  EXPECT_EQ(secret.exit_code, 1) << secret.err;
  EXPECT_TRUE(
      Holds(ReadFile(log_of_secrets), "--zookeeper-option tls_key_password=... digest=... =..., of the command line\n"))
      << ReadFile(log_of_secrets);
  EXPECT_FALSE(Holds(ReadFile(log_of_secrets), "s3cret")) << ReadFile(log_of_secrets);
}

TEST_F(ToolFiles, TheLogHasBadUsageToo) {
  EXPECT_EQ(Run("status", {"--log-file", log_, "--force"}).exit_code, 1);
  EXPECT_TRUE(Holds(ReadFile(log_), "CTU_INVALID_ARGUMENT: --force means nothing to status")) << ReadFile(log_);
}

TEST_F(ToolFiles, TheLogKeepsWhatTheScreenShowsMoreOf) {
  EXPECT_EQ(Run("status", {"--log-file", log_, "-vv"}).exit_code, 0);
  EXPECT_TRUE(Holds(ReadFile(log_), " DEBUG comptask_upgrade")) << ReadFile(log_);
}

TEST_F(ToolFiles, ALogThatCannotBeWrittenIsAnErrorBeforeAnythingIsDone) {
  const ProcessResult result = Run("upgrade", {"--json", "--log-file", folder_.Inside("no/such/tool.log")});
  test_support::ExpectErrorDocument(result, "30", "CTU_NOT_FOUND");
  EXPECT_TRUE(Holds(result.err, "  path: " + folder_.Inside("no/such/tool.log"))) << result.err;
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeV1());
  EXPECT_EQ(Run("status", {"--log-file", folder_.path().string()}).exit_code, 31) << "a folder is no log";
  EXPECT_EQ(Run("status", {"--log-file", ""}).exit_code, 1);
}

TEST_F(ToolFiles, NothingButALogIsAppendedTo) {
  for (const char* foreign :
       {"important\n", "{}", "2026-11-28T13:00:00.000+00:00 NOTE a: b\n", "2026-11-28 13:00:00.000+00:00 INFO a: b\n",
        "2026-11-28T13:00:00.000+00:00 INFO a\nb: c\n"}) {
    WriteFile(log_, foreign);
    const ProcessResult result = Run("upgrade", {"--json", "--log-file", log_});
    test_support::ExpectErrorDocument(result, "31", "CTU_ALREADY_EXISTS");
    EXPECT_TRUE(Holds(result.err, "  path: " + log_)) << result.err;
    EXPECT_EQ(ReadFile(log_), foreign);
  }
  fs::remove(log_);
  fs::create_symlink("elsewhere.log", log_);
  EXPECT_EQ(Run("upgrade", {"--log-file", log_}).exit_code, 31);
  EXPECT_FALSE(fs::exists(folder_.Inside("elsewhere.log")));
  fs::remove(log_);
  ASSERT_EQ(mkfifo(log_.c_str(), 0600), 0);
  EXPECT_EQ(Run("upgrade", {"--log-file", log_}).exit_code, 31) << "and it does not wait for a reader";
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeV1()) << "it is known before anything is done";
  EXPECT_EQ(Run("status", {"--log-file", "/dev/null"}).exit_code, 0);
}

TEST_F(ToolFiles, HalfALineOfAnEarlierRunDoesNotSwallowTheNextOne) {
  const std::string half = "2026-11-28T13:00:00.000+00:00 INFO cirrodata_tool: one\n2026-11-28T13:";
  WriteFile(log_, half);
  EXPECT_EQ(Run("status", {"--log-file", log_}).exit_code, 0);
  EXPECT_EQ(ReadFile(log_).rfind(half + "\n2", 0), 0U) << ReadFile(log_);
}

TEST_F(ToolFiles, AReaderThatGoesAwayEndsNoRun) {
  // The pipe has had a reader, and has none once `wait` is over.
  Texts command{"/bin/sh", "-c", "mkfifo \"$0\" && { : <\"$0\" & } && exec 3>\"$0\" && wait && exec \"$@\" 2>&3",
                folder_.Inside("pipe"), test_support::ToolPath()};
  const Texts words = CommandFor("upgrade", {"--log-file", log_, "-vv"});
  command.insert(command.end(), words.begin(), words.end());
  const ProcessResult result = test_support::RunProcess(command);
  EXPECT_EQ(result.signal, 0);
  EXPECT_EQ(result.exit_code, 0) << ReadFile(log_);
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeUpgraded());
}

TEST_F(ToolFiles, ALogThatIsFullStopsNoRun) {
  const ProcessResult result = Run("upgrade", {"--log-file", "/dev/full"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const std::size_t first = result.err.find("the log file can be written no more");
  ASSERT_NE(first, std::string::npos) << result.err;
  EXPECT_EQ(result.err.find("the log file can be written no more", first + 1), std::string::npos) << result.err;
}

TEST_F(ToolFiles, TwoOptionsThatNameOneFileAreRefusedByName) {
  fs::create_directory_symlink(folder_.path(), folder_.Inside("folder"));
  fs::create_hard_link(folder_.Inside("catalog.json"), folder_.Inside("linked.json"));
  const std::vector<std::pair<Texts, std::string>> cases{
      {{"--log-file", report_, "--report-file", report_}, "--report-file and --log-file"},
      {{"--log-file", report_, "--report-file", folder_.Inside("folder/./report.json")},
       "--report-file and --log-file"},
      {{"--log-file", folder_.Inside("linked.json")}, "--catalog and --log-file"},
      {{"--report-file", folder_.Inside("folder/online-nodes.txt")}, "--online-nodes and --report-file"}};
  for (const auto& [options, names] : cases) {
    Texts with_json = options;
    with_json.emplace_back("--json");
    const ProcessResult result = Run("upgrade", with_json);
    test_support::ExpectErrorDocument(result, "1", "CTU_INVALID_ARGUMENT");
    EXPECT_TRUE(Holds(result.err, names + " name one and the same file")) << result.err;
  }
  const std::string config = folder_.Inside("night.toml");
  WriteFile(config, "log-file = \"" + config + "\"\n");
  EXPECT_TRUE(Holds(Run("status", {}, {{"CIRRODATA_TOOL_CONFIG", config}}).err, "--log-file and --config"));
  EXPECT_EQ(ReadFile(config), "log-file = \"" + config + "\"\n");
  EXPECT_EQ(ReadFile(folder_.Inside("catalog.json")), test_support::kCatalogJson);
  EXPECT_EQ(ReadFile(folder_.Inside("online-nodes.txt")), "");
  EXPECT_FALSE(fs::exists(report_));
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeV1()) << "it is known before anything is done";
  EXPECT_EQ(Run("recovery", {"--log-file", "/dev/null", "--online-nodes", "/dev/null"}).exit_code, 0)
      << "a device is no file that could be lost";
}

TEST_F(ToolFiles, AFileOfTheToolsInsideTheTreeIsRefused) {
  const std::string inside = (root_ / "Compaction/tool.out").string();
  fs::create_directory_symlink(root_, folder_.Inside("tree"));
  for (const std::string& root :
       {root_.string(), root_.string() + "/", folder_.Inside("tree"), "file://" + root_.string()}) {
    for (const char* option : {"--log-file", "--report-file"}) {
      const ProcessResult result = test_support::Tool({"comptask-upgrade", "status", "--root", root, option, inside});
      EXPECT_TRUE(Holds(result.err, std::string(option) + " lies below the root")) << root << ": " << result.err;
    }
  }
  for (const char* option : {"--log-file", "--report-file"}) {
    const ProcessResult result = Run("upgrade", {option, inside});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_TRUE(Holds(result.err, std::string(option) + " lies below the root")) << result.err;
    EXPECT_TRUE(Holds(result.err, "  path: " + inside)) << result.err;
  }
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeV1());
  EXPECT_EQ(Run("status", {"--log-file", root_.string() + ".log"}).exit_code, 0) << "a file beside the root is fine";
}

TEST_F(ToolFiles, TheReportIsTheOneOfStdout) {
  const ProcessResult result = RunOpenly("upgrade", {"--json", "--report-file", report_});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(ReadFile(report_), result.out);
  EXPECT_EQ(ModeOf(report_), 0600U);
  EXPECT_EQ(NamesBeside(), (Texts{"catalog.json", "cluster.compact", "online-nodes.txt", "report.json"}));
  EXPECT_EQ(Run("status", {"--report-file", report_}).exit_code, 0) << "a report may be replaced";
  EXPECT_EQ(JsonReader::Read(ReadFile(report_)).at("operation").text, "status");
}

TEST_F(ToolFiles, TheReportOfARunThatFailedIsKept) {
  WriteFile(root_ / kBrokenTask, "broken");
  EXPECT_EQ(Run("upgrade", {"--report-file", report_}).exit_code, 20);
  const Json report = JsonReader::Read(ReadFile(report_));
  EXPECT_EQ(report.at("result").at("name").text, "CTU_TASKS_FAILED");
  EXPECT_EQ(report.at("tasks").items.size(), 4U);
}

TEST_F(ToolFiles, TheErrorIsKeptWhereThereIsNoReport) {
  ctu::Config config;
  config.SetRoot(root_.string());
  ctu::Session holder(config);
  holder.Lock();
  EXPECT_EQ(Run("upgrade", {"--report-file", report_, "--language", "zh"}).exit_code, 11);
  EXPECT_EQ(JsonReader::Read(ReadFile(report_)).at("error").at("name").text, "CTU_LOCKED");
  EXPECT_TRUE(Holds(ReadFile(report_), "next_action\":\"")) << ReadFile(report_);
  holder.Unlock();
  EXPECT_EQ(Run("upgrade", {"--report-file", report_}).exit_code, 0) << "the error of a run may be replaced";
  EXPECT_EQ(JsonReader::Read(ReadFile(report_)).at("result").at("name").text, "CTU_OK");
}

TEST_F(ToolFiles, AnErrorNeverReplacesTheReportOfARun) {
  EXPECT_EQ(Run("upgrade", {"--report-file", report_}).exit_code, 0);
  const std::string report = ReadFile(report_);
  const ProcessResult misused = Run("status", {"--report-file", report_, "--force"});
  EXPECT_EQ(misused.exit_code, 1) << "the exit code is still that of the error";
  EXPECT_TRUE(Holds(misused.err, "the report file keeps the report of an earlier run")) << misused.err;
  ctu::Config config;
  config.SetRoot(root_.string());
  ctu::Session holder(config);
  holder.Lock();
  const ProcessResult locked = Run("delete", {"--report-file", report_, "--log-file", log_});
  EXPECT_EQ(locked.exit_code, 11);
  EXPECT_TRUE(Holds(locked.err, "error: ")) << locked.err;
  EXPECT_TRUE(Holds(ReadFile(log_), "the report file keeps the report of an earlier run")) << ReadFile(log_);
  EXPECT_EQ(ReadFile(report_), report);
  EXPECT_EQ(NamesBeside().size(), 5U) << testing::PrintToString(NamesBeside());
}

TEST_F(ToolFiles, AnotherFileIsNotReplaced) {
  for (const char* foreign : {"important", "{\"format\":\"something else\"}", "[]", " ",
                              "{\"error\":{\"code\":11,\"name\":\"EAGAIN\"}}", "{\"error\":{\"code\":11}}"}) {
    WriteFile(report_, foreign);
    const ProcessResult result = Run("upgrade", {"--json", "--report-file", report_});
    test_support::ExpectErrorDocument(result, "31", "CTU_ALREADY_EXISTS");
    EXPECT_TRUE(Holds(result.err, report_)) << result.err;
    EXPECT_EQ(ReadFile(report_), foreign);
  }
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeV1()) << "it is known before anything is done";
  WriteFile(report_, "");
  EXPECT_EQ(Run("status", {"--report-file", report_}).exit_code, 0) << "an empty file is nobody's";
  fs::remove(report_);
  fs::create_symlink("elsewhere.json", report_);
  EXPECT_EQ(Run("status", {"--report-file", report_}).exit_code, 31);
  EXPECT_FALSE(fs::exists(folder_.Inside("elsewhere.json")));
}

TEST_F(ToolFiles, AReportThatCannotBeWrittenIsAnErrorBeforeAnythingIsDone) {
  const ProcessResult result = Run("upgrade", {"--report-file", folder_.Inside("no/report.json")});
  EXPECT_EQ(result.exit_code, 30) << result.err;
  EXPECT_TRUE(Holds(result.err, folder_.Inside("no/report.json"))) << result.err;
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeV1());
  EXPECT_EQ(Run("status", {"--report-file", folder_.path().string()}).exit_code, 31);
}

}  // namespace
