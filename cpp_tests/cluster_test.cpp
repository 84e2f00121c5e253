// The whole way of a tree on a real HDFS, with the lock and the nodes in a real ZooKeeper: through the wrapper, and
// through cirrodata-tool. Which HDFS client serves is said by the variable COMPTASK_UPGRADE_HDFS_CLIENT.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "comptask_upgrade.hpp"
#include "local_tree.h"
#include "process.h"
#include "temp_folder.h"
#include "test_cluster.h"
#include "texts.h"
#include "tool_path.h"

namespace {

namespace ctu = comptask_upgrade;
namespace fs = std::filesystem;
using test_support::AllPaths;
using test_support::AnyHolds;
using test_support::Holds;
using test_support::NamesIn;
using test_support::ProcessResult;
using test_support::TestCluster;
using Words = std::vector<std::string>;

constexpr std::uint32_t kSessionTimeoutMs = 10000;

// The HDFS client of this run of the program.
std::string HdfsClient() {
  const char* const chosen = std::getenv("COMPTASK_UPGRADE_HDFS_CLIENT");
  return chosen == nullptr ? "auto" : chosen;
}

// A tree, a lock and a registry of its own for each test, all under the test's name.
class OnTheCluster : public testing::Test {
 protected:
  void SetUp() override {
    name_ = std::string("/") + testing::UnitTest::GetInstance()->current_test_info()->name();
    registry_ = name_ + "/pu";
    lock_ = name_ + "/lock";
    test_support::WriteFile(folder_.Inside("catalog.json"), test_support::kCatalogJson);
    const fs::path laid_out = folder_.path() / "laid_out" / name_.substr(1);
    test_support::LayOutDesignTree(laid_out / "cluster.compact");
    Cluster().Put(laid_out, "/");
    (void)Cluster().ZooKeeper("create " + name_);
    (void)Cluster().ZooKeeper("create " + registry_);
  }

  // Started by the first test and kept for the others. One that could not be started is tried again, and fails again.
  static TestCluster& Cluster() {
    static TestCluster cluster;
    return cluster;
  }

  // What libhdfs needs to start a JVM.
  static std::vector<std::pair<std::string, std::string>> JavaOptions() {
    if (HdfsClient() != "libhdfs") return {};
    return {{"java_home", Cluster().java_home()},
            {"class_path", Cluster().class_path()},
            {"jvm_options", "-Xmx256m -Xshare:auto"}};
  }

  // The same on the tool's command line.
  static void AddClient(Words& words) {
    words.insert(words.end(), {"--hdfs-client", HdfsClient()});
    for (const auto& [key, value] : JavaOptions()) words.insert(words.end(), {"--hdfs-option", key + "=" + value});
  }

  [[nodiscard]] std::string Root() const { return Cluster().uri() + name_ + "/cluster.compact"; }

  [[nodiscard]] ctu::Config MakeConfig() const {
    ctu::Config config;
    config.SetRoot(Root());
    config.SetHdfsClient(HdfsClient());
    for (const auto& [key, value] : JavaOptions()) config.SetHdfsOption(key, value);
    config.SetCatalogFile(folder_.Inside("catalog.json"));
    config.SetZooKeeperLock(Cluster().hosts(), lock_, kSessionTimeoutMs);
    config.SetZooKeeperLiveness(Cluster().hosts(), registry_);
    return config;
  }

  // A copy of the tree as it is now.
  [[nodiscard]] fs::path Copy() {
    const fs::path copy = folder_.path() / ("copy" + std::to_string(++copies_));
    Cluster().Get(name_ + "/cluster.compact", copy);
    return copy;
  }

  [[nodiscard]] Words TreePaths() { return AllPaths(Copy()); }

  // Runs an operation that must end well and gives its report.
  static ctu::Report Run(ctu::Session& session, ctu::Operation operation, const ctu::RunOptions& options = {}) {
    ctu::RunResult result = session.Run(operation, options);
    EXPECT_TRUE(result.ok()) << result.error->what() << ' ' << result.error->path();
    if (!result.report) throw std::runtime_error("there is no report");
    return std::move(*result.report);
  }

  // The tool on the tree, with the lock of the test.
  [[nodiscard]] ProcessResult Tool(const std::string& operation, const Words& options = {}) const {
    Words words{test_support::ToolPath(), "comptask-upgrade",      operation, "--root", Root(), "--zookeeper",
                Cluster().hosts(),        "--zookeeper-lock-path", lock_};
    AddClient(words);
    if (operation == "upgrade") words.insert(words.end(), {"--catalog", folder_.Inside("catalog.json")});
    words.insert(words.end(), options.begin(), options.end());
    return test_support::RunProcess(words);
  }

