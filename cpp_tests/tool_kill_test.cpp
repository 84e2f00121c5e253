// kill -9 of cirrodata-tool at random moments on a real disk, each followed by one plain run: the same bytes as an
// undisturbed run, in the end and for every file.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "local_tree.h"
#include "process.h"
#include "temp_folder.h"

namespace {

namespace fs = std::filesystem;
using test_support::Process;
using test_support::ProcessResult;
using Clock = std::chrono::steady_clock;

constexpr int kTasks = 300;
constexpr int kUpgradeKills = 50;
constexpr int kDeleteKills = 15;

// Every file with its bytes; of the manifest only the lines between the first and the last, which name the run.
std::map<std::string, std::string> Image(const fs::path& root) {
  std::map<std::string, std::string> image;
  for (const std::string& path : test_support::AllPaths(root)) {
    std::string bytes = path.back() == '/' ? "" : test_support::ReadFile(root / path);
    if (fs::path(path).filename() == "Manifest") {
      bytes.erase(0, bytes.find('\n'));
      bytes.erase(bytes.rfind('\n', bytes.size() - 2));
    }
    image.emplace(path, std::move(bytes));
  }
  return image;
}

class KilledTool : public testing::Test {
 protected:
  void SetUp() override {
    const ProcessResult made = test_support::RunProcess(
        {COMPTASK_UPGRADE_MAKE_SAMPLE_TREE, folder_.path().string(), "--tasks", std::to_string(kTasks)});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const char* seed = std::getenv("COMPTASK_UPGRADE_SEED");
    seed_ = seed != nullptr ? static_cast<unsigned>(std::strtoul(seed, nullptr, 10)) : std::random_device{}();
    random_.seed(seed_);
    std::cout << "replay with COMPTASK_UPGRADE_SEED=" << seed_ << '\n';
  }

  [[nodiscard]] std::vector<std::string> Command(const std::string& operation, const fs::path& root) const {
    std::vector<std::string> command = {COMPTASK_UPGRADE_TOOL, "comptask-upgrade", operation, "--root", root.string()};
    if (operation == "upgrade") {
      command.insert(command.end(), {"--catalog", folder_.Inside("catalog.json"), "--online-nodes",
                                     folder_.Inside("online-nodes.txt")});
    }
    return command;
  }

  // Runs the operation on copies of a tree: once undisturbed, then again and again with a kill and a plain second run.
  void KillAndRunAgain(const std::string& operation, const fs::path& tree, int kills) {
    const fs::path undisturbed = folder_.Inside("undisturbed");
    fs::copy(tree, undisturbed, fs::copy_options::recursive);
    const auto begun = Clock::now();
    const ProcessResult whole = test_support::RunProcess(Command(operation, undisturbed));
    const auto duration = Clock::now() - begun;
    ASSERT_EQ(whole.exit_code, 0) << whole.err;
    const auto expected = Image(undisturbed);
    auto longest = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
    int under_way = 0;
    int too_late = 0;
    while (under_way < kills) {
      const fs::path root = folder_.Inside("killed");
      fs::copy(tree, root, fs::copy_options::recursive);
      const std::chrono::microseconds moment(std::uniform_int_distribution<std::int64_t>(0, longest)(random_));
      Process process(Command(operation, root));
      std::this_thread::sleep_for(moment);
      const bool running = process.Running();
      process.Signal(SIGKILL);
      process.Wait();
      if (running) {
        ++under_way;
      } else {
        // The machine is quicker than when the undisturbed run was timed; a kill that comes too late proves nothing.
        longest = longest * 9 / 10;
        ASSERT_LT(++too_late, 4 * kills) << "the tool ends before it can be killed";
      }
      const ProcessResult second = test_support::RunProcess(Command(operation, root));
      ASSERT_EQ(second.exit_code, 0) << "killed after " << moment.count() << " us: " << second.err << second.out;
      ASSERT_EQ(Image(root), expected) << "killed after " << moment.count() << " us";
      fs::remove_all(root);
    }
    std::cout << operation << ": killed at " << under_way << " moments while it ran, " << too_late << " came too late ("
              << std::chrono::duration_cast<std::chrono::milliseconds>(duration).count() << " ms undisturbed)\n";
    fs::remove_all(undisturbed);
  }

  test_support::TempFolder folder_;
  unsigned seed_ = 0;
  std::mt19937_64 random_;
};

TEST_F(KilledTool, AnUpgradeEndsInTheSameBytes) {
  KillAndRunAgain("upgrade", folder_.path() / "cluster.compact", kUpgradeKills);
}

TEST_F(KilledTool, ADeleteEndsInTheSameBytes) {
  const fs::path tree = folder_.path() / "cluster.compact";
  ASSERT_EQ(test_support::RunProcess(Command("upgrade", tree)).exit_code, 0);
  KillAndRunAgain("delete", tree, kDeleteKills);
}

}  // namespace
