// node_gate: a node that starts registers itself, asks, and acts on the verdict.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "example.h"

namespace {

namespace fs = std::filesystem;
using test_support::AllPaths;
using test_support::Holds;
using test_support::ProcessResult;

class NodeGate : public test_support::ExampleOnATree {
 protected:
  [[nodiscard]] ProcessResult Start(const std::string& node) const {
    return test_support::RunProcess({COMPTASK_UPGRADE_NODE_GATE, Root().string(), node, OnlineNodes()});
  }
};

TEST_F(NodeGate, LetsANodeStartByThePhase) {
  LayOut();
  const ProcessResult before = Start("xcloud24_9876");
  EXPECT_EQ(before.exit_code, 0) << before.err;
  EXPECT_EQ(AllPaths(Root()), test_support::DesignTreeV1()) << "nothing is recorded before an upgrade";

  const fs::path file = Root() / "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000";
  const std::string good = test_support::ReadFile(file);
  test_support::WriteFile(file, "broken");
  ASSERT_EQ(Tool("upgrade").exit_code, 20);
  const ProcessResult during = Start("xcloud24_9876");
  EXPECT_EQ(during.exit_code, 3) << during.err;

  test_support::WriteFile(file, good);
  ASSERT_EQ(Tool("upgrade").exit_code, 0);
  const ProcessResult after = Start("xcloud24_9876");
  EXPECT_EQ(after.exit_code, 0) << after.err;
  EXPECT_TRUE(fs::exists(V2() / "TaskUpgrade.done/Started.xcloud24_9876"));
  const ProcessResult again = Start("xcloud24_9876");
  EXPECT_EQ(again.exit_code, 0) << again.err;

  ASSERT_EQ(Tool("delete").exit_code, 0);
  const ProcessResult deleted = Start("xcloud25_9876");
  EXPECT_EQ(deleted.exit_code, 0) << deleted.err;
  EXPECT_EQ(before.out + during.out + after.out + again.out + deleted.out, test_support::ExpectedOf("node_gate"));
  EXPECT_EQ(before.err + during.err + after.err + again.err + deleted.err, "");
}

TEST_F(NodeGate, KeepsANodeDownWhereThereIsNoAnswer) {
  LayOut();
  fs::remove_all(Root());
  const ProcessResult result = Start("xcloud24_9876");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(Holds(result.err, "gave no answer")) << result.err;
  EXPECT_EQ(Start("").exit_code, 1) << "a node without a name";
  EXPECT_EQ(test_support::RunProcess({COMPTASK_UPGRADE_NODE_GATE}).exit_code, 2);
}

TEST_F(NodeGate, LeavesTheRegistryToTheOthers) {
  LayOut();
  const std::string others = "xcloud24_98\nxcloud24_98765\nxcloud25_9876";
  test_support::WriteFile(OnlineNodes(), others + "\n");
  EXPECT_EQ(Start("xcloud24_9876").exit_code, 0);
  EXPECT_EQ(test_support::ReadFile(OnlineNodes()), others + "\n#cloud24_9876\n") << "its own line says nothing now";
}

// The half of the protocol that a node keeps: it is registered by the time that it asks.
TEST_F(NodeGate, NeedsToBeRegisteredBeforeItAsks) {
  LayOut();
  fs::remove(OnlineNodes());
  fs::create_directory(OnlineNodes());
  const ProcessResult result = Start("xcloud24_9876");
  EXPECT_EQ(result.exit_code, 1) << "a node that cannot register must not start";
  EXPECT_EQ(result.out, "") << "nor ask";
}

}  // namespace