  test_support::TempFolder folder_;
  std::string name_;
  std::string registry_;
  std::string lock_;
  int copies_ = 0;
};

// The bytes of every V1 file.
std::vector<std::string> V1Bytes(const fs::path& root) {
  std::vector<std::string> bytes;
  for (const std::string& path : test_support::DesignTreeV1()) {
    if (path.back() != '/') bytes.push_back(test_support::ReadFile(root / path));
  }
  return bytes;
}

TEST_F(OnTheCluster, GoesTheWholeWayOfTheSeed) {
  const std::vector<std::string> v1 = V1Bytes(Copy());
  ctu::Session session(MakeConfig());
  const ctu::Report before = Run(session, ctu::Operation::kStatus);
  EXPECT_EQ(before.phase(), ctu::Phase::kNotStarted);
  EXPECT_EQ(before.left(), 4U);

  ctu::RunOptions verify;
  verify.verify = true;
  EXPECT_EQ(Run(session, ctu::Operation::kUpgrade, verify).converted(), 4U);
  const fs::path upgraded = Copy();
  EXPECT_EQ(AllPaths(upgraded), test_support::DesignTreeUpgraded());
  EXPECT_EQ(V1Bytes(upgraded), v1) << "an upgrade leaves V1 as it was";
  const std::string record = "Compaction_V2/Scheduler/aaaaffff.16176067.56000000.0/TaskInfo.pc2.sales";
  const ctu::TaskV2 task = ctu::Task::DecodeV2(test_support::ReadFile(upgraded / record)).v2();
  EXPECT_EQ(task.query_id, "aaaaffff.16176067.56000000");
  EXPECT_EQ(task.executenode, "xcloud25_9876");
  EXPECT_EQ(task.table_name, "orders");

  const ctu::Report again = Run(session, ctu::Operation::kUpgrade);
  EXPECT_EQ(again.converted(), 0U);
  EXPECT_EQ(again.skipped(), 4U);

  ctu::RunOptions cancel;
  cancel.recovery_mode = ctu::RecoveryMode::kCancel;
  EXPECT_EQ(Run(session, ctu::Operation::kRecovery, cancel).phase(), ctu::Phase::kNotStarted);
  const fs::path cancelled = Copy();
  EXPECT_EQ(V1Bytes(cancelled), v1);
  EXPECT_EQ(NamesIn(cancelled / "Compaction_V2/Scheduler"), Words{});
  EXPECT_EQ(NamesIn(cancelled / "Compaction_V2/TaskAssigned"), Words{});

  EXPECT_EQ(Run(session, ctu::Operation::kUpgrade).converted(), 4U);
  EXPECT_EQ(Run(session, ctu::Operation::kDelete).phase(), ctu::Phase::kV2Only);
  EXPECT_EQ(TreePaths(), test_support::DesignTreeV2());

  ctu::RunOptions downgrade;
  downgrade.recovery_mode = ctu::RecoveryMode::kDowngrade;
  EXPECT_EQ(Run(session, ctu::Operation::kRecovery, downgrade).phase(), ctu::Phase::kNotStarted);
  EXPECT_EQ(NamesIn(Copy() / "Compaction/Scheduler"),
            (Words{"compct.xcloud24_9876.0.1583392356000.Done", "compct.xcloud24_9876.0.1614928356000.Cancel",
                   "compct.xcloud24_9876.0.1617606756000", "compct.xcloud24_9876.0.1617693156000"}));
  session.Close();
  EXPECT_EQ(Cluster().ZooKeeper("ls " + lock_), Words{"[]"}) << "every lock was given back";
}

TEST_F(OnTheCluster, RefusesWhileAPuIsRegistered) {
  (void)Cluster().ZooKeeper("create -e " + registry_ + "/xcloud24_9876");
  const ctu::RunResult refused = ctu::Session(MakeConfig()).Run(ctu::Operation::kUpgrade);
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->code(), ctu::Code::kNodesOnline);
  EXPECT_TRUE(Holds(refused.error->what(), "xcloud24_9876")) << refused.error->what();
  const ProcessResult tool = Tool("upgrade", {"--zookeeper-registry-path", registry_});
  EXPECT_EQ(tool.exit_code, 10) << tool.err;
  EXPECT_TRUE(Holds(tool.err, "xcloud24_9876")) << tool.err;
  EXPECT_EQ(Tool("upgrade", {"--zookeeper-registry-path", registry_, "--plan"}).exit_code, 0)
      << "a plan does not ask whether nodes are up";
  EXPECT_EQ(TreePaths(), test_support::DesignTreeV1());

  (void)Cluster().ZooKeeper("delete " + registry_ + "/xcloud24_9876");
  const ProcessResult upgraded = Tool("upgrade", {"--zookeeper-registry-path", registry_});
  EXPECT_EQ(upgraded.exit_code, 0) << upgraded.err;

  // The node of the registry knows that one came and went, so that nobody takes V2 for untouched.
  (void)Cluster().ZooKeeper("create -e " + registry_ + "/xcloud24_9876");
  (void)Cluster().ZooKeeper("delete " + registry_ + "/xcloud24_9876");
  const ProcessResult back = Tool("recovery", {"--zookeeper-registry-path", registry_, "--mode", "cancel"});
  EXPECT_EQ(back.exit_code, 13) << back.err;
  EXPECT_TRUE(Holds(back.err, "nodes have come or gone")) << back.err;
}

