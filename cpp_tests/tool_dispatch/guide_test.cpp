// The program of docs/tool-dispatch.md on a tree whose files only the reader's own codec can read: what it does, what
// it refuses, and its storage where a rename would move into a folder.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster_hosts.h"
#include "comptask_upgrade.hpp"
#include "hdfs_storage_host.h"
#include "local_tree.h"
#include "main_task_info.h"
#include "node_start.h"
#include "process.h"
#include "sample_tasks.h"
#include "task_codec_host.h"
#include "temp_folder.h"
#include "tool_path.h"
#include "zk_lock_host.h"

namespace {

namespace ctu = comptask_upgrade;
namespace fs = std::filesystem;
using test_support::ProcessResult;
using test_support::ReadFile;
using test_support::WriteFile;

constexpr const char* kRoot = "/cirrodata/cluster.compact";

class GuideTest : public testing::Test {
 protected:
  GuideTest() {
    fs::create_directories(Root() / "Compaction" / "TaskAssigned");
    fs::create_directories(Scheduler());
    for (const sample::SampleTask& task : sample::FourTasks()) {
      WriteFile(Scheduler() / sample::V1FileName(task), V1Bytes(task));
    }
    WriteFile(folder_.Inside("metadata.txt"),
              "schema sales eu pc1\nschema sales us pc2\npc pc2 xcloud25_9876\npc pc1 xcloud24_9876\n"
              "node xcloud25_9876\nnode xcloud24_9876\n");
    PUsUp({});
  }

  static std::string V1Bytes(const sample::SampleTask& task) {
    compaction::CompactMainTaskInfoV1 info;
    info.receive_pu = task.receive_pu;
    info.sequence_no = task.sequence_no;
    info.receive_ts = task.receive_ts;
    info.state = task.state;
    info.repeat_flag = true;
    info.repeat_count = 3;
    info.repeat_interval = 3600;
    info.success_count = 2;
    info.failed_count = 1;
    info.db_name = "sales";
    info.schema_name = task.schema_name;
    info.table_name = "orders";
    info.partition_name = "p202104";
    return info.Serialize();
  }

  void PUsUp(const std::vector<std::string>& pus) const {
    std::string text = "7\n";
    for (const std::string& pu : pus) text += pu + "\n";
    WriteFile(folder_.Inside("pus.txt"), text);
  }

  [[nodiscard]] ProcessResult Tool(const std::string& operation, const std::vector<std::string>& options = {}) const {
    std::vector<std::string> words{test_support::ToolPath(), operation, kRoot, folder_.path().string()};
    words.insert(words.end(), options.begin(), options.end());
    return test_support::RunProcess(words);
  }

  /// What a node is told that starts.
  [[nodiscard]] ctu::Gate Gate(const std::string& node) const {
    return upgrade_tool::AskTheGate(std::make_shared<hdfsa::LocalHdfsAccessService>(folder_.path().string() + "/hdfs"),
                                    std::make_shared<zkadapter::ZkLock>(folder_.Inside("lock")), kRoot, node);
  }

  [[nodiscard]] fs::path Root() const { return folder_.path().string() + "/hdfs" + kRoot; }
  [[nodiscard]] fs::path Scheduler() const { return Root() / "Compaction" / "Scheduler"; }
  [[nodiscard]] fs::path V2Scheduler() const { return Root() / "Compaction_V2" / "Scheduler"; }

  /// Every file with its bytes, and every folder.
  [[nodiscard]] std::map<std::string, std::string> Image() const {
    std::map<std::string, std::string> image;
    for (const std::string& path : test_support::AllPaths(Root())) {
      image[path] = path.back() == '/' ? "" : ReadFile(Root() / path);
    }
    return image;
  }

