// The whole way of a tree on the local disk, through the wrapper.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "comptask_upgrade.hpp"
#include "json.h"
#include "local_tree.h"
#include "temp_folder.h"

namespace {

namespace ctu = comptask_upgrade;
namespace fs = std::filesystem;
using test_support::AllPaths;

class LocalFlow : public testing::Test {
 protected:
  void SetUp() override {
    root_ = folder_.path() / "cluster.compact";
    test_support::LayOutDesignTree(root_);
    test_support::WriteFile(folder_.Inside("catalog.json"), test_support::kCatalogJson);
    test_support::WriteFile(folder_.Inside("online-nodes.txt"), "");
  }

  [[nodiscard]] ctu::Config MakeConfig() const {
    ctu::Config config;
    config.SetRoot(root_.string());
    config.SetCatalogFile(folder_.Inside("catalog.json"));
    config.SetLivenessFile(folder_.Inside("online-nodes.txt"));
    return config;
  }

  // Runs an operation that must end well and gives its report.
  static ctu::Report Run(ctu::Session& session, ctu::Operation operation, const ctu::RunOptions& options = {}) {
    ctu::RunResult result = session.Run(operation, options);
    EXPECT_TRUE(result.ok()) << result.error->what() << ' ' << result.error->path();
    EXPECT_TRUE(result.report.has_value());
    return std::move(*result.report);
  }

