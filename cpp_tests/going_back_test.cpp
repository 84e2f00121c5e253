// RECOVERY in every mode, by the same tests on the local disk and behind host functions.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "comptask_upgrade.hpp"
#include "on_each_place.h"
#include "v2_life.h"

namespace {

namespace ctu = comptask_upgrade;
using ctu::Code;
using ctu::Operation;
using ctu::Phase;
using ctu::RecoveryMode;
using test_support::AnyHolds;
using test_support::By;
using test_support::Holds;
using test_support::kAssignedBase;
using test_support::kAssignedId;
using test_support::kCancelBase;
using test_support::kCancelId;
using test_support::kDoneBase;
using test_support::kDoneId;
using test_support::kInitBase;
using test_support::kInitId;
using test_support::TreeImage;

class GoingBack : public test_support::OnEachPlace {
 protected:
  // V2 at work: a task moves on, by its Status alone or with its record, one is cleared and one is born, whose id it
  // is.
  std::string WorkOnV2() {
    StartNode();
    test_support::SetStatus(place(), kInitId, "Done");
    ctu::TaskV2 cancelled = test_support::V2Record(place(), kCancelId);
    cancelled.failed_count = 9;
    test_support::Rewrite(place(), kCancelId, cancelled);
    test_support::Clear(place(), kAssignedId);
    return test_support::AddBornTask(place(), "0badcafe.1");
  }

  [[nodiscard]] std::vector<std::string> V1Names() { return place().NamesIn("Compaction/Scheduler"); }

  [[nodiscard]] ctu::TaskV1 V1Record(const std::string& name) {
    return ctu::Task::DecodeV1(place().Read("Compaction/Scheduler/" + name)).v1();
  }