  test_support::TempFolder folder_;
};

void ExpectEnd(const ProcessResult& result, int code, const std::string& text) {
  EXPECT_EQ(result.exit_code, code) << result.out << result.err;
  EXPECT_NE((result.out + result.err).find(text), std::string::npos) << result.out << result.err;
}

TEST_F(GuideTest, UpgradeStatusRecoveryAndDelete) {
  const auto before = Image();
  ExpectEnd(Tool("status"), 0, "phase     NotStarted");
  EXPECT_EQ(Image(), before);

  ExpectEnd(Tool("upgrade"), 0, "all 4 tasks are upgraded");
  ExpectEnd(Tool("status"), 0, "phase     Upgraded");
  ASSERT_EQ(test_support::AllPaths(Root()), [] {
    std::vector<std::string> paths;
    for (const std::string& path : test_support::DesignTreeUpgraded()) {
      // The sub-task of the design's tree, which is not in this one.
      if (path.find("Compaction/TaskAssigned/x") == std::string::npos) paths.push_back(path);
    }
    return paths;
  }());
  compaction::CompactMainTaskInfoV2 task;
  compaction::ParseError error;
  const std::string bytes = ReadFile(V2Scheduler() / "aaaaffff.16176931.56000000.0" / "TaskInfo.pc1.sales");
  ASSERT_TRUE(task.Parse(bytes, error)) << error.reason;
  EXPECT_EQ(task.query_id, "aaaaffff.16176931.56000000");
  EXPECT_EQ(task.receive_pu, "xcloud24_9876");
  EXPECT_EQ(task.repeat_interval, 3600);
  EXPECT_EQ(task.success_count, 2U);
  EXPECT_EQ(task.partition_name, "p202104");
  EXPECT_EQ(task.pc_name, "pc1");
  EXPECT_EQ(task.executenode, "xcloud24_9876");
  EXPECT_FALSE(fs::exists(folder_.path() / "lock")) << "the lock was not given back";

  ExpectEnd(Tool("recovery"), 0, "the upgrade is cancelled");
  for (const auto& [path, content] : before) EXPECT_EQ(Image()[path], content) << path;
  ExpectEnd(Tool("status"), 0, "phase     NotStarted");

  ExpectEnd(Tool("upgrade"), 0, "all 4 tasks are upgraded");
  ExpectEnd(Tool("delete"), 0, "delete");
  EXPECT_FALSE(fs::exists(Root() / "Compaction"));
  EXPECT_EQ(test_support::NamesIn(V2Scheduler()).size(), 4U);
}

TEST_F(GuideTest, APlanWritesNothingAndAsksForNothing) {
  const auto before = Image();
  PUsUp({"xcloud25_9876"});
  WriteFile(folder_.Inside("lock"), "node xcloud25, process 17");
  ExpectEnd(Tool("upgrade", {"--plan"}), 0, "4 tasks would be upgraded");
  EXPECT_EQ(Image(), before);
  ExpectEnd(Tool("upgrade", {"--plans"}), CTU_INVALID_ARGUMENT, "usage: upgrade-tool");
  ExpectEnd(Tool("status", {"--force"}), CTU_INVALID_ARGUMENT, "error: ");
}

TEST_F(GuideTest, EveryWayBackCanBeChosen) {
  const auto before = Image();
  EXPECT_EQ(Gate("xcloud24_9876"), ctu::Gate::kUseV1);
  ExpectEnd(Tool("upgrade"), 0, "all 4 tasks are upgraded");
  EXPECT_EQ(Gate("xcloud24_9876"), ctu::Gate::kUseV2);
  ExpectEnd(Tool("recovery"), CTU_REFUSED, "downgrade");
  ExpectEnd(Tool("recovery", {"--mode=downgrade_old"}), 0, "the old V1 files are used as they are");
  const auto after = Image();
  for (const auto& [path, content] : before) {
    ASSERT_EQ(after.count(path), 1U) << path;
    EXPECT_EQ(after.at(path), content) << path;
  }

  ExpectEnd(Tool("upgrade"), 0, "all 4 tasks are upgraded");
  ExpectEnd(Tool("delete"), 0, "the V1 tree is deleted");
  ExpectEnd(Tool("recovery", {"--mode=downgrade"}), 0, "V2 is V1 again");
  EXPECT_EQ(test_support::NamesIn(Scheduler()).size(), 4U);
  EXPECT_EQ(Gate("xcloud24_9876"), ctu::Gate::kUseV1);
}

TEST_F(GuideTest, ANodeThatIsUpRefusesIt) {
  const auto before = Image();
  PUsUp({"xcloud25_9876"});
  ExpectEnd(Tool("upgrade"), CTU_NODES_ONLINE, "xcloud25_9876");
  EXPECT_EQ(Image(), before);
  fs::remove(folder_.path() / "pus.txt");
  ExpectEnd(Tool("upgrade"), CTU_LIVENESS, "PUCtrl cannot be reached");
  EXPECT_EQ(Image(), before);
}

TEST_F(GuideTest, AnotherThatHoldsTheLockRefusesIt) {
  const auto before = Image();
  WriteFile(folder_.Inside("lock"), "node xcloud25, process 17");
  ExpectEnd(Tool("upgrade"), CTU_LOCKED, "node xcloud25, process 17");
  EXPECT_EQ(Image(), before);
  EXPECT_TRUE(fs::exists(folder_.path() / "lock")) << "the lock of another was given back";
}

TEST_F(GuideTest, ACatalogThatCannotBeReachedCancelsNothing) {
  fs::remove(folder_.path() / "metadata.txt");
  ExpectEnd(Tool("upgrade"), CTU_TASKS_FAILED, "MetaDataService cannot be reached");
  EXPECT_FALSE(fs::exists(Root() / "Compaction_V2" / "TaskUpgrade.done"));
  EXPECT_TRUE(test_support::NamesIn(V2Scheduler()).empty());
}

TEST_F(GuideTest, ATornFileFailsAloneWithTheOffset) {
  const fs::path torn = Scheduler() / "compct.xcloud24_9876.0.1617693156000";
  const std::string whole = ReadFile(torn);
  WriteFile(torn, whole.substr(0, whole.size() - 3));
  // The last field has seven bytes; its length stands two before it.
  ExpectEnd(Tool("upgrade"), CTU_TASKS_FAILED,
            "at offset " + std::to_string(whole.size() - 9) + ": a field goes beyond the end");
  EXPECT_EQ(test_support::NamesIn(V2Scheduler()).size(), 3U);
  WriteFile(torn, whole);
  ExpectEnd(Tool("upgrade"), 0, "all 4 tasks are upgraded");
}

TEST_F(GuideTest, AWordThatIsNoOperationIsRefused) {
  ExpectEnd(Tool("downgrade"), CTU_INVALID_ARGUMENT, "the operations are status, upgrade, recovery and delete");
}

/// Somebody who lost the lock without knowing makes a folder in the moment between the look and the rename.
class RacingHdfs : public hdfsa::LocalHdfsAccessService {
 public:
  using LocalHdfsAccessService::LocalHdfsAccessService;
  std::string victim;
  bool raced = false;

