// The part of the command line that is about clusters.
#ifndef CIRRODATA_TOOL_CLUSTER_FLAGS_H_
#define CIRRODATA_TOOL_CLUSTER_FLAGS_H_

#include <string>
#include <vector>

#include "cluster_options.h"
#include "comptask_upgrade_adapter.h"
#include "language.h"

namespace CLI {
class App;
}

namespace cirrodata_tool {

/// The flags as they were typed.
struct ClusterFlags {
  std::string hdfs_client;
  std::vector<std::string> hdfs_options;
  /// Taken over where there is a --zookeeper.
  ZooKeeperOptions zookeeper;
  std::string registry_path;
  std::string digest_file;
  std::vector<std::string> zookeeper_options;
};

/// Adds the flags, described in a language; to be called when those about nodes are there.
void AddClusterFlags(CLI::App& tool, ClusterFlags& flags, Language language);

/// Takes over what was typed; throws UsageError.
void SettleClusterFlags(const CLI::App& tool, const ClusterFlags& flags, ComptaskUpgradeOptions& options);

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_CLUSTER_FLAGS_H_