  test_support::TempFolder folder_;
  fs::path root_;
};

// Total is always the sum of what became of the tasks.
void ExpectCounts(const ctu::Report& report, std::uint64_t converted, std::uint64_t skipped, std::uint64_t left) {
  EXPECT_EQ(report.converted(), converted);
  EXPECT_EQ(report.skipped(), skipped);
  EXPECT_EQ(report.cancelled(), 0U);
  EXPECT_EQ(report.failed(), 0U);
  EXPECT_EQ(report.left(), left);
  EXPECT_EQ(report.total(), converted + skipped + left);
}

TEST_F(LocalFlow, GoesFromV1ToV2Alone) {
  ctu::Session session(MakeConfig());
  const ctu::Report before = Run(session, ctu::Operation::kStatus);
  EXPECT_EQ(before.phase(), ctu::Phase::kNotStarted);
  ExpectCounts(before, 0, 0, 4);
  EXPECT_EQ(AllPaths(root_), test_support::DesignTreeV1()) << "a status writes nothing";
  const std::string picture = before.picture();
  EXPECT_EQ(picture.rfind("cluster.compact ", 0), 0U) << picture;
  EXPECT_NE(picture.find("├─ Scheduler"), std::string::npos) << picture;
  EXPECT_NE(picture.find("main tasks: 4\n"), std::string::npos) << picture;
  EXPECT_EQ(before.picture(), before.picture()) << "it lives as long as the report";

  const ctu::Report upgraded = Run(session, ctu::Operation::kUpgrade);
  EXPECT_EQ(upgraded.phase(), ctu::Phase::kUpgraded);
  EXPECT_STREQ(upgraded.picture(), "") << "of a STATUS alone";
  ExpectCounts(upgraded, 4, 0, 0);
  EXPECT_EQ(AllPaths(root_), test_support::DesignTreeUpgraded());

  const ctu::Report again = Run(session, ctu::Operation::kUpgrade);
  EXPECT_EQ(again.phase(), ctu::Phase::kUpgraded);
  EXPECT_EQ(again.converted(), 0U);
  EXPECT_NE(std::string(again.summary()).find("all tasks are upgraded"), std::string::npos) << again.summary();
  EXPECT_EQ(AllPaths(root_), test_support::DesignTreeUpgraded());

  const ctu::Report deleted = Run(session, ctu::Operation::kDelete);
  EXPECT_EQ(deleted.phase(), ctu::Phase::kV2Only);
  EXPECT_EQ(AllPaths(root_), test_support::DesignTreeV2());
  session.Close();
}

TEST_F(LocalFlow, LeavesV1ByteForByteAsItWas) {
  std::map<std::string, std::string> before;
  for (const std::string& path : test_support::DesignTreeV1()) {
    if (path.back() != '/') before[path] = test_support::ReadFile(root_ / path);
  }
  ctu::Session session(MakeConfig());
  (void)Run(session, ctu::Operation::kUpgrade);
  for (const auto& [path, bytes] : before) EXPECT_EQ(test_support::ReadFile(root_ / path), bytes) << path;
}

TEST_F(LocalFlow, CarriesTheFieldsOver) {
  ctu::Session session(MakeConfig());
  (void)Run(session, ctu::Operation::kUpgrade);
  const fs::path scheduler = root_ / "Compaction_V2/Scheduler";
  const ctu::TaskV2 assigned =
      ctu::Task::DecodeV2(test_support::ReadFile(scheduler / "aaaaffff.16176067.56000000.0" / "TaskInfo.pc2.sales"))
          .v2();
  EXPECT_EQ(assigned.query_id, "aaaaffff.16176067.56000000");
  EXPECT_EQ(assigned.sequence_no, 0);
  EXPECT_EQ(assigned.receive_pu, "xcloud24_9876");
  EXPECT_EQ(assigned.state, ctu::V2State::kInit);
  EXPECT_EQ(assigned.optimizat_db_name, "sales");
  EXPECT_EQ(assigned.optimizat_pc_name, "pc2");
  EXPECT_TRUE(assigned.repeat_flag);
  EXPECT_FALSE(assigned.sub_task_flag);
  EXPECT_FALSE(assigned.sync_task_flag);
  EXPECT_EQ(assigned.repeat_count, 3);
  EXPECT_EQ(assigned.repeat_interval, 3600);
  EXPECT_EQ(assigned.success_count, 2U);
  EXPECT_EQ(assigned.failed_count, 1U);
  EXPECT_EQ(assigned.db_name, "sales");
  EXPECT_EQ(assigned.schema_name, "us");
  EXPECT_EQ(assigned.table_name, "orders");
  EXPECT_EQ(assigned.partition_name, "p202104");
  EXPECT_EQ(assigned.pc_name, "pc2");
  EXPECT_EQ(assigned.executenode, "xcloud25_9876");
  EXPECT_EQ(assigned.compact_filesize_threshold, 0);
  EXPECT_EQ(assigned.compact_group_num, 0);
  const ctu::TaskV2 done =
      ctu::Task::DecodeV2(test_support::ReadFile(scheduler / "aaaaffff.15833923.56000000.0" / "TaskInfo.pc2.sales"))
          .v2();
  EXPECT_EQ(done.state, ctu::V2State::kDone);
}

TEST_F(LocalFlow, PlansWithoutWritingAnything) {
  ctu::Session session(MakeConfig());
  ctu::RunOptions options;
  options.plan = true;
  const ctu::Report plan = Run(session, ctu::Operation::kUpgrade, options);
  EXPECT_EQ(AllPaths(root_), test_support::DesignTreeV1());
  EXPECT_EQ(plan.phase(), ctu::Phase::kNotStarted);
  ASSERT_EQ(plan.task_count(), 4U);
  for (std::size_t index = 0; index < plan.task_count(); ++index) {
    const ctu::ReportRow row = plan.task(index);
    EXPECT_EQ(row.outcome, "would convert");
    EXPECT_EQ(row.reason, "") << "the actions are in the detail alone";
    EXPECT_NE(row.detail, "");
    EXPECT_NE(std::string(plan.summary()).find(row.v1_name), std::string::npos) << plan.summary();
    EXPECT_EQ(std::string(plan.overview()).find(row.v1_name), std::string::npos) << plan.overview();
  }
  EXPECT_NE(std::string(plan.overview()).find("4 to convert"), std::string::npos) << plan.overview();
}

TEST_F(LocalFlow, PlansWithTheReasonApartFromTheActions) {
  test_support::WriteFile(root_ / "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000", "broken");
  ctu::Session session(MakeConfig());
  ctu::RunOptions options;
  options.plan = true;
  const ctu::RunResult result = session.Run(ctu::Operation::kUpgrade, options);
  ASSERT_TRUE(result.report);
  int reasons = 0;
  for (std::size_t index = 0; index < result.report->task_count(); ++index) {
    const ctu::ReportRow row = result.report->task(index);
    if (row.outcome != "would fail") continue;
    ++reasons;
    EXPECT_NE(row.reason, "");
    EXPECT_EQ(row.reason.find('\n'), std::string::npos) << row.reason;
    EXPECT_EQ(row.detail.rfind(row.reason, 0), 0U) << row.detail;
  }
  EXPECT_EQ(reasons, 1);
}

TEST_F(LocalFlow, ReportsEveryTaskThatItConverts) {
  ctu::Session session(MakeConfig());
  ctu::RunOptions options;
  options.plan = true;
  const ctu::Report report = Run(session, ctu::Operation::kUpgrade, options);
  std::map<std::string, ctu::ReportRow> rows;
  for (std::size_t index = 0; index < report.task_count(); ++index) {
    const ctu::ReportRow row = report.task(index);
    rows[row.v1_name] = row;
  }
  const ctu::ReportRow& assigned = rows["compct.xcloud24_9876.0.1617606756000.Assigned"];
  EXPECT_EQ(assigned.v2_id, "aaaaffff.16176067.56000000.0");
  EXPECT_EQ(assigned.pc, "pc2");
  EXPECT_EQ(assigned.node, "xcloud25_9876");
  EXPECT_EQ(assigned.v1_state, ctu::V1State::kAssigned);
  EXPECT_EQ(assigned.v2_state, ctu::V2State::kInit);
  const ctu::ReportRow& cancel = rows["compct.xcloud24_9876.0.1614928356000.Cancel"];
  EXPECT_EQ(cancel.v2_id, "aaaaffff.16149283.56000000.0");
  EXPECT_EQ(cancel.v1_state, ctu::V1State::kCancel);
  EXPECT_EQ(cancel.v2_state, ctu::V2State::kCancel);
}

TEST_F(LocalFlow, HasAReportThatIsJson) {
  ctu::Session session(MakeConfig());
  for (const auto operation :
       {ctu::Operation::kStatus, ctu::Operation::kUpgrade, ctu::Operation::kUpgrade, ctu::Operation::kDelete}) {
    const ctu::Report report = Run(session, operation);
    test_support::Json document;
    ASSERT_NO_THROW(document = test_support::JsonReader::Read(report.json())) << report.json();
    EXPECT_EQ(document.kind, test_support::Json::Kind::kObject);
    EXPECT_STRNE(report.summary(), "");
  }
}

TEST_F(LocalFlow, CancelsATaskWhoseSchemaIsUnknownAndKeepsItsRecord) {
  const sample::SampleTask lost{"xcloud24_9876", 0, 1600000000000, sample::kInit, "gone"};
  test_support::WriteFile(root_ / "Compaction/Scheduler" / sample::V1FileName(lost), sample::V1Bytes(lost));
  ctu::Session session(MakeConfig());
  const ctu::Report report = Run(session, ctu::Operation::kUpgrade);
  EXPECT_EQ(report.converted(), 4U);
  EXPECT_EQ(report.cancelled(), 1U);
  EXPECT_EQ(report.total(), 5U);
  const std::vector<std::string> names =
      test_support::NamesIn(root_ / "Compaction_V2/Scheduler/aaaaffff.16000000.00000000.0");
  EXPECT_EQ(names, (std::vector<std::string>{"Status.Cancel", "TaskInfo..sales"}));
}

TEST_F(LocalFlow, FailsABrokenTaskConvertsTheOthersAndTakesItUpOnceMended) {
  const fs::path broken = root_ / "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000";
  const std::string good = test_support::ReadFile(broken);
  test_support::WriteFile(broken, "CTK1 and nothing that fits");
  ctu::Session session(MakeConfig());
  const ctu::RunResult failed = session.Run(ctu::Operation::kUpgrade);
  ASSERT_TRUE(failed.error.has_value());
  EXPECT_EQ(failed.error->code(), ctu::Code::kTasksFailed);
  EXPECT_FALSE(failed.error->next_action().empty());
  EXPECT_THROW(failed.ThrowIfFailed(), ctu::Error);
  ASSERT_TRUE(failed.report.has_value()) << "a run whose tasks failed has an error and a report";
  EXPECT_EQ(failed.report->converted(), 3U);
  EXPECT_EQ(failed.report->failed(), 1U);
  EXPECT_EQ(failed.report->phase(), ctu::Phase::kUpgrading);
  EXPECT_FALSE(fs::exists(root_ / "Compaction_V2/TaskUpgrade.done"));
  bool named = false;
  for (std::size_t index = 0; index < failed.report->task_count(); ++index) {
    const ctu::ReportRow row = failed.report->task(index);
    if (row.outcome != "failed") continue;
    named = row.v1_name == "compct.xcloud24_9876.0.1617693156000" && !row.detail.empty();
  }
  EXPECT_TRUE(named) << "the report names the task that failed, with the cause";

  test_support::WriteFile(broken, good);
  const ctu::Report mended = Run(session, ctu::Operation::kUpgrade);
  ExpectCounts(mended, 1, 3, 0);
  EXPECT_EQ(AllPaths(root_), test_support::DesignTreeUpgraded());
}

TEST_F(LocalFlow, IsRefusedWhileNodesAreUp) {
  test_support::WriteFile(folder_.Inside("online-nodes.txt"), "xcloud25_9876\n");
  ctu::Session session(MakeConfig());
  const ctu::RunResult result = session.Run(ctu::Operation::kUpgrade);
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ctu::Code::kNodesOnline);
  EXPECT_NE(std::string(result.error->what()).find("xcloud25_9876"), std::string::npos) << result.error->what();
  EXPECT_EQ(AllPaths(root_), test_support::DesignTreeV1());
  try {
    session.CheckAllOffline(ctu::Operation::kUpgrade);
    ADD_FAILURE() << "a node is up";
  } catch (const ctu::Error& error) {
    EXPECT_EQ(error.code(), ctu::Code::kNodesOnline);
    EXPECT_NE(std::string(error.what()).find("xcloud25_9876"), std::string::npos) << error.what();
  }
  EXPECT_NO_THROW(session.CheckAllOffline(ctu::Operation::kStatus));
  EXPECT_NO_THROW(session.CheckAllOffline(ctu::Operation::kDelete));
}