  int Rename(const std::string& from, const std::string& to) override {
    if (!raced && to.substr(to.rfind('/') + 1) == victim) raced = CreateDirectory(to) == 0;
    return LocalHdfsAccessService::Rename(from, to);
  }
};

TEST_F(GuideTest, ARenameNeverMovesIntoAFolder) {
  const std::string hdfs_root = folder_.path().string() + "/hdfs";
  // That the service does so when it is not kept from it.
  hdfsa::LocalHdfsAccessService plain(hdfs_root);
  ASSERT_EQ(plain.CreateDirectory("/one") + plain.CreateDirectory("/two") + plain.Rename("/one", "/two"), 0);
  ASSERT_TRUE(fs::exists(hdfs_root + "/two/one"));

  const auto hdfs = std::make_shared<RacingHdfs>(hdfs_root);
  hdfs->victim = "aaaaffff.16176931.56000000.0";
  ctu::Config config;
  config.SetRoot(kRoot)
      .SetStorage(std::make_shared<upgrade_tool::HdfsStorageHost>(hdfs, kRoot))
      .SetLock(std::make_shared<upgrade_tool::ZkLockHost>(std::make_shared<zkadapter::ZkLock>(folder_.Inside("lock"))))
      .SetCatalog(std::make_shared<upgrade_tool::MetaDataCatalogHost>(
          std::make_shared<meta::MetaDataService>(folder_.Inside("metadata.txt"))))
      .SetLiveness(
          std::make_shared<upgrade_tool::PULivenessHost>(std::make_shared<pu::PUCtrl>(folder_.Inside("pus.txt"))))
      .SetCodec(std::make_shared<upgrade_tool::TaskCodecHost>());
  ctu::Session session(config);
  const ctu::RunResult result = session.Run(ctu::Operation::kUpgrade);
  EXPECT_TRUE(hdfs->raced);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error->code(), ctu::Code::kTasksFailed) << result.error->message();
  EXPECT_TRUE(fs::is_empty(V2Scheduler() / hdfs->victim)) << "the task was moved into the folder";
  EXPECT_EQ(result.report->converted() + result.report->cancelled(), 3U);
}

/// The session of the lock ends, and its node with it, as the first task gets its mark.
class LosingHdfs : public hdfsa::LocalHdfsAccessService {
 public:
  LosingHdfs(const fs::path& root, std::string lock) : LocalHdfsAccessService(root), lock_(std::move(lock)) {}
  // The library calls from several threads.
  std::atomic<bool> lost = false;

  int WriteFile(const std::string& path, std::string_view bytes, bool sync) override {
    // The first mark of a task: from here on the group is under way.
    if (path.find("/Taskupgrade/compct.") != std::string::npos && fs::remove(lock_)) lost = true;
    return LocalHdfsAccessService::WriteFile(path, bytes, sync);
  }

 private:
  const std::string lock_;
};

TEST_F(GuideTest, ALostLockStopsTheRun) {
  const auto hdfs = std::make_shared<LosingHdfs>(folder_.path() / "hdfs", folder_.Inside("lock"));
  ctu::Config config;
  config.SetRoot(kRoot)
      .SetStorage(std::make_shared<upgrade_tool::HdfsStorageHost>(hdfs, kRoot))
      .SetLock(std::make_shared<upgrade_tool::ZkLockHost>(std::make_shared<zkadapter::ZkLock>(folder_.Inside("lock"))))
      .SetCatalog(std::make_shared<upgrade_tool::MetaDataCatalogHost>(
          std::make_shared<meta::MetaDataService>(folder_.Inside("metadata.txt"))))
      .AssumeOffline()
      .SetCodec(std::make_shared<upgrade_tool::TaskCodecHost>());
  ctu::Session session(config);
  const ctu::RunResult result = session.Run(ctu::Operation::kUpgrade);
  ASSERT_TRUE(hdfs->lost) << "the lock was not taken away";
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error->code(), ctu::Code::kLockLost) << result.error->message();
  EXPECT_FALSE(fs::exists(Root() / "Compaction_V2" / "TaskUpgrade.done"));
}

}  // namespace
