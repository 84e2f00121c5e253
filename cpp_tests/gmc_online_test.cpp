// gmc_online: an upgrade beside the work of a node, driven by commands on stdin.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "comptask_upgrade.hpp"
#include "example.h"
#include "sample_tasks.h"

namespace {

namespace ctu = comptask_upgrade;
using test_support::Holds;
using test_support::ProcessResult;

// Some seconds of work, so that a command given at once comes in time.
constexpr int kManyTasks = 1500;

class GmcOnline : public test_support::ExampleOnATree {
 protected:
  [[nodiscard]] ProcessResult Run(const std::string& commands) const {
    return test_support::RunProcess({COMPTASK_UPGRADE_GMC_ONLINE, Root().string(), Catalog()}, commands);
  }
};

// The numbers of the pieces of work that the node said it had done, in order.
std::vector<int> PiecesOfWork(const std::string& text) {
  std::vector<int> numbers;
  const std::regex pattern("([0-9]+) pieces of work");
  for (auto found = std::sregex_iterator(text.begin(), text.end(), pattern); found != std::sregex_iterator(); ++found) {
    numbers.push_back(std::stoi((*found)[1].str()));
  }
  return numbers;
}

TEST_F(GmcOnline, ObeysItsCommands) {
  LayOut();
  // The node itself is up, and that hinders no online upgrade.
  test_support::WriteFile(OnlineNodes(), "xcloud24_9876\n");
  const ProcessResult result =
      Run("STATUS\nWAIT\nCANCEL\n\nUPGRADE\nWAIT\nSTATUS\nCANCEL\nupgrade\nWAIT\nFROB\nUPGRADE NOW\nHELP\nQUIT\n"
          "STATUS\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(std::regex_replace(result.out, std::regex("[0-9]+ pieces"), "N pieces"),
            test_support::ExpectedOf("gmc_online"));
  EXPECT_EQ(test_support::AllPaths(Root()), test_support::DesignTreeUpgraded());
}

TEST_F(GmcOnline, GoesOnWorkingWhileTheJobRuns) {
  LayOut(kManyTasks);
  const ProcessResult result = Run("UPGRADE\nSTATUS\nUPGRADE\nWAIT\nSTATUS\nQUIT\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(Holds(result.out, "upgrade: started\njob: under way, ")) << result.out;
  EXPECT_TRUE(Holds(result.out, "upgrade: it is under way already\n")) << result.out;
  EXPECT_TRUE(Holds(result.out, "upgrade: 1500 converted, 0 cancelled, 0 skipped, 0 failed, 0 left\n")) << result.out;
  EXPECT_TRUE(Holds(result.out, "tree: Upgraded, 1500 V1 tasks: 1500 done, 0 left\n")) << result.out;
  const std::vector<int> pieces = PiecesOfWork(result.out);
  ASSERT_EQ(pieces.size(), 3U) << result.out;
  EXPECT_GT(pieces[1], pieces[0]) << "the node stood still while its job ran";
}

TEST_F(GmcOnline, CancelsItsJobAndGoesOnLater) {
  LayOut(kManyTasks);
  const ProcessResult result = Run("UPGRADE\nCANCEL\nWAIT\nUPGRADE\nWAIT\nSTATUS\nQUIT\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(Holds(result.out, "cancel: the job ends before its next step\n")) << result.out;
  EXPECT_TRUE(Holds(result.out, "upgrade: CTU_CANCELLED: ")) << result.out;
  EXPECT_TRUE(Holds(result.out, "upgrade: complete\n")) << result.out;
  EXPECT_TRUE(Holds(result.out, "tree: Upgraded, 1500 V1 tasks: 1500 done, 0 left\n")) << result.out;
}

TEST_F(GmcOnline, StopsAJobThatIsUnderWayWhenItEnds) {
  for (const char* end : {"QUIT\n", ""}) {
    std::filesystem::remove_all(Root());
    LayOut(kManyTasks);
    const ProcessResult result = Run(std::string("UPGRADE\n") + end);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(Holds(result.out, "upgrade: CTU_CANCELLED: ")) << result.out;
    EXPECT_TRUE(Holds(result.out, "quit: ")) << result.out;
    EXPECT_FALSE(std::filesystem::exists(V2() / "TaskUpgrade.done"));
    EXPECT_FALSE(std::filesystem::exists(V2() / "TaskupgradeLock")) << "the lock is given back in order";
  }
}

TEST_F(GmcOnline, SaysThatTasksTurnedUpLater) {
  LayOut();
  ASSERT_TRUE(Holds(Run("UPGRADE\nWAIT\n").out, "upgrade: complete\n"));
  const sample::SampleTask late{"xcloud25_9876", 0, 1700000000000, sample::kInit, "us"};
  test_support::WriteFile(Root() / "Compaction/Scheduler" / sample::V1FileName(late), sample::V1Bytes(late));
  const ProcessResult refused = Run("UPGRADE\nWAIT\n");
  EXPECT_TRUE(Holds(refused.out, "upgrade: CTU_NEW_V1_TASKS: ")) << refused.out;
  const ProcessResult status = Run("STATUS\n");
  EXPECT_TRUE(Holds(status.out, "tree: Upgraded, 5 V1 tasks: 4 done, 1 left\n")) << status.out;
}

TEST_F(GmcOnline, SaysWhoKeepsItFromUpgrading) {
  LayOut();
  ctu::Config config;
  config.SetRoot(Root().string());
  ctu::Session holder(config);
  holder.Lock();
  const ProcessResult result = Run("UPGRADE\nWAIT\nSTATUS\nQUIT\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(Holds(result.out, "upgrade: CTU_LOCKED: ")) << result.out;
  EXPECT_TRUE(Holds(result.out, "tree: NotStarted, ")) << "a status needs no lock: " << result.out;
}

TEST_F(GmcOnline, SaysWhatItCannotOpen) {
  const ProcessResult result = Run("STATUS\n");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_TRUE(Holds(result.out, "CTU_NOT_FOUND") || Holds(result.out, "CTU_CATALOG")) << result.out;
  EXPECT_EQ(test_support::RunProcess({COMPTASK_UPGRADE_GMC_ONLINE}).exit_code, 1);
}

}  // namespace