  // That RECOVERY is refused for these reasons and no other, and names these ways that are left.
  void ExpectReasons(RecoveryMode mode, const std::vector<std::string>& reasons, const std::vector<std::string>& ways) {
    const ctu::RunResult result = ExpectRefused(Code::kRefused, Operation::kRecovery, By(mode));
    ASSERT_TRUE(result.error && result.report);
    const std::vector<std::string> said = test_support::Texts(test_support::Document(*result.report).at("warnings"));
    EXPECT_EQ(said.size(), reasons.size()) << testing::PrintToString(said);
    for (const std::string& reason : reasons) {
      EXPECT_TRUE(AnyHolds(said, reason)) << reason << " in " << testing::PrintToString(said);
      EXPECT_TRUE(Holds(result.error->what(), reason)) << reason << " in " << result.error->what();
    }
    for (const std::string& way : ways) {
      EXPECT_TRUE(Holds(result.error->next_action(), way)) << way << " in " << result.error->next_action();
    }
    EXPECT_EQ(result.report->phase(), Phase::kUpgraded);
  }
};

INSTANTIATE_TEST_SUITE_P(Places, GoingBack, test_support::EachPlace(), test_support::PlaceName);

TEST_P(GoingBack, CancelLeavesV1AsItWasAndV2Empty) {
  const TreeImage v1 = place().Image();
  for (const RecoveryMode mode : {RecoveryMode::kCancel, RecoveryMode::kAuto}) {
    (void)Upgrade();
    const ctu::Report report = Recover(mode);
    EXPECT_EQ(place().Image(), WithEmptyV2(v1));
    EXPECT_EQ(report.phase(), Phase::kNotStarted);
    EXPECT_EQ(report.total(), 4U);
    EXPECT_EQ(report.skipped(), 4U);
    EXPECT_EQ(report.left(), 0U);
    EXPECT_EQ(test_support::Document(report).at("recovery_mode").text, "cancel") << "auto says what it stands for";
    const ctu::Report again = Recover(mode);
    EXPECT_EQ(test_support::Document(again).at("headline").text, "nothing to recover");
    EXPECT_EQ(place().Image(), WithEmptyV2(v1));
  }
  EXPECT_EQ(Upgrade().converted(), 4U);
  EXPECT_EQ(Run(Operation::kDelete).phase(), Phase::kV2Only);
}

TEST_P(GoingBack, CancelsAnUpgradeThatDidNotEnd) {
  place().Write("Compaction/Scheduler/compct.torn.0.1600000000000", "CTK1 torn");
  const TreeImage v1 = place().Image();
  EXPECT_EQ(Try(Operation::kUpgrade).error.value().code(), Code::kTasksFailed);
  EXPECT_EQ(Recover(RecoveryMode::kCancel).phase(), Phase::kNotStarted);
  EXPECT_EQ(place().Image(), WithEmptyV2(v1));
}

TEST_P(GoingBack, IsRefusedACancelWithEveryReasonAndTheWaysThatAreLeft) {
  (void)Upgrade();
  StartNode();
  const std::string started = "node xcloud24_9876 has started";
  for (const RecoveryMode mode : {RecoveryMode::kCancel, RecoveryMode::kAuto}) {
    ExpectReasons(mode, {started}, {"`downgrade`, ", "`downgrade_old`, "});
  }
  const std::string born = WorkOnV2();
  for (const RecoveryMode mode : {RecoveryMode::kCancel, RecoveryMode::kAuto}) {
    ExpectReasons(
        mode,
        {started, std::string(kInitId) + ": it is Done now", std::string(kCancelId) + ": its TaskInfo changed",
         std::string(kAssignedId) + ": V2 holds it no more", born + ": no upgrade that the tree knows made it"},
        {"`downgrade`, ", "`downgrade_old` with force, "});
  }
  EXPECT_EQ(ExpectRefused(Code::kRefused, Operation::kRecovery, By(RecoveryMode::kCancel, true)).error->code(),
            Code::kRefused)
      << "force does not make a cancel possible";
}

TEST_P(GoingBack, DowngradesWhatHappenedInV2) {
  (void)Upgrade();
  const std::string born = WorkOnV2();
  const std::string born_name = test_support::BornBase(place(), born);
  const std::string v1_done = place().Read(std::string("Compaction/Scheduler/") + kDoneBase + ".Done");
  const ctu::Report report = Recover(RecoveryMode::kDowngrade);
  std::vector<std::string> expected{std::string(kInitBase) + ".Done", std::string(kAssignedBase) + ".Done",
                                    std::string(kCancelBase) + ".Cancel", std::string(kDoneBase) + ".Done", born_name};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(V1Names(), expected);
  EXPECT_EQ(place().NamesIn("Compaction_V2"), (std::vector<std::string>{"Scheduler/", "TaskAssigned/"}));
  EXPECT_EQ(place().NamesIn("Compaction_V2/Scheduler"), std::vector<std::string>{});

  EXPECT_EQ(V1Record(std::string(kInitBase) + ".Done").state, ctu::V1State::kDone);
  EXPECT_EQ(V1Record(std::string(kCancelBase) + ".Cancel").failed_count, 9U);
  EXPECT_EQ(place().Read(std::string("Compaction/Scheduler/") + kDoneBase + ".Done"), v1_done);
  const ctu::TaskV1 task = V1Record(born_name);
  EXPECT_EQ(task.receive_pu, "xcloud25_9876");
  EXPECT_EQ(task.sequence_no, 4);
  EXPECT_EQ(task.state, ctu::V1State::kInit) << "V1 knows no Running";
  EXPECT_EQ(task.repeat_count, 7);
  EXPECT_EQ(task.schema_name, "eu");
  EXPECT_EQ(task.table_name, "returns");
  EXPECT_EQ(born_name, "compct.xcloud25_9876.4." + std::to_string(task.receive_ts));

  EXPECT_EQ(report.phase(), Phase::kNotStarted);
  EXPECT_EQ(report.total(), 5U);
  EXPECT_EQ(report.converted(), 4U);
  EXPECT_EQ(report.skipped(), 1U);
  EXPECT_EQ(test_support::RowOf(report, kInitId).outcome, "downgraded");
  EXPECT_EQ(test_support::RowOf(report, kDoneId).outcome, "kept");
  const ctu::ReportRow cleared = test_support::RowOf(report, kAssignedId);
  EXPECT_EQ(cleared.v1_name, std::string(kAssignedBase) + ".Done");
  EXPECT_TRUE(Holds(cleared.detail, "V2 finished and cleared it")) << cleared.detail;
  const ctu::ReportRow row = test_support::RowOf(report, born);
  EXPECT_EQ(row.outcome, "downgraded");
  EXPECT_EQ(row.v1_name, born_name);
  EXPECT_EQ(row.v1_state, ctu::V1State::kInit);
  EXPECT_EQ(row.v2_state, ctu::V2State::kRunning);
  for (const char* lost : {"sync_task_flag=true", "memo.compact_group_num=3", "pc_name=pc1"}) {
    EXPECT_TRUE(Holds(row.detail, lost)) << row.detail;
  }
  EXPECT_EQ(report.warnings(), 4U) << "of memo, sync flag and place, and of a task that is gone: " << report.json();
  EXPECT_EQ(test_support::Document(report).at("recovery_mode").text, "downgrade");
}

TEST_P(GoingBack, GoesThereAndBackAsOftenAsItIsAsked) {
  (void)Upgrade();
  const std::string born_base = test_support::BornBase(place(), WorkOnV2());
  (void)Recover(RecoveryMode::kDowngrade);
  const TreeImage v1 = place().Image();

  EXPECT_EQ(Upgrade().converted(), 5U);
  const std::string born_id = ctu::V2Id(born_base);
  EXPECT_EQ(test_support::V2Record(place(), born_id).table_name, "returns");
  (void)Run(Operation::kDelete);
  for (const RecoveryMode mode : {RecoveryMode::kAuto, RecoveryMode::kCancel, RecoveryMode::kDowngradeOld}) {
    const ctu::RunResult refused = ExpectRefused(Code::kRefused, Operation::kRecovery, By(mode, true));
    EXPECT_TRUE(Holds(refused.error.value().next_action(), "mode downgrade")) << refused.error->next_action();
  }
  const ctu::Report back = Recover(RecoveryMode::kDowngrade);
  EXPECT_EQ(back.converted(), 5U);
  EXPECT_EQ(back.phase(), Phase::kNotStarted);
  // Written anew, from V2: now the state inside the file is that of its name, also of the task that was cleared.
  TreeImage expected = v1;
  std::string& cleared = expected.at(std::string("Compaction/Scheduler/") + kAssignedBase + ".Done");
  ctu::TaskV1 task = ctu::Task::DecodeV1(cleared).v1();
  EXPECT_EQ(task.state, ctu::V1State::kAssigned) << "it became Done by its name alone";
  task.state = ctu::V1State::kDone;
  cleared = ctu::Encode(task).str();
  EXPECT_EQ(place().Image(), expected);

  EXPECT_EQ(Upgrade().converted(), 5U);
  std::vector<std::string> ids{std::string(kInitId) + "/", std::string(kAssignedId) + "/", std::string(kCancelId) + "/",
                               std::string(kDoneId) + "/", born_id + "/"};
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(place().NamesIn("Compaction_V2/Scheduler"), ids);
}

TEST_P(GoingBack, GoesToTheOldFilesByForceAndNamesWhatIsLost) {
  const TreeImage v1 = place().Image();
  (void)Upgrade();
  const std::string born = WorkOnV2();
  std::vector<std::string> lost{kInitId, kAssignedId, kCancelId, born};
  std::vector<std::string> reasons;
  for (const std::string& id : lost) reasons.push_back(id + ": ");
  ExpectReasons(RecoveryMode::kDowngradeOld, reasons, {"`downgrade`, ", "`downgrade_old` with force, "});
  const ctu::Report report = Recover(RecoveryMode::kDowngradeOld, true);
  EXPECT_EQ(place().Image(), WithEmptyV2(v1));
  for (const std::string& id : lost) {
    EXPECT_EQ(test_support::RowOf(report, id).outcome, "lost");
    EXPECT_TRUE(Holds(report.summary(), id)) << report.summary();
  }
  EXPECT_EQ(report.total(), 4U) << "what V2 held";
  EXPECT_EQ(report.left(), 3U);
  EXPECT_EQ(report.skipped(), 1U);
  EXPECT_EQ(test_support::Document(report).at("recovery_mode").text, "downgrade_old");
}

TEST_P(GoingBack, NeedsNoForceWhereNothingIsLost) {
  const TreeImage v1 = place().Image();
  (void)Upgrade();
  StartNode();
  EXPECT_EQ(Recover(RecoveryMode::kDowngradeOld).skipped(), 4U);
  EXPECT_EQ(place().Image(), WithEmptyV2(v1));
}

TEST_P(GoingBack, PlansWithoutWritingAnything) {
  (void)Upgrade();
  const std::string born = WorkOnV2();
  place().SetNodesUp({"xcloud25_9876"});
  const TreeImage before = place().Image();
  const auto plan = [&](RecoveryMode mode, bool force) {
    ctu::RunOptions options = By(mode, force);
    options.plan = true;
    ctu::Report report = Run(Operation::kRecovery, options);
    EXPECT_EQ(place().Image(), before);
    EXPECT_EQ(report.phase(), Phase::kUpgraded);
    EXPECT_TRUE(Holds(report.json(), "xcloud25_9876")) << "it says which nodes are up";
    return report;
  };
  const ctu::Report by_auto = plan(RecoveryMode::kAuto, false);
  const test_support::Json document = test_support::Document(by_auto);
  EXPECT_TRUE(document.at("plan").boolean);
  EXPECT_TRUE(Holds(document.at("headline").text, "would be refused")) << by_auto.summary();
  EXPECT_TRUE(Holds(document.at("next_action").text, "`downgrade`")) << by_auto.summary();
  EXPECT_TRUE(document.at("actions").items.empty()) << by_auto.summary();

  const ctu::Report downgrade = plan(RecoveryMode::kDowngrade, false);
  EXPECT_EQ(test_support::RowOf(downgrade, kInitId).outcome, "would downgrade");
  EXPECT_EQ(test_support::RowOf(downgrade, kDoneId).outcome, "would keep");
  EXPECT_EQ(test_support::RowOf(downgrade, born).v1_name, test_support::BornBase(place(), born));
  EXPECT_FALSE(test_support::Document(downgrade).at("actions").items.empty());

  const ctu::Report old = plan(RecoveryMode::kDowngradeOld, true);
  for (const std::string& id : {std::string(kInitId), std::string(kAssignedId), born}) {
    EXPECT_EQ(test_support::RowOf(old, id).outcome, "would lose");
  }
}

TEST_P(GoingBack, IsRefusedWhileNodesAreUp) {
  (void)Upgrade();
  place().SetNodesUp({"xcloud25_9876"});
  for (const RecoveryMode mode :
       {RecoveryMode::kAuto, RecoveryMode::kCancel, RecoveryMode::kDowngradeOld, RecoveryMode::kDowngrade}) {
    const ctu::RunResult result = ExpectRefused(Code::kNodesOnline, Operation::kRecovery, By(mode));
    EXPECT_TRUE(Holds(result.error.value().what(), "xcloud25_9876")) << result.error->what();
  }
  ctu::Session session(place().MakeConfig());
  EXPECT_THROW(session.CheckAllOffline(Operation::kRecovery), ctu::Error);
  place().SetNodesUp({});
  EXPECT_NO_THROW(session.CheckAllOffline(Operation::kRecovery));
}

TEST_P(GoingBack, ShowsItsModeWhileItIsUnderWayAndGoesOnByThatAlone) {
  (void)Upgrade();
  const std::string born_base = test_support::BornBase(place(), WorkOnV2());
  // As a run leaves it that was killed right after its direction was durable.
  place().MakeFolder("Compaction_V2/Taskrecovery");
  place().Write("Compaction_V2/Taskrecovery/Mode.downgrade", "");
  place().Write("Compaction_V2/Taskrecovery/Begun", "");
  place().Write("Compaction_V2/Taskrecovery/Cleared", "aaaaffff.16176067.56000000.0\n");
  const TreeImage before = place().Image();

  const ctu::Report status = Run(Operation::kStatus);
  EXPECT_EQ(status.phase(), Phase::kRecovering);
  const test_support::Json document = test_support::Document(status);
  EXPECT_EQ(document.at("recovery_mode").text, "downgrade");
  EXPECT_EQ(document.at("v2_tasks").text, "4");
  EXPECT_EQ(document.at("v2_open").text, "2") << "one that is born, one whose node did not clear its manager file";
  EXPECT_EQ(document.at("choices").at("recovery").text, "goes on where it stopped");
  EXPECT_TRUE(Holds(document.at("choices").at("upgrade").text, "refused: a RECOVERY is under way"));
  EXPECT_TRUE(Holds(document.at("choices").at("delete").text, "refused: a RECOVERY is under way"));
  EXPECT_TRUE(Holds(document.at("next_action").text, "by downgrade or auto")) << status.summary();
  {
    ctu::Session session(place().MakeConfig());
    EXPECT_EQ(session.NodeGate("xcloud25_9876"), ctu::Gate::kDoNotStart);
  }
  EXPECT_EQ(place().Image(), before);
  (void)ExpectRefused(Code::kRefused, Operation::kUpgrade);
  (void)ExpectRefused(Code::kRefused, Operation::kDelete);
  for (const RecoveryMode mode : {RecoveryMode::kCancel, RecoveryMode::kDowngradeOld}) {
    const ctu::RunResult refused = ExpectRefused(Code::kRefused, Operation::kRecovery, By(mode, true));
    EXPECT_TRUE(Holds(refused.error.value().next_action(), "the mode downgrade or auto"));
  }
  const ctu::Report report = Recover(RecoveryMode::kAuto);
  EXPECT_EQ(test_support::Document(report).at("recovery_mode").text, "downgrade");
  const std::vector<std::string> names = V1Names();
  EXPECT_EQ(std::count(names.begin(), names.end(), born_base), 1);
}

}  // namespace