TEST_F(LocalFlow, TakesTheCallersWordThatNodesAreOffline) {
  test_support::WriteFile(folder_.Inside("online-nodes.txt"), "xcloud25_9876\n");
  ctu::Config config = MakeConfig();
  config.AssumeOffline();
  ctu::Session session(config);
  EXPECT_NO_THROW(session.CheckAllOffline(ctu::Operation::kUpgrade));
  EXPECT_EQ(Run(session, ctu::Operation::kUpgrade).converted(), 4U);
}

TEST_F(LocalFlow, LetsOneHolderInAtATime) {
  ctu::Session first(MakeConfig());
  ctu::Session second(MakeConfig());
  first.Lock();
  const ctu::RunResult locked = second.Run(ctu::Operation::kUpgrade);
  ASSERT_TRUE(locked.error.has_value());
  EXPECT_EQ(locked.error->code(), ctu::Code::kLocked);
  EXPECT_EQ(Run(second, ctu::Operation::kStatus).total(), 4U) << "a status needs no lock";
  EXPECT_EQ(Run(first, ctu::Operation::kUpgrade).converted(), 4U) << "the holder's own run uses the lock it has";
  EXPECT_THROW(second.Lock(), ctu::Error) << "a run does not give back a lock that its caller took";
  first.Unlock();
  EXPECT_NO_THROW(second.Lock());
}

