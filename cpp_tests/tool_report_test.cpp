// What TerminalOutput makes of failures that come after the run: of the tool's own files, and of the end of the tool.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <string>

#include "cirrodata_tool/terminal_output.h"
#include "comptask_upgrade.hpp"
#include "json.h"
#include "local_tree.h"
#include "temp_folder.h"
#include "texts.h"

namespace {

namespace ctu = comptask_upgrade;
using cirrodata_tool::OutputOptions;
using cirrodata_tool::TerminalOutput;
using test_support::Holds;
using test_support::Json;
using test_support::JsonReader;
using test_support::ReadFile;

TEST(ToolLog, EndsWhereItFirstCouldNotBeWritten) {
  const test_support::TempFolder folder;
  const std::string path = folder.Inside("tool.log");
  cirrodata_tool::LogFile log(path);
  EXPECT_FALSE(log.Write(ctu::LogLevel::kInfo, "test", "one"));
  const std::string before = ReadFile(path);
  // As a full disk does: the file may grow no more.
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit full{before.size(), limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  const auto lost = log.Write(ctu::LogLevel::kInfo, "test", "two");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, previous);
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->path(), path);
  EXPECT_FALSE(log.Write(ctu::LogLevel::kInfo, "test", "three")) << "it is told once";
  EXPECT_EQ(ReadFile(path), before) << "there is room again, and the gap is not hidden";
}

// What a tool wrote, and what it ends with.
struct Ended {
  std::optional<ctu::Error> own_failure;
  std::string out;
  std::string err;
};

class ToolReport : public testing::Test {
 protected:
  ToolReport() {
    test_support::LayOutDesignTree(folder_.path() / "cluster.compact");
    options_.log_file = folder_.Inside("tool.log");
    options_.report_file = folder_.Inside("report.json");
  }

  // A STATUS that went well, and what follows it.
  template <typename Function>
  [[nodiscard]] Ended AfterAStatus(Function follow) {
    ctu::Config config;
    config.SetRoot(folder_.Inside("cluster.compact"));
    ctu::Session session(config);
    const ctu::RunResult result = session.Run(ctu::Operation::kStatus);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Ended ended;
    {
      TerminalOutput output(options_);
      output.OpenFiles();
      ended.own_failure = follow(output, *result.report);
    }
    ended.out = testing::internal::GetCapturedStdout();
    ended.err = testing::internal::GetCapturedStderr();
    return ended;
  }

  test_support::TempFolder folder_;
  OutputOptions options_;
};

TEST_F(ToolReport, AReportThatCannotBeKeptIsToldAfterThatTheOperationSucceeded) {
  const Ended ended = AfterAStatus([&](TerminalOutput& output, const ctu::Report& report) {
    test_support::WriteFile(options_.report_file, "somebody's");
    output.ShowReport(report);
    return output.Finish(true);
  });
  ASSERT_TRUE(ended.own_failure);
  EXPECT_EQ(ended.own_failure->code(), ctu::Code::kAlreadyExists);
  const std::string told = "the operation succeeded; only its report could not be written\n";
  EXPECT_EQ(ended.err.rfind(told + "error: the report file is there already", 0), 0U) << ended.err;
  const std::string log = ReadFile(options_.log_file);
  EXPECT_LT(log.find(told), log.find("CTU_ALREADY_EXISTS")) << log;
  EXPECT_NE(log.find("CTU_ALREADY_EXISTS"), std::string::npos) << log;
  EXPECT_TRUE(Holds(ended.out, "NotStarted")) << "the report is on stdout still: " << ended.out;
  EXPECT_EQ(ReadFile(options_.report_file), "somebody's");
}

TEST_F(ToolReport, AFailedRunIsToldBeforeItsReportCouldNotBeKept) {
  const Ended ended = AfterAStatus([&](TerminalOutput& output, const ctu::Report& report) {
    test_support::WriteFile(options_.report_file, "somebody's");
    output.ShowReport(report);
    output.ShowError(ctu::Error(ctu::Code::kTasksFailed, "two tasks failed"));
    return output.Finish(false);
  });
  EXPECT_TRUE(ended.own_failure);
  EXPECT_EQ(ended.err.rfind("error: two tasks failed\n", 0), 0U) << ended.err;
  EXPECT_TRUE(Holds(ended.err, "error: the report file is there already")) << ended.err;
  EXPECT_FALSE(Holds(ended.err, "succeeded")) << ended.err;
}

TEST_F(ToolReport, AFailureAfterTheReportIsInEveryCopyOfIt) {
  options_.json = true;
  const Ended ended = AfterAStatus([&](TerminalOutput& output, const ctu::Report& report) {
    output.ShowReport(report);
    EXPECT_EQ(ReadFile(options_.report_file), std::string(report.json()) + "\n") << "it is kept at once";
    output.ShowError(ctu::Error(ctu::Code::kLockLost, "the \"lock\" was lost", "/lock"));
    return output.Finish(false);
  });
  EXPECT_FALSE(ended.own_failure);
  EXPECT_EQ(ReadFile(options_.report_file), ended.out);
  const Json document = JsonReader::Read(ended.out);
  EXPECT_EQ(document.at("operation").text, "status");
  EXPECT_EQ(document.at("tasks_left_out").text, "0");
  EXPECT_EQ(document.at("error").at("name").text, "CTU_LOCK_LOST");
  EXPECT_EQ(document.at("error").at("message").text, "the \"lock\" was lost");
  EXPECT_TRUE(Holds(ReadFile(options_.log_file), "CTU_LOCK_LOST: the \"lock\" was lost"));
}

TEST_F(ToolReport, TheErrorOfTheRunItselfIsInTheReportOnce) {
  test_support::WriteFile(folder_.Inside("cluster.compact/Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000"),
                          "broken");
  options_.json = true;
  ctu::Config config;
  config.SetRoot(folder_.Inside("cluster.compact"));
  test_support::WriteFile(folder_.Inside("catalog.json"), test_support::kCatalogJson);
  config.SetCatalogFile(folder_.Inside("catalog.json"));
  config.AssumeOffline();
  ctu::Session session(config);
  session.Lock();
  const ctu::RunResult result = session.Run(ctu::Operation::kUpgrade);
  session.Unlock();
  ASSERT_TRUE(result.report && result.error);
  const Ended ended = AfterAStatus([&](TerminalOutput& output, const ctu::Report&) {
    output.ShowReport(*result.report);
    output.ShowError(*result.error);
    return output.Finish(false);
  });
  EXPECT_EQ(ended.out, std::string(result.report->json()) + "\n");
  EXPECT_EQ(ReadFile(options_.report_file), ended.out);
}

}  // namespace
