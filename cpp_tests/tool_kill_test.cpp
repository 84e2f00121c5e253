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

#include "comptask_upgrade.hpp"
#include "local_tree.h"
#include "place.h"
#include "process.h"
#include "temp_folder.h"
#include "tool_path.h"
#include "v2_life.h"

namespace {

namespace ctu = comptask_upgrade;
namespace fs = std::filesystem;
using test_support::Process;
using test_support::ProcessResult;
using Clock = std::chrono::steady_clock;

constexpr int kTasks = 300;
constexpr int kUpgradeKills = 50;
constexpr int kDeleteKills = 15;
constexpr int kRecoveryKills = 25;
constexpr int kBornTasks = 20;

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

// A tree with the times of its files, of which a downgrade makes the names of tasks that were born in V2.
void CopyTree(const fs::path& from, const fs::path& to) {
  fs::copy(from, to, fs::copy_options::recursive);
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    if (entry.is_regular_file())
      fs::last_write_time(to / entry.path().lexically_relative(from), entry.last_write_time());
  }
}

// An operation with its options.
struct Call {
  std::string operation;
  std::vector<std::string> options;
};

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

  [[nodiscard]] fs::path Tree() const { return folder_.path() / "cluster.compact"; }

  [[nodiscard]] std::vector<std::string> Command(const Call& call, const fs::path& root) const {
    std::vector<std::string> command{test_support::ToolPath(), "comptask-upgrade", call.operation, "--root",
                                     root.string()};
    if (call.operation == "upgrade") command.insert(command.end(), {"--catalog", folder_.Inside("catalog.json")});
    if (call.operation != "delete") {
      command.insert(command.end(), {"--online-nodes", folder_.Inside("online-nodes.txt")});
    }
    command.insert(command.end(), call.options.begin(), call.options.end());
    return command;
  }

  void Upgrade() const {
    const ProcessResult upgraded = test_support::RunProcess(Command({"upgrade", {}}, Tree()));
    ASSERT_EQ(upgraded.exit_code, 0) << upgraded.err;
  }

  // Runs the operation on copies of a tree: once undisturbed, then again and again with a kill and a plain second run.
  void KillAndRunAgain(const Call& call, int kills) {
    const fs::path undisturbed = folder_.Inside("undisturbed");
    CopyTree(Tree(), undisturbed);
    const auto before = Image(undisturbed);
    const auto begun = Clock::now();
    const ProcessResult whole = test_support::RunProcess(Command(call, undisturbed));
    const auto duration = Clock::now() - begun;
    ASSERT_EQ(whole.exit_code, 0) << whole.err;
    const auto expected = Image(undisturbed);
    auto longest = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
    int under_way = 0;
    int too_late = 0;
    int in_between = 0;
    while (under_way < kills) {
      const fs::path root = folder_.Inside("killed");
      CopyTree(Tree(), root);
      const std::chrono::microseconds moment(std::uniform_int_distribution<std::int64_t>(0, longest)(random_));
      Process process(Command(call, root));
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
      const auto left = Image(root);
      if (left != before && left != expected) ++in_between;
      const ProcessResult second = test_support::RunProcess(Command(call, root));
      ASSERT_EQ(second.exit_code, 0) << "killed after " << moment.count() << " us: " << second.err << second.out;
      ASSERT_EQ(Image(root), expected) << "killed after " << moment.count() << " us";
      fs::remove_all(root);
    }
    std::cout << call.operation << ": killed at " << under_way << " moments while it ran, " << in_between
              << " of them between the first and the last change; " << too_late << " came too late ("
              << std::chrono::duration_cast<std::chrono::milliseconds>(duration).count() << " ms undisturbed)\n";
    fs::remove_all(undisturbed);
  }

  test_support::TempFolder folder_;
  unsigned seed_ = 0;
  std::mt19937_64 random_;
};

TEST_F(KilledTool, AnUpgradeEndsInTheSameBytes) { KillAndRunAgain({"upgrade", {}}, kUpgradeKills); }

TEST_F(KilledTool, ADeleteEndsInTheSameBytes) {
  Upgrade();
  KillAndRunAgain({"delete", {}}, kDeleteKills);
}

TEST_F(KilledTool, ACancelEndsInTheSameBytes) {
  Upgrade();
  KillAndRunAgain({"recovery", {"--mode", "cancel"}}, kRecoveryKills);
}

TEST_F(KilledTool, ADowngradeEndsInTheSameBytes) {
  Upgrade();
  test_support::LocalPlace place(folder_.path());
  {
    ctu::Session session(place.MakeConfig());
    ASSERT_EQ(session.NodeGate("xcloud24_9876"), ctu::Gate::kUseV2);
  }
  int index = 0;
  for (const std::string& name : place.NamesIn("Compaction_V2/Scheduler")) {
    const std::string id = name.substr(0, name.size() - 1);
    if (index % 5 == 0) test_support::SetStatus(place, id, "Done");
    if (index % 5 == 1) test_support::Clear(place, id);
    ++index;
  }
  for (int born = 0; born < kBornTasks; ++born) {
    test_support::AddBornTask(place, "0badcafe." + std::to_string(born));
  }
  KillAndRunAgain({"recovery", {"--mode", "downgrade"}}, kRecoveryKills);
}

}  // namespace
