#include "cluster_flags.h"

#include <CLI/CLI.hpp>
#include <cstddef>
#include <map>

#include "texts.h"
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
    if (equals == std::string::npos || equals == 0) throw UsageError(English(Text::kKeyValueWanted, {flag}));
    const std::string key = word.substr(0, equals);
    if (!pairs.emplace(key, word.substr(equals + 1)).second) throw UsageError(English(Text::kKeyTwice, {flag, key}));
  }
  return pairs;
}

// Who is up comes from one place; where that is to be ZooKeeper, nobody but the user knows the node.
void CheckNodesAreKnown(const ComptaskUpgradeOptions& options) {
  const bool asks_for_nodes = options.operation == "upgrade" || (options.operation == "recovery" && options.zookeeper);
  const bool are_known = !options.online_nodes_file.empty() || options.assume_offline || options.online ||
                         (options.zookeeper && options.zookeeper->registry_path);
  if (!asks_for_nodes || are_known) return;
  if (!options.zookeeper) throw UsageError(English(Text::kUpgradeNeedsNodes));
  const std::string others = options.operation == "upgrade" ? "--online-nodes, --assume-offline or --online"
                                                            : "--online-nodes or --assume-offline";
  throw UsageError(English(Text::kOperationNeedsNodes, {options.operation, others}));
}

}  // namespace

void AddClusterFlags(CLI::App& tool, ClusterFlags& flags, Language language) {
  const auto say = [&](Text text) { return Say(text, language); };
  const std::string hdfs = say(Text::kGroupHdfs);
  tool.add_option("--hdfs-client", flags.hdfs_client, say(Text::kHdfsClient))->type_name("NAME")->group(hdfs);
  tool.add_option("--hdfs-option", flags.hdfs_options, say(Text::kHdfsOption))
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->group(hdfs);
  const std::string group = say(Text::kGroupZooKeeper);
  auto* zookeeper = tool.add_option("--zookeeper", flags.zookeeper.hosts, say(Text::kZooKeeper))->type_name("HOSTS");
  zookeeper->group(group);
  tool.add_option("--zookeeper-lock-path", flags.zookeeper.lock_path,
                  Say(Text::kZooKeeperLockPath, language, {flags.zookeeper.lock_path}))
      ->type_name("PATH")
      ->needs(zookeeper)
      ->group(group);
  tool.add_option("--zookeeper-registry-path", flags.registry_path, say(Text::kZooKeeperRegistryPath))
      ->type_name("PATH")
      ->needs(zookeeper)
      ->excludes(tool.get_option("--online-nodes"))
      ->excludes(tool.get_option("--assume-offline"))
      ->excludes(tool.get_option("--online"))
      ->group(group);
  tool.add_option("--zookeeper-session-timeout-ms", flags.zookeeper.session_timeout_ms,
                  say(Text::kZooKeeperSessionTimeout))
      ->type_name("N")
      ->needs(zookeeper)
      ->group(group);
  tool.add_option("--zookeeper-digest-file", flags.digest_file, say(Text::kZooKeeperDigestFile))
      ->type_name("FILE")
      ->needs(zookeeper)
      ->group(group);
  tool.add_option("--zookeeper-option", flags.zookeeper_options, say(Text::kZooKeeperOption))
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->needs(zookeeper)
      ->group(group);
}

void SettleClusterFlags(const CLI::App& tool, const ClusterFlags& flags, ComptaskUpgradeOptions& options) {
  const bool on_hdfs = IsOnHdfs(options.root);
  for (const char* flag : {"--hdfs-client", "--hdfs-option"}) {
    if (!on_hdfs && tool.count(flag) != 0) {
      throw UsageError(English(Text::kHdfsMeansNothing, {flag}));
    }
  }
  if (on_hdfs && tool.count("--zookeeper") == 0) {
    throw UsageError(English(Text::kHdfsNeedsLock));
  }
  if (tool.count("--hdfs-client") != 0) options.hdfs.client = flags.hdfs_client;
  options.hdfs.options = Pairs("--hdfs-option", flags.hdfs_options);
  if (tool.count("--zookeeper") != 0) {
    options.zookeeper = flags.zookeeper;
    if (tool.count("--zookeeper-registry-path") != 0) options.zookeeper->registry_path = flags.registry_path;
    if (tool.count("--zookeeper-digest-file") != 0) options.zookeeper->digest_file = flags.digest_file;
    options.zookeeper->options = Pairs("--zookeeper-option", flags.zookeeper_options);
    if (options.zookeeper->options.count("digest") != 0) {
      throw UsageError(English(Text::kPasswordOnCommandLine));
    }
  }
  CheckNodesAreKnown(options);
}

}  // namespace cirrodata_tool
