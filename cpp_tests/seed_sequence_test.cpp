// seed_sequence: a host's own loop makes what the library's would, and goes on after it was cut short.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "example.h"
#include "sample_tasks.h"

namespace {

namespace fs = std::filesystem;
using test_support::AllPaths;
using test_support::Holds;
using test_support::ProcessResult;

constexpr const char* kDone = "compct.xcloud24_9876.0.1583392356000";
constexpr const char* kCancelled = "compct.xcloud24_9876.0.1614928356000";
constexpr const char* kAssigned = "compct.xcloud24_9876.0.1617606756000";
constexpr const char* kInit = "compct.xcloud24_9876.0.1617693156000";

class SeedSequence : public test_support::ExampleOnATree {
 protected:
  [[nodiscard]] ProcessResult Run(const std::string& operation) const {
    return test_support::RunProcess({COMPTASK_UPGRADE_SEED_SEQUENCE, Root().string(), OnlineNodes(), operation});
  }

  // That the tree is what the library's own upgrade makes of the same tasks, to the byte.
  void ExpectSameAsTheLibrarys() const {
    const fs::path twin = folder_.path() / "twin";
    fs::create_directory(twin);
    fs::copy(Root() / "Compaction", twin / "Compaction", fs::copy_options::recursive);
    ASSERT_EQ(Tool("upgrade", {}, twin).exit_code, 0);
    ASSERT_EQ(AllPaths(Root()), AllPaths(twin));
    for (const std::string& path : AllPaths(twin)) {
      // A manifest holds the times of its run.
      if (path.back() == '/' || Holds(path, "Manifest")) continue;
      EXPECT_EQ(test_support::ReadFile(Root() / path), test_support::ReadFile(twin / path)) << path;
    }
    EXPECT_TRUE(Holds(Tool("status", {"--verify"}).out, "verified  " + std::to_string(TaskCount()) + " pairs"));
  }

  [[nodiscard]] std::size_t TaskCount() const { return test_support::NamesIn(V2() / "Scheduler").size(); }
};

TEST_F(SeedSequence, DoesWhatTheDiagramsDraw) {
  LayOut();
  const ProcessResult upgraded = Run("upgrade");
  EXPECT_EQ(upgraded.exit_code, 0) << upgraded.err;
  ExpectSameAsTheLibrarys();
  const ProcessResult again = Run("upgrade");
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_TRUE(Holds(again.out, "nothing to upgrade")) << again.out;
  const ProcessResult deleted = Run("delete");
  EXPECT_EQ(deleted.exit_code, 0) << deleted.err;
  EXPECT_EQ(AllPaths(Root()), test_support::DesignTreeV2());
  EXPECT_EQ(upgraded.out + deleted.out, test_support::ExpectedOf("seed_sequence"));
  EXPECT_EQ(upgraded.err + again.err + deleted.err, "");
}

TEST_F(SeedSequence, GoesOnAfterAnAttemptThatWasCutShortAnywhere) {
  LayOut();
  ASSERT_EQ(Run("upgrade").exit_code, 0);
  // Four tasks, each cut short at another place: after the mark of its end; before it; between the manager and the
  // main task; before anything.
  fs::remove_all(V2() / "TaskUpgrade.done");
  fs::create_directory(V2() / "Taskupgrade");
  const auto mark = [&](const std::string& name) { test_support::WriteFile(V2() / "Taskupgrade" / name, ""); };
  mark(std::string(kCancelled) + ".upgrade");
  mark(std::string(kInit) + ".xcloud24_9876");
  mark(std::string(kAssigned) + ".xcloud25_9876");
  fs::remove_all(V2() / "Scheduler/aaaaffff.16176067.56000000.0");
  fs::remove_all(V2() / "Scheduler/aaaaffff.15833923.56000000.0");
  const fs::path aside = V2() / ".staging/seed_sequence.before/aaaaffff.15833923.56000000.0";
  fs::create_directories(aside);
  test_support::WriteFile(aside / "TaskInfo.pc2.sales", "half of it");

  const ProcessResult result = Run("upgrade");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(Holds(result.out, std::string(kCancelled) + ".Cancel\n  IfUpgraded: yes\n")) << result.out;
  EXPECT_TRUE(Holds(result.out, std::string(kDone) + ".Done\n  IfUpgraded: no\n")) << result.out;
  ExpectSameAsTheLibrarys();
}

TEST_F(SeedSequence, GivesTasksOfSeveralPusTheirOrdinals) {
  LayOut();
  for (const char* pu : {"xcloud25_9876", "another.pu:1", "xcloud24_987"}) {
    const sample::SampleTask task{pu, 0, 1617693156000, sample::kInit, "us"};
    test_support::WriteFile(Root() / "Compaction/Scheduler" / sample::V1FileName(task), sample::V1Bytes(task));
  }
  // One that nobody may run, and a name that is no task's.
  const sample::SampleTask nowhere{"xcloud24_9876", 3, 1617693156000, sample::kInit, "gone"};
  test_support::WriteFile(Root() / "Compaction/Scheduler" / sample::V1FileName(nowhere), sample::V1Bytes(nowhere));
  test_support::WriteFile(Root() / "Compaction/Scheduler/notes.txt", "whose is this?");
  const ProcessResult result = Run("upgrade");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(Holds(result.out, "aaaaffff.16176931.56000003.0")) << result.out;
  ExpectSameAsTheLibrarys();
}

TEST_F(SeedSequence, DoesNotCompleteAnUpgradeOfWhichATaskFails) {
  LayOut();
  const fs::path file = Root() / "Compaction/Scheduler" / kInit;
  const std::string good = test_support::ReadFile(file);
  test_support::WriteFile(file, "broken");
  const ProcessResult failed = Run("upgrade");
  EXPECT_EQ(failed.exit_code, 22) << failed.err;
  EXPECT_FALSE(Holds(failed.out, "MarkAllFileUpgrade"));
  EXPECT_TRUE(Holds(failed.out, "ReleaseLock"));
  EXPECT_EQ(TaskCount(), 3U) << "the others are upgraded";
  EXPECT_FALSE(fs::exists(V2() / "TaskUpgrade.done"));
  EXPECT_NE(Run("delete").exit_code, 0) << "V1 is still needed";
  test_support::WriteFile(file, good);
  EXPECT_EQ(Run("upgrade").exit_code, 0);
  ExpectSameAsTheLibrarys();
}

TEST_F(SeedSequence, RefusesATaskThatIsNotTheOneOfItsName) {
  LayOut();
  const fs::path scheduler = Root() / "Compaction/Scheduler";
  test_support::WriteFile(scheduler / kInit,
                          test_support::ReadFile(scheduler / (std::string(kAssigned) + ".Assigned")));
  const ProcessResult result = Run("upgrade");
  EXPECT_EQ(result.exit_code, 22);
  EXPECT_TRUE(Holds(result.err, kInit)) << result.err;
}

TEST_F(SeedSequence, ChangesNothingWhileANodeIsUp) {
  LayOut();
  test_support::WriteFile(OnlineNodes(), "xcloud25_9876\n");
  const ProcessResult result = Run("upgrade");
  EXPECT_EQ(result.exit_code, 10);
  EXPECT_TRUE(Holds(result.err, "xcloud25_9876")) << result.err;
  EXPECT_EQ(AllPaths(Root()), test_support::DesignTreeV1());
}

TEST_F(SeedSequence, SaysHowItIsUsed) {
  LayOut();
  for (const char* word : {"status", "recovery", "frob", ""}) {
    const ProcessResult result = Run(word);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_TRUE(Holds(result.err, "usage: ")) << result.err;
  }
}

}  // namespace
