// cirrodata-tool and Ctrl-C: the first one ends the run between tasks, the second one the process.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "comptask_upgrade.hpp"
#include "json.h"
#include "local_tree.h"
#include "process.h"
#include "temp_folder.h"
#include "tool_path.h"

namespace {

namespace ctu = comptask_upgrade;
namespace fs = std::filesystem;
using test_support::Process;
using test_support::ProcessResult;

constexpr int kTasks = 5000;

class ToolUnderWay : public testing::Test {
 protected:
  void SetUp() override {
    const ProcessResult made = test_support::RunProcess(
        {COMPTASK_UPGRADE_MAKE_SAMPLE_TREE, folder_.path().string(), "--tasks", std::to_string(kTasks)});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    root_ = folder_.path() / "cluster.compact";
    ASSERT_EQ(test_support::NamesIn(root_ / "Compaction/Scheduler").size(), static_cast<std::size_t>(kTasks));
  }

  [[nodiscard]] std::vector<std::string> Upgrade() const {
    return {test_support::ToolPath(),
            "comptask-upgrade",
            "upgrade",
            "--root",
            root_.string(),
            "--catalog",
            folder_.Inside("catalog.json"),
            "--online-nodes",
            folder_.Inside("online-nodes.txt"),
            "--json"};
  }

  // Waits until the run converts tasks, as its progress tells.
  static void WaitUntilUnderWay(Process& process) {
    while (process.Err().find("going through the tasks") == std::string::npos) {
      ASSERT_TRUE(process.Running()) << "it ended before a signal could reach it: " << process.Err();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  void ExpectThatAnotherRunFinishes() const {
    const ProcessResult second = test_support::RunProcess(Upgrade());
    EXPECT_EQ(second.exit_code, 0) << second.err;
    EXPECT_EQ(test_support::NamesIn(root_ / "Compaction_V2/Scheduler").size(), static_cast<std::size_t>(kTasks));
    EXPECT_TRUE(fs::exists(root_ / "Compaction_V2/TaskUpgrade.done/Manifest"));
    EXPECT_FALSE(fs::exists(root_ / "Compaction_V2/Taskupgrade"));
    EXPECT_FALSE(fs::exists(root_ / "Compaction_V2/.staging"));
    EXPECT_FALSE(fs::exists(root_ / "Compaction_V2/TaskupgradeLock"));
  }

  test_support::TempFolder folder_;
  fs::path root_;
};

TEST_F(ToolUnderWay, EndsCleanlyAtTheFirstSignalAndASecondRunFinishes) {
  for (const int signal_number : {SIGINT, SIGTERM}) {
    Process process(Upgrade());
    WaitUntilUnderWay(process);
    process.Signal(signal_number);
    const ProcessResult result = process.Wait();
    EXPECT_EQ(result.signal, 0);
    EXPECT_EQ(result.exit_code, 4) << result.err;
    EXPECT_NE(result.err.find("interrupted"), std::string::npos) << result.err;
    EXPECT_NO_THROW((void)test_support::JsonReader::Read(result.out)) << result.out;
    EXPECT_FALSE(fs::exists(root_ / "Compaction_V2/TaskUpgrade.done"));
    ctu::Config config;
    config.SetRoot(root_.string());
    ctu::Session session(config);
    EXPECT_NO_THROW(session.Lock()) << "the lock was given back";
    session.Unlock();
  }
  ExpectThatAnotherRunFinishes();
}

TEST_F(ToolUnderWay, EndsAtOnceAtTheSecondSignalAndASecondRunFinishes) {
  Process process(Upgrade());
  WaitUntilUnderWay(process);
  process.Signal(SIGINT);
  while (process.Running() && process.Err().find("interrupted") == std::string::npos) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  process.Signal(SIGINT);
  const ProcessResult result = process.Wait();
  // Between the two signals the run may have come to its clean end.
  EXPECT_TRUE(result.signal == SIGINT || result.exit_code == 4) << result.signal << ' ' << result.exit_code;
  ExpectThatAnotherRunFinishes();
}

}  // namespace
