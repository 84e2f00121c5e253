// UPGRADE inside a running node, taken up again, and by entry node; what STATUS and the reports say of it; options that
// mean nothing. The same tests on the local disk and behind host functions.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "comptask_upgrade.hpp"
#include "on_each_place.h"
#include "v2_life.h"

namespace {

namespace ctu = comptask_upgrade;
using ctu::Code;
using ctu::Operation;
using ctu::Phase;
using ctu::Placement;
using ctu::RecoveryMode;
using test_support::By;
using test_support::Holds;
using test_support::Json;
using test_support::TreeImage;

const char* const kDoneFolder = "Compaction_V2/TaskUpgrade.done";

ctu::RunOptions Reopen() {
  ctu::RunOptions options;
  options.reopen = true;
  return options;
}

ctu::RunOptions Online() {
  ctu::RunOptions options;
  options.online = true;
  return options;
}

ctu::RunOptions Placed(Placement placement) {
  ctu::RunOptions options;
  options.placement = placement;
  return options;
}

class OnlineAndReopen : public test_support::OnEachPlace {
 protected:
  // A task that is written to V1 after the upgrade was complete.
  static sample::SampleTask Late() { return {"xcloud25_9876", 2, 1620000000000, sample::kInit, "us"}; }
};

INSTANTIATE_TEST_SUITE_P(Places, OnlineAndReopen, test_support::EachPlace(), test_support::PlaceName);

TEST_P(OnlineAndReopen, TakesInV1TasksThatTurnedUpSince) {
  (void)Upgrade();
  place().AddV1Task(Late());
  const std::string name = sample::V1FileName(Late());
  const ctu::RunResult without = ExpectRefused(Code::kNewV1Tasks, Operation::kUpgrade);
  EXPECT_TRUE(Holds(without.error.value().what(), name)) << without.error->what();
  EXPECT_TRUE(Holds(without.error->next_action(), "reopen")) << without.error->next_action();

  const ctu::Report status = Run(Operation::kStatus);
  EXPECT_EQ(status.phase(), Phase::kUpgraded);
  EXPECT_EQ(status.skipped(), 4U);
  EXPECT_EQ(status.left(), 1U);
  ASSERT_EQ(status.task_count(), 1U);
  EXPECT_EQ(status.task(0).outcome, "new");
  EXPECT_EQ(status.task(0).v1_name, name);

  const TreeImage before = place().Image();
  ctu::RunOptions plan = Reopen();
  plan.plan = true;
  const ctu::Report planned = Upgrade(plan);
  EXPECT_EQ(planned.converted(), 1U);
  EXPECT_EQ(place().Image(), before);

  const ctu::Report report = Upgrade(Reopen());
  EXPECT_EQ(report.phase(), Phase::kUpgraded);
  EXPECT_EQ(report.converted(), 1U);
  EXPECT_EQ(report.skipped(), 4U);
  EXPECT_EQ(place().NamesIn(kDoneFolder), (std::vector<std::string>{"Manifest", "Manifest.2"}));
  const std::string id = ctu::V2Id(sample::V1Base(Late()));
  EXPECT_EQ(test_support::V2Record(place(), id).executenode, "xcloud25_9876");
  // What was there before is as it was.
  const TreeImage after = place().Image();
  for (const auto& [path, bytes] : before) EXPECT_EQ(after.count(path) == 1 ? after.at(path) : "gone", bytes) << path;
  EXPECT_EQ(Upgrade().skipped(), 5U);
  EXPECT_EQ(Upgrade(Reopen()).skipped(), 5U) << "with nothing new it is a plain one";
}

TEST_P(OnlineAndReopen, GoesBackFromAReopenedUpgradeAsFromAnyOther) {
  (void)Upgrade();
  place().AddV1Task(Late());
  (void)Upgrade(Reopen());
  TreeImage v1;
  for (const auto& [path, bytes] : place().Image()) {
    if (path.compare(0, 11, "Compaction/") == 0) v1.emplace(path, bytes);
  }
  EXPECT_EQ(Recover(RecoveryMode::kCancel).total(), 5U);
  EXPECT_EQ(place().Image(), WithEmptyV2(v1));
  EXPECT_EQ(Upgrade().converted(), 5U);
  EXPECT_EQ(Run(Operation::kDelete).total(), 5U);
}

TEST_P(OnlineAndReopen, RefusesToTakeInAFileThatChanged) {
  (void)Upgrade();
  place().AddV1Task(Late());
  const std::string changed = std::string("Compaction/Scheduler/") + test_support::kInitBase;
  place().Rename(changed, changed + ".Assigned");
  const ctu::RunResult result = ExpectRefused(Code::kNewV1Tasks, Operation::kUpgrade, Reopen());
  EXPECT_TRUE(Holds(result.error.value().what(), test_support::kInitBase)) << result.error->what();
  EXPECT_FALSE(Holds(result.error->what(), sample::V1Base(Late()))) << "it is new, which is no hindrance";
  EXPECT_TRUE(Holds(result.error->next_action(), "put these files back")) << result.error->next_action();
}

// As a run leaves it that was killed right after it took the upgrade up again.
TEST_P(OnlineAndReopen, FinishesAReopenedUpgradeWithReopenOnly) {
  (void)Upgrade();
  place().AddV1Task(Late());
  place().MakeFolder("Compaction_V2/Taskupgrade");
  place().Write("Compaction_V2/Taskupgrade/Reopen", "");
  const ctu::Report status = Run(Operation::kStatus);
  EXPECT_EQ(status.phase(), Phase::kReopening);
  EXPECT_EQ(test_support::Document(status).at("choices").at("upgrade").text,
            "goes on with reopen, and is refused without");
  {
    ctu::Session session(place().MakeConfig());
    EXPECT_EQ(session.NodeGate("xcloud24_9876"), ctu::Gate::kDoNotStart);
  }
  const ctu::RunResult without = ExpectRefused(Code::kRefused, Operation::kUpgrade);
  EXPECT_TRUE(Holds(without.error.value().next_action(), "reopen")) << without.error->next_action();
  (void)ExpectRefused(Code::kRefused, Operation::kDelete);
  EXPECT_EQ(Upgrade(Reopen()).converted(), 1U);
  EXPECT_EQ(place().NamesIn(kDoneFolder), (std::vector<std::string>{"Manifest", "Manifest.2"}));
}

TEST_P(OnlineAndReopen, RunsOnlineWhileNodesAreUpAndIsThenNoMoreCancelled) {
  place().SetNodesUp({"xcloud24_9876"});
  (void)ExpectRefused(Code::kNodesOnline, Operation::kUpgrade);
  const ctu::Report report = Upgrade(Online());
  EXPECT_EQ(report.phase(), Phase::kUpgraded);
  EXPECT_EQ(report.converted(), 4U);
  EXPECT_TRUE(Holds(place().Read(std::string(kDoneFolder) + "/Manifest"), "\"online\":true"));

  (void)ExpectRefused(Code::kNodesOnline, Operation::kRecovery, By(RecoveryMode::kDowngrade));
  place().SetNodesUp({});
  for (const RecoveryMode mode : {RecoveryMode::kAuto, RecoveryMode::kCancel}) {
    const ctu::RunResult refused = ExpectRefused(Code::kRefused, Operation::kRecovery, By(mode));
    EXPECT_TRUE(Holds(refused.error.value().what(), "ran inside a running node")) << refused.error->what();
    EXPECT_TRUE(Holds(refused.error->next_action(), "`downgrade`, ")) << refused.error->next_action();
  }
  EXPECT_EQ(Recover(RecoveryMode::kDowngrade).phase(), Phase::kNotStarted);
}

TEST_P(OnlineAndReopen, NeverReopensOnline) {
  (void)Upgrade(Online());
  place().AddV1Task(Late());
  ctu::RunOptions options = Reopen();
  options.online = true;
  const ctu::RunResult result = ExpectRefused(Code::kInvalidArgument, Operation::kUpgrade, options);
  EXPECT_TRUE(Holds(result.error.value().what(), "reopen cannot be online")) << result.error->what();
}

TEST_P(OnlineAndReopen, PlacesByEntryNode) {
  const std::string assigned = test_support::kAssignedId;
  (void)Upgrade();
  EXPECT_EQ(test_support::V2Record(place(), assigned).pc_name, "pc2") << "its schema runs there";
  (void)Recover(RecoveryMode::kCancel);

  const sample::SampleTask gone{"gone_9876", 0, 1621000000000, sample::kInit, "us"};
  place().AddV1Task(gone);
  const std::string gone_id = ctu::V2Id(sample::V1Base(gone));
  for (const Placement placement : {Placement::kByEntryNode, Placement::kByEntryNodeOrSchema}) {
    const ctu::Report report = Upgrade(Placed(placement));
    const bool cancelled = placement == Placement::kByEntryNode;
    EXPECT_EQ(report.total(), 5U);
    EXPECT_EQ(report.cancelled(), cancelled ? 1U : 0U);
    const ctu::TaskV2 by_entry_node = test_support::V2Record(place(), assigned);
    EXPECT_EQ(by_entry_node.pc_name, "pc1") << "the node that received it is in there";
    EXPECT_EQ(by_entry_node.executenode, "xcloud24_9876");
    const ctu::TaskV2 task = test_support::V2Record(place(), gone_id);
    const ctu::ReportRow row = test_support::RowOf(report, gone_id);
    EXPECT_EQ(row.outcome, cancelled ? "cancelled" : "converted");
    EXPECT_EQ(task.state, cancelled ? ctu::V2State::kCancel : ctu::V2State::kInit);
    EXPECT_EQ(task.pc_name, cancelled ? "" : "pc2");
    EXPECT_EQ(task.executenode, cancelled ? "" : "xcloud25_9876");
    if (cancelled) {
      EXPECT_TRUE(Holds(row.detail, "its entry node is no longer installed")) << row.detail;
    }
    (void)Recover(RecoveryMode::kCancel);
  }
}

// What a report holds beside its counts, for each operation.
TEST_P(OnlineAndReopen, HasTheSameKeysInEveryReport) {
  const auto keys = [](const ctu::Report& report) {
    std::set<std::string> names;
    for (const auto& [name, value] : test_support::Document(report).members) names.insert(name);
    return names;
  };
  const ctu::Report status = Run(Operation::kStatus);
  const std::set<std::string> expected = keys(status);
  for (const char* key : {"recovery_mode", "choices", "v2_open", "v2_tasks", "started_nodes", "actions", "result"}) {
    EXPECT_EQ(expected.count(key), 1U) << key;
  }
  EXPECT_EQ(test_support::Document(status).at("choices").members.size(), 3U);
  const ctu::Report upgraded = Upgrade();
  EXPECT_EQ(keys(upgraded), expected);
  EXPECT_EQ(test_support::Document(upgraded).at("recovery_mode").kind, Json::Kind::kNull);
  EXPECT_TRUE(test_support::Document(upgraded).at("choices").members.empty()) << "they are STATUS's alone";

  StartNode();
  const ctu::Report after = Run(Operation::kStatus);
  const Json document = test_support::Document(after);
  EXPECT_EQ(document.at("v2_tasks").text, "4");
  EXPECT_EQ(document.at("v2_open").text, "2");
  EXPECT_EQ(test_support::Texts(document.at("started_nodes")), std::vector<std::string>{"xcloud24_9876"});
  for (const auto& [name, value] : document.at("choices").members) {
    EXPECT_TRUE(Holds(after.summary(), name + ": " + value.text)) << after.summary();
  }
  EXPECT_EQ(keys(Recover(RecoveryMode::kDowngrade)), expected);
  EXPECT_EQ(keys(Try(Operation::kRecovery).report.value()), expected);
}

TEST_P(OnlineAndReopen, RefusesOptionsThatMeanNothingToTheOperation) {
  (void)Upgrade();
  ctu::RunOptions plan;
  plan.plan = true;
  ctu::RunOptions verify;
  verify.verify = true;
  ctu::RunOptions force;
  force.force = true;
  using Operations = std::vector<Operation>;
  const std::vector<std::pair<ctu::RunOptions, Operations>> rows{
      {plan, {Operation::kStatus}},
      {verify, {Operation::kRecovery}},
      {force, {Operation::kStatus, Operation::kUpgrade}},
      {Online(), {Operation::kStatus, Operation::kRecovery, Operation::kDelete}},
      {Reopen(), {Operation::kStatus, Operation::kRecovery, Operation::kDelete}},
      {By(RecoveryMode::kCancel), {Operation::kStatus, Operation::kUpgrade, Operation::kDelete}},
      {By(RecoveryMode::kDowngradeOld), {Operation::kStatus, Operation::kUpgrade, Operation::kDelete}},
      {By(RecoveryMode::kDowngrade), {Operation::kStatus, Operation::kUpgrade, Operation::kDelete}},
      {Placed(Placement::kByEntryNode), {Operation::kStatus, Operation::kRecovery, Operation::kDelete}},
      {Placed(Placement::kByEntryNodeOrSchema), {Operation::kStatus, Operation::kRecovery, Operation::kDelete}}};
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (const Operation operation : rows[row].second) {
      SCOPED_TRACE(testing::Message() << "row " << row << ", operation " << static_cast<int>(operation));
      const ctu::RunResult result = ExpectRefused(Code::kInvalidArgument, operation, rows[row].first);
      EXPECT_FALSE(result.report.has_value());
    }
  }
}

}  // namespace
