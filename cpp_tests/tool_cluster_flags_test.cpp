// The flags of cirrodata-tool that are about clusters, without a cluster: what is refused before anything is asked of
// one, and what reaches the library.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "process.h"
#include "texts.h"
#include "tool_on_a_tree.h"

namespace {

using test_support::Holds;
using test_support::ProcessResult;
using test_support::Tool;
using test_support::ToolOnATree;
using Words = std::vector<std::string>;

// Nobody listens on port 1 of this machine.
const Words kZooKeeper{"--zookeeper", "127.0.0.1:1"};
const std::string kHdfsRoot = "hdfs://127.0.0.1:1/cluster.compact";

ProcessResult OnRoot(const std::string& operation, const std::string& root, const Words& options) {
  Words words{"comptask-upgrade", operation, "--root", root};
  if (operation == "upgrade") words.insert(words.end(), {"--catalog", "no-such-file"});
  words.insert(words.end(), options.begin(), options.end());
  return Tool(words);
}

Words With(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

void ExpectRefused(const ProcessResult& result, const std::string& part) {
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(Holds(result.err, part)) << "no '" << part << "' in: " << result.err;
}

TEST(ToolClusterFlags, AreInTheHelp) {
  const ProcessResult result = Tool({"comptask-upgrade", "--help"});
  for (const char* part : {"--hdfs-client", "--hdfs-option", "--zookeeper ", "--zookeeper-lock-path",
                           "--zookeeper-registry-path", "--zookeeper-session-timeout-ms", "--zookeeper-digest-file",
                           "--zookeeper-option", "/cirrodata/compact_lock", "hdfs://"}) {
    EXPECT_TRUE(Holds(result.out, part)) << part << " in: " << result.out;
  }
}

TEST(ToolClusterFlags, ARootOnHdfsNeedsTheLockOfTheCluster) {
  for (const char* operation : {"status", "upgrade", "recovery", "delete"}) {
    ExpectRefused(OnRoot(operation, kHdfsRoot, {}), "a root on HDFS needs the cluster's lock: give --zookeeper");
  }
}

TEST(ToolClusterFlags, MeanNothingToARootOnTheLocalDisk) {
  ExpectRefused(OnRoot("status", "folder", {"--hdfs-client", "native"}), "--hdfs-client means nothing");
  ExpectRefused(OnRoot("status", "folder", {"--hdfs-option", "user=x"}), "--hdfs-option means nothing");
}

TEST(ToolClusterFlags, NeedZooKeeperWhereTheyAreAboutIt) {
  for (const Words& flag : {Words{"--zookeeper-lock-path", "/lock"}, Words{"--zookeeper-registry-path", "/pus"},
                            Words{"--zookeeper-session-timeout-ms", "5000"}, Words{"--zookeeper-digest-file", "file"},
                            Words{"--zookeeper-option", "key=value"}}) {
    ExpectRefused(OnRoot("recovery", "folder", flag), flag.front() + " requires --zookeeper");
  }
}

TEST(ToolClusterFlags, AskWhereTheRegistryIsWhereItIsWanted) {
  for (const char* operation : {"upgrade", "recovery"}) {
    const ProcessResult result = OnRoot(operation, "folder", kZooKeeper);
    ExpectRefused(result, std::string(operation) + " with --zookeeper needs --zookeeper-registry-path");
    EXPECT_TRUE(Holds(result.err, "--assume-offline")) << result.err;
  }
  ExpectRefused(OnRoot("upgrade", "folder", {}), "--zookeeper-registry-path");
}

TEST(ToolClusterFlags, GoWithAnotherWordAboutTheNodes) {
  for (const Words& nodes : {Words{"--online-nodes", "no-such-file"}, {"--assume-offline"}, {"--online"}}) {
    // The catalog, which is not there, is what is looked at next.
    const ProcessResult upgrade = OnRoot("upgrade", "folder", With(kZooKeeper, nodes));
    EXPECT_EQ(upgrade.exit_code, 37) << upgrade.err;
    ExpectRefused(OnRoot("upgrade", "folder", With(With(kZooKeeper, {"--zookeeper-registry-path", "/pus"}), nodes)),
                  "excludes");
  }
}

TEST(ToolClusterFlags, TheRegistryMeansNothingToWhatAsksNoNode) {
  for (const char* operation : {"status", "delete"}) {
    ExpectRefused(OnRoot(operation, "folder", With(kZooKeeper, {"--zookeeper-registry-path", "/pus"})),
                  std::string("--zookeeper-registry-path means nothing to ") + operation);
  }
}

TEST(ToolClusterFlags, AreGivenAsPairsAndOnce) {
  const Words options = With(kZooKeeper, {"--hdfs-option"});
  for (const char* word : {"s3cret", "=s3cret", ""}) {
    const ProcessResult result = OnRoot("status", kHdfsRoot, With(options, {word}));
    ExpectRefused(result, "--hdfs-option is given as KEY=VALUE");
    EXPECT_FALSE(Holds(result.err, "s3cret")) << result.err;
    ExpectRefused(OnRoot("status", "folder", With(kZooKeeper, {"--zookeeper-option", word})),
                  "--zookeeper-option is given as KEY=VALUE");
  }
  ExpectRefused(OnRoot("status", kHdfsRoot, With(options, {"user=a", "--hdfs-option", "user=b"})), "gives user twice");
  ExpectRefused(OnRoot("status", kHdfsRoot, With(options, {"user=a", "user=b"})), "");
}

TEST(ToolClusterFlags, RefuseAPasswordOnTheCommandLine) {
  const ProcessResult result = OnRoot("status", "folder", With(kZooKeeper, {"--zookeeper-option", "digest=us:s3cret"}));
  ExpectRefused(result, "--zookeeper-digest-file");
  EXPECT_FALSE(Holds(result.err, "s3cret")) << result.err;
}

TEST(ToolClusterFlags, WhatTheLibraryRefusesIsBadUsageToo) {
  ExpectRefused(OnRoot("status", kHdfsRoot, With(kZooKeeper, {"--hdfs-client", "webhdfs"})), "webhdfs");
  ExpectRefused(OnRoot("status", kHdfsRoot, With(kZooKeeper, {"--hdfs-option", "colour=red"})), "colour");
  ExpectRefused(OnRoot("status", "folder", With(kZooKeeper, {"--zookeeper-option", "colour=red"})), "colour");
  ExpectRefused(OnRoot("status", "folder", With(kZooKeeper, {"--zookeeper-lock-path", "lock"})), "lock");
  ExpectRefused(OnRoot("status", "folder", With(kZooKeeper, {"--zookeeper-session-timeout-ms", "1"})), "1 ms");
  ExpectRefused(OnRoot("status", "folder", With(kZooKeeper, {"--zookeeper-session-timeout-ms", "-1"})), "");
  ExpectRefused(OnRoot("recovery", "folder", With(kZooKeeper, {"--zookeeper-registry-path", ""})), "no path of a node");
  ExpectRefused(OnRoot("status", "folder", {"--zookeeper", ""}), "no server");
}

// A value may hold what looks like more of a command line.
TEST(ToolClusterFlags, ReachTheClient) {
  const ProcessResult result = OnRoot(
      "status", "hdfs://ns/cluster.compact",
      With(kZooKeeper, {"--hdfs-client", "native", "--hdfs-option", "wait_ms=0", "--hdfs-option",
                        "dfs.ha.namenodes.ns=one,two", "--hdfs-option", "dfs.namenode.rpc-address.ns.one=127.0.0.1:1",
                        "--hdfs-option", "dfs.namenode.rpc-address.ns.two=127.0.0.1:1"}));
  EXPECT_EQ(result.exit_code, 34) << result.err;
  EXPECT_TRUE(Holds(result.err, "hdfs://ns/cluster.compact")) << result.err;
}

TEST_F(ToolOnATree, AsksZooKeeperForItsLockAlone) {
  // How long an answer is waited for is a part of it.
  const Words soon = With(kZooKeeper, {"--zookeeper-session-timeout-ms", "1000"});
  const ProcessResult deleted = Run("delete", soon);
  EXPECT_EQ(deleted.exit_code, 39) << "its lock would be a file lock, which anybody can take: " << deleted.err;
  EXPECT_TRUE(Holds(deleted.err, "/cirrodata/compact_lock")) << deleted.err;
  const ProcessResult elsewhere = Run("delete", With(soon, {"--zookeeper-lock-path", "/another/lock"}));
  EXPECT_TRUE(Holds(elsewhere.err, "/another/lock")) << elsewhere.err;
  EXPECT_EQ(Run("status", kZooKeeper).exit_code, 0) << "a status takes no lock";
  EXPECT_EQ(Run("upgrade", With(kZooKeeper, {"--plan"})).exit_code, 0) << "a plan takes no lock";
}

TEST_F(ToolOnATree, ReadsTheDigestFromAFile) {
  const std::string file = folder_.Inside("digest");
  const Words options = With(kZooKeeper, {"--zookeeper-digest-file", file});
  EXPECT_EQ(Run("status", options).exit_code, 30);
  for (const char* good : {"us:s3cret", "us:s3cret\n", "us:s3cret\r\n", "us:s3:cret"}) {
    test_support::WriteFile(file, good);
    EXPECT_EQ(Run("status", options).exit_code, 0) << good;
  }
  for (const auto& [bad, code] : {std::pair<std::string, int>{"", 1},
                                  {"s3cret", 1},
                                  {":s3cret", 1},
                                  {"s3cret:\n", 1},
                                  {"us:s3cret\n\n", 1},
                                  {"us:s3cret\nus:s3cret\n", 1},
                                  {std::string("us:s3cret\0", 10), 1},
                                  {"us:s3cret" + std::string(5000, 'x'), 40}}) {
    test_support::WriteFile(file, bad);
    const ProcessResult result = Run("status", options);
    EXPECT_EQ(result.exit_code, code) << bad << result.err;
    EXPECT_FALSE(Holds(result.err, "s3cret")) << result.err;
  }
  EXPECT_EQ(Run("status", With(kZooKeeper, {"--zookeeper-digest-file", folder_.path().string()})).exit_code, 1);
}

}  // namespace