TEST_F(LocalFlow, GivesTheLockBackWithTheSession) {
  {
    ctu::Session first(MakeConfig());
    first.Lock();
  }
  ctu::Session second(MakeConfig());
  EXPECT_NO_THROW(second.Lock());
  EXPECT_NO_THROW(second.Unlock());
}

TEST_F(LocalFlow, RefusesOptionsThatMeanNothingToTheOperation) {
  ctu::Session session(MakeConfig());
  ctu::RunOptions plan;
  plan.plan = true;
  ctu::RunOptions force;
  force.force = true;
  ctu::RunOptions online;
  online.online = true;
  ctu::RunOptions reopen;
  reopen.reopen = true;
  ctu::RunOptions mode;
  mode.recovery_mode = ctu::RecoveryMode::kCancel;
  ctu::RunOptions placement;
  placement.placement = ctu::Placement::kByEntryNode;
  for (const auto& [operation, options] : {std::pair{ctu::Operation::kStatus, plan},
                                           {ctu::Operation::kUpgrade, force},
                                           {ctu::Operation::kDelete, online},
                                           {ctu::Operation::kRecovery, reopen},
                                           {ctu::Operation::kUpgrade, mode},
                                           {ctu::Operation::kRecovery, placement}}) {
    const ctu::RunResult result = session.Run(operation, options);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error->code(), ctu::Code::kInvalidArgument) << result.error->what();
    EXPECT_FALSE(result.report.has_value());
  }
  EXPECT_EQ(AllPaths(root_), test_support::DesignTreeV1());
}

