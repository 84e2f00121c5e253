// The mark functions, for a host that drives its own loop over the tasks.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "comptask_upgrade.hpp"
#include "local_tree.h"
#include "temp_folder.h"

namespace {

namespace ctu = comptask_upgrade;
namespace fs = std::filesystem;

constexpr const char* kBase = "compct.xcloud24_9876.0.1617693156000";

template <typename Call>
ctu::Code CodeThrownBy(Call call) {
  try {
    call();
  } catch (const ctu::Error& error) {
    return error.code();
  }
  return ctu::Code::kOk;
}

class Mark : public testing::Test {
 protected:
  void SetUp() override {
    root_ = folder_.path() / "cluster.compact";
    test_support::LayOutDesignTree(root_);
    test_support::WriteFile(folder_.Inside("catalog.json"), test_support::kCatalogJson);
  }

  [[nodiscard]] ctu::Config MakeConfig() const {
    ctu::Config config;
    config.SetRoot(root_.string()).SetCatalogFile(folder_.Inside("catalog.json")).AssumeOffline();
    return config;
  }

  [[nodiscard]] std::vector<std::string> Marks() const {
    const fs::path marks = root_ / "Compaction_V2/Taskupgrade";
    return fs::exists(marks) ? test_support::NamesIn(marks) : std::vector<std::string>{};
  }

  test_support::TempFolder folder_;
  fs::path root_;
};

TEST_F(Mark, GoesFromUpgradingToUpgraded) {
  ctu::Session session(MakeConfig());
  session.Lock();
  EXPECT_FALSE(session.IsUpgraded(kBase));
  session.MarkUpgrading(kBase, "xcloud24_9876");
  EXPECT_EQ(Marks(), (std::vector<std::string>{std::string(kBase) + ".xcloud24_9876"}));
  EXPECT_FALSE(session.IsUpgraded(kBase)) << "begun is not done";
  session.MarkUpgraded(kBase, "xcloud24_9876");
  EXPECT_EQ(Marks(), (std::vector<std::string>{std::string(kBase) + ".upgrade"}));
  EXPECT_TRUE(session.IsUpgraded(kBase));
  session.RemoveMark(kBase);
  EXPECT_FALSE(session.IsUpgraded(kBase));
  EXPECT_TRUE(Marks().empty());
  session.Unlock();
}

TEST_F(Mark, EscapesANodeThatWouldReadAsSomethingElse) {
  ctu::Session session(MakeConfig());
  session.Lock();
  session.MarkUpgrading(kBase, "upgrade");
  EXPECT_EQ(Marks(), (std::vector<std::string>{std::string(kBase) + ".%75pgrade"}));
  EXPECT_FALSE(session.IsUpgraded(kBase)) << "a node called upgrade upgrades nothing";
  session.MarkUpgraded(kBase, "upgrade");
  EXPECT_TRUE(session.IsUpgraded(kBase));
}

TEST_F(Mark, NeedsTheLockToWriteAndNoneToRead) {
  ctu::Session session(MakeConfig());
  EXPECT_FALSE(session.IsUpgraded(kBase));
  EXPECT_EQ(CodeThrownBy([&] { session.MarkUpgrading(kBase, "node"); }), ctu::Code::kInvalidArgument);
  EXPECT_EQ(CodeThrownBy([&] { session.MarkUpgraded(kBase, "node"); }), ctu::Code::kInvalidArgument);
  EXPECT_EQ(CodeThrownBy([&] { session.RemoveMark(kBase); }), ctu::Code::kInvalidArgument);
  EXPECT_EQ(CodeThrownBy([&] { session.MarkAllUpgraded(); }), ctu::Code::kInvalidArgument);
  EXPECT_EQ(CodeThrownBy([&] { session.ClearAllMarks(); }), ctu::Code::kInvalidArgument);
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeV1());
}

TEST_F(Mark, OfEveryTaskIsNeededBeforeTheUpgradeIsComplete) {
  ctu::Session session(MakeConfig());
  session.Lock();
  session.MarkUpgrading(kBase, "xcloud24_9876");
  session.MarkUpgraded(kBase, "xcloud24_9876");
  EXPECT_EQ(CodeThrownBy([&] { session.MarkAllUpgraded(); }), ctu::Code::kRefused);
  EXPECT_FALSE(fs::exists(root_ / "Compaction_V2/TaskUpgrade.done"));
  EXPECT_EQ(CodeThrownBy([&] { session.ClearAllMarks(); }), ctu::Code::kRefused)
      << "the marks are the only proof of what is done";
  EXPECT_EQ(Marks(), (std::vector<std::string>{std::string(kBase) + ".upgrade"}));
  session.Unlock();
}

// A host that converts by itself: each task's manager, folder and files are its own work, the marks are ours.
TEST_F(Mark, OfEveryTaskCompletesAnUpgradeThatAHostMade) {
  ctu::Session session(MakeConfig());
  ASSERT_TRUE(session.Run(ctu::Operation::kUpgrade).ok());
  // What an upgrade made, without its marks, is what a host would have made.
  fs::remove_all(root_ / "Compaction_V2/TaskUpgrade.done");
  session.Lock();
  for (const sample::SampleTask& task : sample::FourTasks()) {
    session.MarkUpgrading(sample::V1Base(task), "xcloud24_9876");
    session.MarkUpgraded(sample::V1Base(task), "xcloud24_9876");
  }
  session.MarkAllUpgraded();
  session.ClearAllMarks();
  session.Unlock();
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeUpgraded());
  EXPECT_TRUE(session.IsUpgraded(kBase)) << "by the manifest, now that the mark is gone";
  EXPECT_TRUE(session.Run(ctu::Operation::kDelete).ok());
  EXPECT_EQ(test_support::AllPaths(root_), test_support::DesignTreeV2());
}

TEST_F(Mark, OfSomethingThatIsNoTaskIsRefused) {
  ctu::Session session(MakeConfig());
  session.Lock();
  EXPECT_NE(CodeThrownBy([&] { session.MarkUpgrading("../escape", "node"); }), ctu::Code::kOk);
  EXPECT_NE(CodeThrownBy([&] { (void)session.IsUpgraded("nothing"); }), ctu::Code::kOk);
  session.MarkUpgrading(kBase, "one node");
  EXPECT_EQ(CodeThrownBy([&] { session.MarkUpgraded(kBase, "another"); }), ctu::Code::kNotFound);
}

TEST_F(Mark, OfARunIsSeenByTheHost) {
  ctu::Session session(MakeConfig());
  const fs::path broken = root_ / "Compaction/Scheduler" / kBase;
  test_support::WriteFile(broken, "torn");
  EXPECT_FALSE(session.Run(ctu::Operation::kUpgrade).ok());
  EXPECT_FALSE(session.IsUpgraded(kBase));
  EXPECT_TRUE(session.IsUpgraded("compct.xcloud24_9876.0.1617606756000"));
}

}  // namespace
