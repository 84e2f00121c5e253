// cirrodata-tool going back, running online, reopening and placing: exit codes, and what it tells an operator.
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "comptask_upgrade.hpp"
#include "local_tree.h"
#include "place.h"
#include "tool_on_a_tree.h"
#include "v2_life.h"

namespace {

namespace ctu = comptask_upgrade;
using test_support::Document;
using test_support::Holds;
using test_support::Json;
using test_support::kAssignedId;
using test_support::kInitBase;
using test_support::kInitId;
using test_support::ProcessResult;
using test_support::TreeImage;

class ToolRecovery : public test_support::ToolOnATree {
 protected:
  [[nodiscard]] test_support::LocalPlace Place() const { return test_support::LocalPlace(folder_.path()); }
  [[nodiscard]] TreeImage Image() const { return Place().Image(); }

  [[nodiscard]] ProcessResult Recover(std::vector<std::string> options = {}) const {
    options.insert(options.end(), {"--online-nodes", folder_.Inside("online-nodes.txt")});
    return Run("recovery", options);
  }

  void Upgrade(const std::vector<std::string>& options = {}) const {
    const ProcessResult result = Run("upgrade", options);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  // A node starts, finishes a task, clears another and makes one of its own, whose id it is.
  std::string WorkOnV2() const {
    test_support::LocalPlace place = Place();
    ctu::Session session(place.MakeConfig());
    EXPECT_EQ(session.NodeGate("xcloud24_9876"), ctu::Gate::kUseV2);
    test_support::SetStatus(place, kInitId, "Done");
    test_support::Clear(place, kAssignedId);
    return test_support::AddBornTask(place, "0badcafe.1");
  }

  // V1 as it is, beside an empty V2.
  [[nodiscard]] static TreeImage WithEmptyV2(TreeImage v1) {
    for (const char* folder : {"Compaction_V2/", "Compaction_V2/Scheduler/", "Compaction_V2/TaskAssigned/"}) {
      v1.emplace(folder, "");
    }
    return v1;
  }

  void AddLateTask() const { Place().AddV1Task({"xcloud25_9876", 2, 1620000000000, sample::kInit, "us"}); }
  const std::string late_ = "compct.xcloud25_9876.2.1620000000000";
};

TEST_F(ToolRecovery, GoesBackByEveryMode) {
  const TreeImage v1 = Image();
  for (const std::string mode : {"auto", "cancel", "downgrade_old", "downgrade"}) {
    Upgrade();
    const TreeImage upgraded = Image();
    const ProcessResult planned = Recover({"--mode", mode, "--plan"});
    EXPECT_EQ(planned.exit_code, 0) << planned.err;
    EXPECT_EQ(Image(), upgraded) << mode;
    const std::string by = mode == "auto" ? "cancel" : mode;
    EXPECT_TRUE(Holds(planned.out, "V1 would be used again, by " + by + "\n")) << planned.out;
    EXPECT_TRUE(Holds(planned.out, "Compaction_V2/Taskrecovery with Mode." + by + "\n")) << planned.out;
    EXPECT_TRUE(Holds(planned.out, "next      stop every node, then run RECOVERY by " + by + "\n")) << planned.out;
    const ProcessResult result = Recover({"--mode", mode});
    EXPECT_EQ(result.exit_code, 0) << mode << result.err;
    EXPECT_TRUE(Holds(result.out, "phase     NotStarted\n")) << result.out;
    EXPECT_TRUE(Holds(result.out, "start the nodes of the old version")) << result.out;
    if (mode == "downgrade") break;
    EXPECT_EQ(Image(), WithEmptyV2(v1)) << mode;
    const ProcessResult again = Recover({"--mode", mode});
    EXPECT_EQ(again.exit_code, 0);
    EXPECT_TRUE(Holds(again.out, "recovery: nothing to recover\n")) << again.out;
  }
  EXPECT_EQ(Place().NamesIn("Compaction/Scheduler"),
            (std::vector<std::string>{"compct.xcloud24_9876.0.1583392356000.Done",
                                      "compct.xcloud24_9876.0.1614928356000.Cancel",
                                      "compct.xcloud24_9876.0.1617606756000", "compct.xcloud24_9876.0.1617693156000"}))
      << "what was handed out waits again";
}

TEST_F(ToolRecovery, IsRefusedWithEveryReasonAndWhatToDo) {
  Upgrade();
  const std::string born = WorkOnV2();
  const TreeImage before = Image();
  const std::vector<std::string> reasons{
      "node xcloud24_9876 has started since the upgrade was complete", std::string(kInitId) + ": it is Done now",
      std::string(kAssignedId) + ": V2 holds it no more", born + ": no upgrade that the tree knows made it"};
  for (const char* mode : {"auto", "cancel"}) {
    const ProcessResult plain = Recover({"--mode", mode});
    EXPECT_EQ(plain.exit_code, 13) << plain.err;
    EXPECT_TRUE(Holds(plain.err, "error: refused: 4 reasons against RECOVERY by cancel")) << plain.err;
    for (const std::string& reason : reasons) {
      EXPECT_TRUE(Holds(plain.err, reason)) << reason << plain.err;
      EXPECT_TRUE(Holds(plain.out, "  warning   " + reason)) << reason << plain.out;
    }
    EXPECT_TRUE(Holds(plain.err, "  next: choose: `downgrade`, which ")) << plain.err;
    EXPECT_TRUE(Holds(plain.err, "; or `downgrade_old` with force, which ")) << plain.err;

    const Json document = Document(Recover({"--mode", mode, "--json"}));
    EXPECT_EQ(document.at("result").at("code").text, "13");
    EXPECT_EQ(document.at("result").at("name").text, "CTU_REFUSED");
    EXPECT_EQ(document.at("warnings").items.size(), reasons.size());
    EXPECT_EQ(document.at("phase").text, "Upgraded");
    EXPECT_EQ(document.at("recovery_mode").kind, Json::Kind::kNull) << "nothing is decided";
  }
  EXPECT_EQ(Recover({"--mode", "cancel", "--force"}).exit_code, 13);
  const ProcessResult planned = Recover({"--plan"});
  EXPECT_EQ(planned.exit_code, 0) << planned.err;
  EXPECT_TRUE(Holds(planned.out, "a run would be refused now")) << planned.out;
  EXPECT_EQ(Image(), before);
}

TEST_F(ToolRecovery, LosesWhatHappenedInV2ByForceOnly) {
  const TreeImage v1 = Image();
  Upgrade();
  const std::string born = WorkOnV2();
  const ProcessResult refused = Recover({"--mode", "downgrade_old"});
  EXPECT_EQ(refused.exit_code, 13);
  EXPECT_TRUE(Holds(refused.err, born + ": no upgrade that the tree knows made it (needs force)")) << refused.err;
  const ProcessResult result = Recover({"--mode", "downgrade_old", "--force"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(Holds(result.out, "  task      " + born + ": lost: ")) << result.out;
  EXPECT_TRUE(Holds(result.out, "  task      " + std::string(kInitBase) + ": lost -> " + kInitId)) << result.out;
  EXPECT_EQ(Image(), WithEmptyV2(v1));
}

TEST_F(ToolRecovery, KeepsWhatHappenedInV2AlsoAfterADelete) {
  Upgrade();
  (void)WorkOnV2();
  ASSERT_EQ(Run("delete").exit_code, 0);
  const ProcessResult refused = Recover();
  EXPECT_EQ(refused.exit_code, 13);
  EXPECT_TRUE(Holds(refused.err, "the old V1 files are gone")) << refused.err;
  EXPECT_TRUE(Holds(refused.err, "  next: run RECOVERY with the mode downgrade")) << refused.err;
  const ProcessResult result = Recover({"--mode", "downgrade"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(Holds(result.out, "tasks     4: 4 written to V1, 0 as V1 has them, 0 failed, 0 left out\n"))
      << result.out;
  EXPECT_TRUE(Holds(result.out, "V1 states 1 Init, 0 Assigned, 1 Cancel, 2 Done\n")) << result.out;
  EXPECT_EQ(Run("upgrade").exit_code, 0);
}

TEST_F(ToolRecovery, NeedsTheNodesDownButForAPlan) {
  Upgrade();
  test_support::WriteFile(folder_.Inside("online-nodes.txt"), "xcloud25_9876\n");
  const TreeImage before = Image();
  const ProcessResult result = Recover({"--json"});
  test_support::ExpectErrorDocument(result, "10", "CTU_NODES_ONLINE");
  EXPECT_TRUE(Holds(result.err, "xcloud25_9876")) << result.err;
  const ProcessResult planned = Recover({"--plan"});
  EXPECT_EQ(planned.exit_code, 0) << planned.err;
  EXPECT_TRUE(Holds(planned.out, "xcloud25_9876")) << planned.out;
  EXPECT_EQ(Image(), before);
  const ProcessResult nobody_asked = Run("recovery");
  EXPECT_EQ(nobody_asked.exit_code, 1) << "it must be told which nodes are up";
  EXPECT_TRUE(Holds(nobody_asked.err, "next: give --online-nodes, --assume-offline, or --zookeeper"))
      << nobody_asked.err;
  EXPECT_EQ(Run("recovery", {"--assume-offline"}).exit_code, 0);
}

// As a run leaves it that was killed right after its direction was durable.
TEST_F(ToolRecovery, ShowsItsModeWhileItIsUnderWay) {
  Upgrade();
  test_support::LocalPlace place = Place();
  place.MakeFolder("Compaction_V2/Taskrecovery");
  place.Write("Compaction_V2/Taskrecovery/Mode.downgrade", "");
  place.Write("Compaction_V2/Taskrecovery/Begun", "");
  const ProcessResult status = Run("status");
  EXPECT_EQ(status.exit_code, 0) << status.err;
  for (const char* line :
       {"a RECOVERY by downgrade is under way: 0 V1 tasks were written, 4 V2 tasks are there\n",
        "  phase     Recovering\n", "  V2 tasks  4, 2 open\n", "  can       recovery: goes on where it stopped\n",
        "  can       upgrade: refused: a RECOVERY is under way",
        "  next      run RECOVERY again, by downgrade or auto, to finish; do not start a node before that\n"}) {
    EXPECT_TRUE(Holds(status.out, line)) << line << status.out;
  }
  EXPECT_EQ(Document(Run("status", {"--json"})).at("recovery_mode").text, "downgrade");
  EXPECT_EQ(Run("upgrade").exit_code, 13);
  EXPECT_EQ(Run("delete").exit_code, 13);
  const ProcessResult other = Recover({"--mode", "cancel", "--force"});
  EXPECT_EQ(other.exit_code, 13);
  EXPECT_TRUE(Holds(other.err, "  next: run RECOVERY with the mode downgrade or auto to finish it")) << other.err;
  const ProcessResult result = Recover();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(Holds(result.out, "V2 is V1 again")) << result.out;
}

TEST_F(ToolRecovery, ReopensWhereItIsAskedTo) {
  Upgrade();
  AddLateTask();
  const ProcessResult without = Run("upgrade");
  EXPECT_EQ(without.exit_code, 14) << without.err;
  EXPECT_TRUE(Holds(without.err, late_)) << without.err;
  EXPECT_TRUE(Holds(without.err, "UPGRADE with reopen")) << without.err;
  const ProcessResult status = Run("status");
  EXPECT_TRUE(Holds(status.out, "  task      " + late_ + ": new: ")) << status.out;
  const ProcessResult result = Run("upgrade", {"--reopen", "--verify"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(Holds(result.out, "tasks     5: 1 converted, 0 cancelled, 4 skipped, 0 failed, 0 left\n")) << result.out;
  EXPECT_EQ(Place().NamesIn("Compaction_V2/TaskUpgrade.done"), (std::vector<std::string>{"Manifest", "Manifest.2"}));
  EXPECT_EQ(Run("delete").exit_code, 0);
}

TEST_F(ToolRecovery, RunsOnlineWhileNodesAreUp) {
  test_support::WriteFile(folder_.Inside("online-nodes.txt"), "xcloud25_9876\n");
  EXPECT_EQ(Run("upgrade").exit_code, 10);
  const ProcessResult online = test_support::Tool({"comptask-upgrade", "upgrade", "--root", root_.string(), "--catalog",
                                                   folder_.Inside("catalog.json"), "--online"});
  EXPECT_EQ(online.exit_code, 0) << online.err;
  EXPECT_TRUE(Holds(online.out, "all 4 tasks are upgraded")) << online.out;
  const ProcessResult refused = Run("recovery", {"--assume-offline"});
  EXPECT_EQ(refused.exit_code, 13);
  EXPECT_TRUE(Holds(refused.err, "the upgrade ran inside a running node")) << refused.err;
}

TEST_F(ToolRecovery, PlacesAsItIsAskedTo) {
  // Its schema runs on pc2; the node that received it is in pc1.
  const auto pc_of_assigned = [&] { return test_support::V2Record(Place(), kAssignedId).pc_name; };
  Place().AddV1Task({"gone_9876", 0, 1621000000000, sample::kInit, "us"});
  const std::string gone = ctu::V2Id("compct.gone_9876.0.1621000000000");
  for (const auto& [placement, pc, cancelled] : {std::tuple{"schema", "pc2", 0}, std::tuple{"entry-node", "pc1", 1},
                                                 std::tuple{"entry-node-or-schema", "pc1", 0}}) {
    const ProcessResult result = Run("upgrade", {"--placement", placement});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(pc_of_assigned(), pc) << placement;
    const std::string counts =
        std::to_string(5 - cancelled) + " converted, " + std::to_string(cancelled) + " cancelled, 0 skipped";
    EXPECT_TRUE(Holds(result.out, counts)) << placement << result.out;
    EXPECT_EQ(Holds(result.out, "its entry node is no longer installed"), cancelled == 1) << result.out;
    EXPECT_EQ(test_support::V2Record(Place(), gone).pc_name, cancelled == 1 ? "" : "pc2") << placement;
    EXPECT_EQ(Recover().exit_code, 0);
  }
}

}  // namespace