TEST_F(LocalFlow, RefusesADeleteBeforeTheUpgradeIsComplete) {
  ctu::Session session(MakeConfig());
  const ctu::RunResult result = session.Run(ctu::Operation::kDelete);
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ctu::Code::kRefused);
  EXPECT_EQ(AllPaths(root_), test_support::DesignTreeV1());
}

TEST_F(LocalFlow, DeletesUnknownFilesOnlyWhereItIsForcedTo) {
  test_support::WriteFile(root_ / "Compaction/Scheduler/notes.txt", "whose is this?");
  ctu::Session session(MakeConfig());
  (void)Run(session, ctu::Operation::kUpgrade);
  const ctu::RunResult refused = session.Run(ctu::Operation::kDelete);
  ASSERT_TRUE(refused.error.has_value());
  EXPECT_EQ(refused.error->code(), ctu::Code::kRefused);
  EXPECT_TRUE(fs::exists(root_ / "Compaction/Scheduler/notes.txt"));
  ctu::RunOptions options;
  options.force = true;
  (void)Run(session, ctu::Operation::kDelete, options);
  EXPECT_EQ(AllPaths(root_), test_support::DesignTreeV2());
}

TEST_F(LocalFlow, TellsANodeThatStartsWhichTasksToUse) {
  ctu::Session session(MakeConfig());
  EXPECT_EQ(session.NodeGate("xcloud24_9876"), ctu::Gate::kUseV1);
  EXPECT_EQ(AllPaths(root_), test_support::DesignTreeV1()) << "nothing is recorded before an upgrade";
  const fs::path broken = root_ / "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000";
  const std::string good = test_support::ReadFile(broken);
  test_support::WriteFile(broken, "torn");
  EXPECT_FALSE(session.Run(ctu::Operation::kUpgrade).ok());
  EXPECT_EQ(session.NodeGate("xcloud24_9876"), ctu::Gate::kDoNotStart);
  test_support::WriteFile(broken, good);
  (void)Run(session, ctu::Operation::kUpgrade);
  EXPECT_EQ(session.NodeGate("xcloud24_9876"), ctu::Gate::kUseV2);
  EXPECT_EQ(session.NodeGate("xcloud24_9876"), ctu::Gate::kUseV2) << "asking twice is asking once";
  EXPECT_EQ(test_support::NamesIn(root_ / "Compaction_V2/TaskUpgrade.done"),
            (std::vector<std::string>{"Manifest", "Started.xcloud24_9876"}));
  (void)Run(session, ctu::Operation::kDelete);
  EXPECT_EQ(session.NodeGate("xcloud25_9876"), ctu::Gate::kUseV2);
  EXPECT_EQ(AllPaths(root_), test_support::DesignTreeV2());
}

TEST(LocalRoot, ThatIsNoClusterCompactIsNotFound) {
  const test_support::TempFolder folder;
  ctu::Code code = ctu::Code::kOk;
  std::string path;
  try {
    ctu::Config config;
    config.SetRoot(folder.Inside("nothing")).AssumeOffline();
    ctu::Session session(config);
    session.Run(ctu::Operation::kStatus).ThrowIfFailed();
  } catch (const ctu::Error& error) {
    code = error.code();
    path = error.path();
  }
  EXPECT_EQ(code, ctu::Code::kNotFound);
  EXPECT_NE(path.find("nothing"), std::string::npos) << path;
}

TEST(Handles, CanBeMoved) {
  const test_support::TempFolder folder;
  test_support::LayOutDesignTree(folder.path());
  ctu::Config config;
  config.SetRoot(folder.path().string());
  ctu::Config moved = std::move(config);
  ctu::Session first(moved);
  ctu::Session second(moved);
  second = std::move(first);
  ctu::RunResult result = second.Run(ctu::Operation::kStatus);
  ASSERT_TRUE(result.ok());
  const ctu::RunResult kept = std::move(result);
  EXPECT_EQ(kept.report->total(), 4U);
}

}  // namespace