TEST_F(OnTheCluster, DoesNotTakeARegistryThatIsNotThereForNoNodes) {
  const ProcessResult result = Tool("upgrade", {"--zookeeper-registry-path", name_ + "/nowhere"});
  EXPECT_EQ(result.exit_code, 38) << result.err;
  EXPECT_TRUE(Holds(result.err, name_ + "/nowhere")) << result.err;
}

TEST_F(OnTheCluster, TellsASecondRunWhoHoldsTheLock) {
  const std::string process = "process " + std::to_string(getpid());
  ctu::Session first(MakeConfig());
  int asked = 0;
  ctu::RunOptions options;
  options.progress = [&](const ctu::Progress& progress) {
    if (progress.stage != ctu::Stage::kConvert || asked++ != 0) return;
    const ProcessResult tool = Tool("upgrade", {"--assume-offline"});
    EXPECT_EQ(tool.exit_code, 11) << tool.err;
    for (const std::string& part : {std::string("comptask-upgrade upgrade on "), process, std::string("user "),
                                    std::string("since 20"), "path: " + lock_}) {
      EXPECT_TRUE(Holds(tool.err, part)) << "no '" << part << "' in: " << tool.err;
    }
    const ProcessResult status = Tool("status");
    EXPECT_EQ(status.exit_code, 0) << "a status takes no lock: " << status.err;
    EXPECT_TRUE(Holds(status.out, process)) << status.out;
  };
  EXPECT_EQ(Run(first, ctu::Operation::kUpgrade, options).converted(), 4U);
  EXPECT_NE(asked, 0);

  first.Lock();
  ctu::Session second(MakeConfig());
  try {
    second.Lock();
    ADD_FAILURE() << "the lock is held";
  } catch (const ctu::Error& error) {
    EXPECT_EQ(error.code(), ctu::Code::kLocked);
    EXPECT_TRUE(Holds(error.what(), "comptask-upgrade session on ") && Holds(error.what(), process)) << error.what();
  }
  EXPECT_EQ(Tool("delete").exit_code, 11);
  first.Unlock();
  EXPECT_NO_THROW(second.Lock());
  EXPECT_NO_THROW(second.Unlock());
}

TEST_F(OnTheCluster, LogsAnEpochThatGrowsWithEveryHolder) {
  const auto epoch = [&] {
    const std::string err = Tool("upgrade", {"--assume-offline", "-v"}).err;
    const std::string before = "[info] the lock is held by comptask-upgrade session on ";
    EXPECT_TRUE(Holds(err, before)) << err;
    const std::string::size_type at = err.find(", epoch ");
    return at == std::string::npos ? -1 : std::stoll(err.substr(at + 8));
  };
  const long long first = epoch();
  EXPECT_GT(first, 0);
  EXPECT_GT(epoch(), first);
}

TEST_F(OnTheCluster, KeepsTheLockToTheUserOfTheDigest) {
  lock_ = name_ + "/of_us/lock";
  ctu::Config config = MakeConfig();
  config.SetZooKeeperOption("digest", "us:s3cret");
  ctu::Session ours(config);
  ours.Lock();
  (void)Cluster().ZooKeeper("addauth digest us:s3cret");
  for (const std::string& node : {name_ + "/of_us", lock_}) {
    EXPECT_TRUE(AnyHolds(Cluster().ZooKeeper("getAcl " + node), "'digest,'us:")) << node;
  }
  ours.Unlock();

  const ProcessResult stranger = Tool("upgrade", {"--assume-offline"});
  EXPECT_EQ(stranger.exit_code, 39) << stranger.err;
  EXPECT_TRUE(Holds(stranger.err, lock_)) << stranger.err;
  EXPECT_EQ(TreePaths(), test_support::DesignTreeV1());

  test_support::WriteFile(folder_.Inside("digest"), "us:s3cret\n");
  const ProcessResult known =
      Tool("upgrade", {"--assume-offline", "--zookeeper-digest-file", folder_.Inside("digest"), "-vv"});
  EXPECT_EQ(known.exit_code, 0) << known.err;
  EXPECT_FALSE(Holds(known.out + known.err, "s3cret")) << known.err;
}

TEST_F(OnTheCluster, FindsTheFileSystemOfTheConfiguration) {
  const std::string root = "hdfs://" + name_ + "/cluster.compact";
  Words command{test_support::ToolPath(),
                "comptask-upgrade",
                "status",
                "--root",
                root,
                "--zookeeper",
                Cluster().hosts(),
                "--hdfs-option",
                "conf_dir=" + Cluster().conf()};
  AddClient(command);
  const ProcessResult result = test_support::RunProcess(command);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(Holds(result.out, "4 in V1")) << result.out;
}

}  // namespace
