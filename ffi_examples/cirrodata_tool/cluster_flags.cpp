#include "cluster_flags.h"

#include <CLI/CLI.hpp>
#include <cstddef>
#include <map>

#include "usage_error.h"

namespace cirrodata_tool {
namespace {

bool IsOnHdfs(const std::string& root) { return root.rfind("hdfs://", 0) == 0; }

// KEY=VALUE, and each key once: of two values one would be lost unseen.
std::map<std::string, std::string> Pairs(const std::string& flag, const std::vector<std::string>& words) {
  std::map<std::string, std::string> pairs;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    // The word is not shown, since it may be a secret that lost its key.
    if (equals == std::string::npos || equals == 0) throw UsageError(flag + " is given as KEY=VALUE");
    const std::string key = word.substr(0, equals);
    if (!pairs.emplace(key, word.substr(equals + 1)).second) throw UsageError(flag + " gives " + key + " twice");
  }
  return pairs;
}

// Who is up comes from one place; where that is to be ZooKeeper, nobody but the user knows the node.
void CheckNodesAreKnown(const ComptaskUpgradeOptions& options) {
  const bool asks_for_nodes = options.operation == "upgrade" || (options.operation == "recovery" && options.zookeeper);
  const bool are_known = !options.online_nodes_file.empty() || options.assume_offline || options.online ||
                         (options.zookeeper && options.zookeeper->registry_path);
  if (!asks_for_nodes || are_known) return;
  const std::string others = options.operation == "upgrade" ? "--online-nodes, --assume-offline or --online"
                                                            : "--online-nodes or --assume-offline";
  if (!options.zookeeper) throw UsageError("upgrade needs --zookeeper with --zookeeper-registry-path, " + others);
  throw UsageError(options.operation +
                   " with --zookeeper needs --zookeeper-registry-path, the node of the PU registry, " +
                   "or instead of it " + others);
}

}  // namespace

void AddClusterFlags(CLI::App& tool, ClusterFlags& flags) {
  tool.add_option("--hdfs-client", flags.hdfs_client, "root on HDFS: native, libhdfs or auto (the default)")
      ->type_name("NAME");
  tool.add_option("--hdfs-option", flags.hdfs_options, "root on HDFS: an option of the client; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  auto* zookeeper = tool.add_option("--zookeeper", flags.zookeeper.hosts,
                                    "the cluster's lock is in ZooKeeper: host:port,host:port[/chroot]")
                        ->type_name("HOSTS");
  tool.add_option("--zookeeper-lock-path", flags.zookeeper.lock_path,
                  "the node of the lock, the same for every run; " + flags.zookeeper.lock_path + " by default")
      ->type_name("PATH")
      ->needs(zookeeper);
  tool.add_option("--zookeeper-registry-path", flags.registry_path,
                  "upgrade, recovery: the node of the PU registry, whose children are the nodes that are up")
      ->type_name("PATH")
      ->needs(zookeeper)
      ->excludes(tool.get_option("--online-nodes"))
      ->excludes(tool.get_option("--assume-offline"))
      ->excludes(tool.get_option("--online"));
  tool.add_option("--zookeeper-session-timeout-ms", flags.zookeeper.session_timeout_ms,
                  "1,000 to 3,600,000; 0 (the default) stands for 30,000")
      ->type_name("N")
      ->needs(zookeeper);
  tool.add_option("--zookeeper-digest-file", flags.digest_file, "file with user:password for ZooKeeper")
      ->type_name("FILE")
      ->needs(zookeeper);
  tool.add_option("--zookeeper-option", flags.zookeeper_options, "an option of ZooKeeper's client; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->needs(zookeeper);
}

void SettleClusterFlags(const CLI::App& tool, const ClusterFlags& flags, ComptaskUpgradeOptions& options) {
  const bool on_hdfs = IsOnHdfs(options.root);
  for (const char* flag : {"--hdfs-client", "--hdfs-option"}) {
    if (!on_hdfs && tool.count(flag) != 0) {
      throw UsageError(std::string(flag) + " means nothing to a root that is not on HDFS");
    }
  }
  if (on_hdfs && tool.count("--zookeeper") == 0) {
    throw UsageError("a root on HDFS needs the cluster's lock: give --zookeeper");
  }
  if (tool.count("--hdfs-client") != 0) options.hdfs.client = flags.hdfs_client;
  options.hdfs.options = Pairs("--hdfs-option", flags.hdfs_options);
  if (tool.count("--zookeeper") != 0) {
    options.zookeeper = flags.zookeeper;
    if (tool.count("--zookeeper-registry-path") != 0) options.zookeeper->registry_path = flags.registry_path;
    if (tool.count("--zookeeper-digest-file") != 0) options.zookeeper->digest_file = flags.digest_file;
    options.zookeeper->options = Pairs("--zookeeper-option", flags.zookeeper_options);
    if (options.zookeeper->options.count("digest") != 0) {
      throw UsageError("a password on a command line is everybody's on this machine: give --zookeeper-digest-file");
    }
  }
  CheckNodesAreKnown(options);
}

}  // namespace cirrodata_tool
